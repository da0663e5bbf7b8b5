"""Works of OpenAlex as JSON: a list, a page of the API, one work, or a work a line."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpora.errors import FormatError
from corpora.formats.base import Format, Row


def read(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Rows; a line or item that is no work is refused and kept raw."""
    del mapping
    found = 0
    for number, (work, raw) in enumerate(_items(path)):
        yield _row(number, work, raw)
        found += 1
    if not found:
        raise FormatError(f"{path}: no work in it")


def _row(number: int, work: Any, raw: str) -> Row:
    from corpora.sources.openalex_work import fields

    if not isinstance(work, dict) or not work.get("id"):
        return Row(number, refused="no work of OpenAlex (no 'id')", raw=raw[:10_000])
    made = fields(work)
    if made.get("accession") is None:
        return Row(number, refused=f"no OpenAlex id: {work['id']!r}", raw=raw[:10_000])
    return Row(number, made)


def _items(path: Path) -> Iterator[tuple[Any, str]]:
    with path.open(encoding="utf-8-sig", errors="replace") as handle:
        first = handle.readline()
        try:
            whole = isinstance(json.loads(first), dict) and "results" not in json.loads(first)
        except ValueError:
            whole = False
        handle.seek(0)
        if whole:
            for line in handle:
                if line.strip():
                    yield _parsed(line), line.strip()
            return
        try:
            document = json.load(handle)
        except ValueError as error:
            raise FormatError(f"{path}: not JSON: {error}; cut off?") from error
    items = document.get("results", [document]) if isinstance(document, dict) else document
    for item in items:
        yield item, json.dumps(item)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _sniff(start: bytes) -> bool:
    return start.lstrip()[:1] in (b"{", b"[") and b"openalex.org/" in start


FORMAT = Format("openalex-json", (".json", ".jsonl"), _sniff, read, source="openalex")
