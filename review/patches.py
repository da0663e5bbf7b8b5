"""Filled fields: a patch shows where the source's own value is missing, and never over it.

Machines' patches lie beside the records (``patches.parquet`` of a run), people's in the ledger; a
person's beats a machine's, a later one an earlier one. The records themselves never change.
"""

from collections.abc import Sequence

import pyarrow as pa

from corpora.errors import InputError
from review.workspace import Workspace

FIELDS = ("title", "abstract", "year", "doi", "pmid", "venue", "language", "url", "citation_count")
"""Fields that may be filled: those of one value."""

_NUMBERS = ("year", "citation_count")


def fill(workspace: Workspace, record_id: str, field: str, value: str, person: str) -> str:
    """A person fills a field that the source left empty; gives the patch's UUID.

    Raises:
        InputError: not a field that can be filled, or a year that is none.

    """
    if field not in FIELDS:
        raise InputError(f"patch of {record_id}: field {field!r}: fields are {', '.join(FIELDS)}")
    if field in _NUMBERS and not value.isdigit():
        raise InputError(f"patch of {record_id}: {field} = {value!r}: write digits")
    row = {"record_id": record_id, "field": field, "value": value, "person": person}
    return workspace.ledger.append("patches", row)


def records(workspace: Workspace, columns: Sequence[str]) -> pa.Table:
    """The newest version of every record, empty fields filled by patches."""
    table = workspace.corpus.records(list(dict.fromkeys(["record_id", *columns])))
    held = _patches(workspace)
    if held:
        ids = table["record_id"].to_pylist()
        for field in sorted({field for _, field in held} & set(columns)):
            kind = table.schema.field(field).type
            cells = [
                held.get((one, field)) if cell in (None, "") else cell
                for one, cell in zip(ids, table[field].to_pylist(), strict=True)
            ]
            typed = [int(cell) if cell is not None and field in _NUMBERS else cell for cell in cells]
            place = table.schema.get_field_index(field)
            table = table.set_column(place, table.schema.field(field), pa.array(typed, kind))
    return table.select(list(columns))


def _patches(workspace: Workspace) -> dict[tuple[str, str], str]:
    """(record, field) → value, by precedence."""
    machine = workspace.corpus.table("records", "patches", ["record_id", "field", "value"]).to_pylist()
    people = workspace.ledger.current("patches")
    return {(row["record_id"], row["field"]): row["value"] for row in (*machine, *people)}
