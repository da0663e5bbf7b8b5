"""`review enrich`: abstracts and citation counts that a source left out, filled from OpenAlex.

Nothing is overwritten: what is filled is a patch beside the records, and each says from which work
and by which identifier it came. A work whose title is unlike the record's fills nothing.
"""

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from rapidfuzz import fuzz

from corpora import schema
from corpora.errors import InputError
from corpora.progress import Progress, silent
from corpora.record import key_text
from corpora.registry import load
from corpora.run import Run
from corpora.sources.base import Search, Visit
from corpora.sources.openalex import Client
from corpora.sources.openalex_budget import LIST_CALL
from corpora.sources.openalex_lookup import by_ids, calls
from corpora.sources.openalex_work import identifier, plain_abstract
from corpora.words import counted
from review import patches
from review.gathering.harvesting import DEFAULTS, Options, service_url
from review.gathering.ingest import Outcome
from review.workspace import Workspace

ALIKE = 75.0
"""Similarity of titles (rapidfuzz ratio, 0-100) below which an identifier is not believed."""

_SELECT = "id,doi,ids,title,abstract_inverted_index,cited_by_count"


def enrich(workspace: Workspace, options: Options = DEFAULTS, progress: Progress = silent) -> Outcome:
    """Look up every record that lacks an abstract or a citation count and has a DOI or PMID.

    Raises:
        BudgetError: the budget or the day's allowance is spent; a rerun goes on.

    """
    wanting = _wanting(workspace)
    if not wanting:
        return Outcome("enrich", None, ("no record with a DOI or PMID lacks an abstract or citation count",))
    asked = hashlib.sha256(json.dumps(wanting, sort_keys=True).encode()).hexdigest()[:16]
    folder = workspace.corpus.root / "raw" / f"enrich-{asked}"
    folder.mkdir(parents=True, exist_ok=True)
    keys = {kind: sorted(by_key) for kind, by_key in _by_identifier(wanting).items()}
    number = sum(map(calls, keys.values()))
    options.say(
        f"enrich: {counted(len(wanting), 'record')} by "
        f"{counted(sum(map(len, keys.values())), 'identifier')} in {number:,} "
        f"calls, about ${number * LIST_CALL:.4f}"
    )
    run = Run.begin(
        "enrich", {"source": "openalex", "archive": folder.name}, input_hash=asked, libraries=("pyarrow",)
    )
    search = Search("enrich", "openalex", "", base_url=service_url("openalex"))
    counts: Counter[str] = Counter()
    with load("sources", "openalex")().transport(search) as transport:
        client = Client(Visit(search, transport, folder, progress, options.say, options.budget))
        filled = list(_filled(client, keys, wanting, counts, progress))
    run.account.promised = run.account.delivered = len(wanting)
    counts["records looked up"] = len(wanting)
    run.account.counts = dict(sorted(counts.items()))
    run.parameters["cost_usd"] = round(client.spent, 4)
    with workspace.writing("records", run) as part:
        part.add("patches", pa.Table.from_pylist(filled, schema.PATCHES))
    return Outcome("enrich", run, tuple(run.notes))


def abstract_of(doi: str | None, pmid: str | None, title: str | None) -> tuple[str, str]:
    """One abstract from OpenAlex by DOI or PMID, and where it came from.

    Raises:
        InputError: no identifier, nothing found, or the work has another title.
        TransportError: OpenAlex does not answer.

    """
    kind, value = ("doi", doi) if doi else ("pmid", pmid)
    if not value:
        raise InputError("no DOI or PMID to fetch an abstract by; type it instead")
    search = Search("enrich", "openalex", "", base_url=service_url("openalex"))
    with (
        tempfile.TemporaryDirectory() as folder,
        load("sources", "openalex")().transport(search) as transport,
    ):
        client = Client(Visit(search, transport, Path(folder), silent, lambda _: None, None))
        works = [work for work in by_ids(client, kind, [value], _SELECT) if identifier(work, kind) == value]
    if not works or not _alike(title, works[0].get("title")):
        raise InputError(
            f"OpenAlex has no work of this title under {kind} {value}; type the abstract instead"
        )
    text = plain_abstract(works[0].get("abstract_inverted_index"))
    if not text:
        raise InputError(f"OpenAlex has no abstract of {kind} {value} either; type it instead")
    return text, f"from OpenAlex {works[0]['id'].rsplit('/', 1)[-1]} by {kind} {value}"


Wanting = dict[str, dict[str, Any]]
"""Record id → its identifiers, title and the fields that are missing."""


def _wanting(workspace: Workspace) -> Wanting:
    columns = ("record_id", "source", "doi", "pmid", "title", "abstract", "citation_count")
    found: Wanting = {}
    for row in patches.records(workspace, columns).to_pylist():
        missing = [
            name
            for name, lacks in (
                ("abstract", not row["abstract"]),
                ("citation_count", row["citation_count"] is None),
            )
            if lacks
        ]
        if missing and row["source"] != "openalex" and (row["doi"] or row["pmid"]):
            found[row["record_id"]] = {**row, "missing": missing}
    return found


def _by_identifier(wanting: Wanting) -> dict[str, dict[str, list[str]]]:
    """Kind → identifier → records: by DOI where there is one, else by PMID."""
    found: dict[str, dict[str, list[str]]] = {"doi": {}, "pmid": {}}
    for record, row in sorted(wanting.items()):
        kind = "doi" if row["doi"] else "pmid"
        found[kind].setdefault(row[kind], []).append(record)
    return found


def _filled(
    client: Client, keys: dict[str, list[str]], wanting: Wanting, counts: Counter[str], progress: Progress
) -> Iterator[dict[str, str]]:
    """Patches, each field of a record once, in the order of the identifiers."""
    by_identifier = _by_identifier(wanting)
    done: set[tuple[str, str]] = set()
    known: set[str] = set()
    for kind, values in keys.items():
        for work in by_ids(client, kind, values, _SELECT):
            held = identifier(work, kind)
            for record in by_identifier[kind].get(held or "", ()):
                known.add(record)
                if not _alike(wanting[record]["title"], work.get("title")):
                    counts["left alone: another title"] += 1
                    continue
                for field, value in _values(work).items():
                    if field in wanting[record]["missing"] and value and (record, field) not in done:
                        done.add((record, field))
                        counts[f"filled {field}"] += 1
                        yield {
                            "record_id": record, "field": field, "value": value,
                            "origin": f"openalex {work['id'].rsplit('/', 1)[-1]} by {kind} {held}",
                        }  # fmt: skip
            progress("enriching", len(known), len(wanting))
    counts["not in OpenAlex"] = len(wanting) - len(known)


def _values(work: dict[str, Any]) -> dict[str, str | None]:
    count = work.get("cited_by_count")
    return {
        "abstract": plain_abstract(work.get("abstract_inverted_index")),
        "citation_count": None if count is None else str(count),
    }


def _alike(ours: str | None, theirs: str | None) -> bool:
    """A record without a title cannot contradict."""
    return not ours or fuzz.ratio(key_text(ours), key_text(theirs)) >= ALIKE
