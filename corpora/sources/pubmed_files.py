"""PubMed's own files: the annual baseline and the daily updates, ``pubmed26n0001.xml.gz`` and on.

Later files replace earlier ones and delete from them. Files are read newest first, so that memory
holds PMIDs and never records. Each is checked against its ``.md5`` before a record is taken.
https://pubmed.ncbi.nlm.nih.gov/download/
"""

import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from corpora.errors import FormatError, InputError
from corpora.formats.base import Row
from corpora.progress import Progress, silent
from corpora.sources import pubmed_xml
from corpora.sources.base import Fetched
from corpora.words import counted

_HASH = re.compile(r"\b[0-9a-f]{32}\b")


def files(folder: Path) -> list[Path]:
    """The XML files of a folder, oldest first: their numbers go on from the baseline to the updates.

    Raises:
        InputError: no folder, or none in it.

    """
    found = sorted((*folder.glob("*.xml.gz"), *folder.glob("*.xml")), key=lambda path: path.name)
    if not found:
        raise InputError(f"{folder}: no PubMed XML here (files like pubmed26n0001.xml.gz)")
    return found


def check(folder: Path, progress: Progress = silent) -> Fetched:
    """Compare every file with its md5 and count what will come of it.

    Raises:
        FormatError: a file differs from its md5, or is cut off.

    """
    listed = files(folder)
    unchecked = []
    for done, path in enumerate(listed, 1):
        told = path.with_name(path.name + ".md5")
        if not told.exists():
            unchecked.append(path.name)
        elif (found := _HASH.search(told.read_text("utf-8").lower())) is None or found.group() != _md5(path):
            raise FormatError(f"{path}: differs from {told.name}; download it again (nothing was taken)")
        progress(f"checking {folder.name}", done, len(listed))
    counts: Counter[str] = Counter()
    deleted: set[str] = set()
    for done, (path, keep) in enumerate(_newest_first(listed, counts, deleted), 1):
        counts["kept"] += len(keep)
        progress(f"counting {folder.name}", done, len(listed))
        del path
    notes = [f"{folder.name}: {counted(len(unchecked), 'file')} without .md5 beside, not checked"]
    explained = {name: counts[name] for name in ("replaced by a newer version", "deleted by PubMed")}
    return Fetched(
        promised=counts["read"],
        explained={name: count for name, count in explained.items() if count},
        details={
            "files": [path.name for path in listed],
            "unchecked": unchecked,
            "deleted_pmids": sorted(deleted, key=int),
            "host": "files from PubMed's own server",
        },
        notes=notes if unchecked else [],
    )


def rows(folder: Path) -> Iterator[Row]:
    """The newest version of every record that is not deleted; unreadable ones refused and kept raw."""
    for path, keep in _newest_first(files(folder), Counter(), set()):
        with _opened(path) as stream:
            records = (one for one in pubmed_xml.elements(stream) if one.tag in pubmed_xml.RECORDS)
            for place, element in enumerate(records):
                if place in keep:
                    yield pubmed_xml.row(element, 0)


def _newest_first(
    listed: list[Path], counts: Counter[str], deleted: set[str]
) -> Iterator[tuple[Path, set[int]]]:
    """Each file with the places of the records to take from it; counts what is left out."""
    seen: set[str] = set()
    for path in reversed(listed):
        numbers, gone = _numbers(path)
        deleted |= gone - seen
        last = {number: place for place, number in enumerate(numbers)}
        keep = set()
        for place, number in enumerate(numbers):
            counts["read"] += 1
            if number in deleted and number not in seen:
                counts["deleted by PubMed"] += 1
            elif number and (number in seen or last[number] != place):
                counts["replaced by a newer version"] += 1
            else:
                keep.add(place)
        seen |= {number for number in numbers if number}
        yield path, keep


def _numbers(path: Path) -> tuple[list[str], set[str]]:
    """PMIDs of a file's records in order (empty for one without), and those that it deletes."""
    numbers: list[str] = []
    gone: set[str] = set()
    with _opened(path) as stream:
        for element in pubmed_xml.elements(stream):
            if element.tag == pubmed_xml.DELETED:
                gone |= {one.text for one in element if one.text}
            elif element.tag in pubmed_xml.RECORDS:
                numbers.append(pubmed_xml.number(element))
    return numbers, gone


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as raw:
            yield cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw
    except (EOFError, OSError) as error:
        raise FormatError(f"{path}: cannot be read to its end ({error}); download it again") from error
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
