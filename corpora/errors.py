"""Every error that litscale raises on purpose.

::

    LitscaleError              the base: the command line prints it and exits 1
    ├── InputError             a file, row or field that a person gave cannot be used
    │   └── FormatError        a file is not in the format it claims, or in none we know
    ├── ProtocolError          protocol.toml: file, key, value
    ├── CodebookError          a codebook file: file, key, value
    ├── UnknownNameError       no plug-in, template or preset of that name
    ├── MissingExtraError      an optional dependency is not installed
    ├── StoreError             the corpus on disk is not what its own account says
    │   ├── VersionError       written by a newer litscale
    │   ├── LockedError        another process is writing this corpus
    │   └── DiskError          the disk refused a write; nothing was committed
    ├── LedgerError            the ledger cannot be read or written
    ├── TransportError         a service did not answer as it promised
    │   ├── BudgetError        a service's allowance is spent
    │   └── HarvestError       promised and delivered records do not add up
    └── UnaccountedError       a count does not add up: names both numbers

A message says what happened, where (file, row, field), the value that was got, and what to do.
"""


class LitscaleError(Exception):
    """Base of all errors that a user can do something about."""


class InputError(LitscaleError):
    """Raised when a file, row or field that a person gave cannot be used."""


class FormatError(InputError):
    """Raised when a file is not in the format it claims, or in no format we know."""


class ProtocolError(LitscaleError):
    """Raised when protocol.toml is missing, malformed or contradicts itself."""


class CodebookError(LitscaleError):
    """Raised when a codebook file is malformed."""


class UnknownNameError(LitscaleError):
    """Raised when no plug-in, template or preset of that name is known."""


class MissingExtraError(LitscaleError):
    """Raised when an optional dependency is needed and not installed."""


class StoreError(LitscaleError):
    """Raised when the corpus on disk is not what its own account says."""


class VersionError(StoreError):
    """Raised when a workspace or part was written by a newer litscale."""


class LockedError(StoreError):
    """Raised when another process is writing the corpus."""


class DiskError(StoreError):
    """Raised when the disk refused a write; nothing of that run was committed."""


class LedgerError(LitscaleError):
    """Raised when the ledger cannot be read or written."""


class TransportError(LitscaleError):
    """Raised when a service did not answer as it promised, after all tries."""


class BudgetError(TransportError):
    """Raised when a service's allowance, or the user's own limit, is spent."""


class HarvestError(TransportError):
    """Raised when promised and delivered records do not add up."""


class UnaccountedError(LitscaleError):
    """Raised when a count does not add up; the message names both numbers."""
