"""PubMed: counted, cut into slices, fetched by history in batches, checked by PMID.

The archive of a harvest holds ``plan`` (counts at each limit, translation, slices), for each slice
its list of PMIDs (the promise), and the EFetch answers. Slicing is by Entrez date and PMID; limits
on publication dates belong to the query and stay as they are.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from corpora.errors import HarvestError, InputError, TransportError
from corpora.formats.base import Row
from corpora.record import Record
from corpora.run import now
from corpora.sources import archive, eutils, pubmed_xml
from corpora.sources.base import Fetched, Search, Visit, transport_at
from corpora.sources.eutils import CAP, Eutils
from corpora.sources.slices import cut
from corpora.transport import Transport
from corpora.words import counted

BATCH = 250
"""Records asked for in one EFetch call."""

_WORKERS = 4
"""Batches under way at once; the transport's rate holds over all of them."""


class PubMed:
    """The source ``pubmed``."""

    name = "pubmed"
    title = "PubMed"
    platform = "NCBI E-utilities"
    kind = "database"

    def transport(self, search: Search) -> Transport:
        """3 requests a second, 10 with NCBI_API_KEY; no limit for an address of this machine."""
        return transport_at(search, 10.0 if os.environ.get("NCBI_API_KEY") else 3.0)

    def fetch(self, visit: Visit) -> Fetched:
        """Count, cut, list and fetch; see `corpora.sources.base.Source`."""
        client = Eutils(visit.transport, visit.search.base_url)
        plan = _plan(visit, client)
        promised: set[str] = set()
        for number, term in enumerate(plan["slices"]):
            promised |= _slice(visit, client, number, term["term"], len(promised), plan["count"])
        details = {
            **{key: plan[key] for key in ("strategy", "counts", "translation", "warnings", "searched")},
            "slices": plan["slices"],
            "listed": len(promised),
            "requests": visit.transport.requests,
            "host": visit.search.base_url or eutils.HOST,
        }
        notes = [f"{visit.search.name}: {warning}" for warning in plan["warnings"]]
        if len(promised) != plan["count"]:
            notes.append(
                f"{visit.search.name}: {counted(plan['count'], 'record was')} counted, {len(promised):,} "
                "listed "
                "afterwards; PubMed changed meanwhile, the list is what was fetched"
            )
        return Fetched(len(promised), details=details, notes=notes)

    def holds(self, search: Search, transport: Transport, paper: Record) -> bool:
        """Asked by PMID, else DOI, else title; see `corpora.sources.base.Source`."""
        client = Eutils(transport, search.base_url)
        terms = [f"{paper.pmid}[uid]"] if paper.pmid else []
        terms += [f"{paper.doi}[doi]"] if paper.doi else []
        terms += [f'"{paper.title.strip(".")}"[ti]'] if paper.title and not terms else []
        return any(client.search(term).count for term in terms)

    def rows(self, archive: Path) -> Iterator[Row]:
        """Every promised PMID once; see `corpora.sources.base.Source`."""
        return _rows(archive)


def strategy(search: Search) -> str:
    """The term as it is sent: the query, then its limits, then the window.

    >>> strategy(Search("s", "pubmed", "cats OR dogs", limits=("english[lang]",), since="2026-01-31"))
    '(cats OR dogs) AND (english[lang]) AND (2026/01/31:3000[CRDT] OR 2026/01/31:3000[LR])'
    """
    parts = [search.query, *search.limits]
    if search.since:
        # Not Entrez date: journals that PubMed takes in later enter it with old ones.
        day = _day(search.since)
        parts.append(f"{day}:3000[CRDT] OR {day}:3000[LR]")
    return parts[0] if len(parts) == 1 else " AND ".join(f"({part})" for part in parts)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text[:10]).strftime("%Y/%m/%d")
    except ValueError as error:
        raise InputError(f"--since {text!r}: write a date as YYYY-MM-DD") from error


# ---------------------------------------------------------------- fetching


def _plan(visit: Visit, client: Eutils) -> dict[str, Any]:
    """What is to be fetched: made once and kept, so that a rerun goes on with it."""
    path = visit.archive / "plan.json.gz"
    held: dict[str, Any] | None = archive.held_json(path)
    if held is not None:
        return held
    search = visit.search
    counts = []
    for used in range(len(search.limits) + 1):
        narrowed = Search(search.name, search.source, search.query, search.limits[:used])
        found = client.search(strategy(narrowed))
        limit = search.limits[used - 1] if used else None
        counts.append({"limit": limit, "count": found.count})
    term = strategy(search)
    whole = client.search(term) if search.since else found
    if whole.complaints and not search.accept_warnings:
        raise HarvestError(
            f"{search.name}: PubMed did not search the query as written: {'; '.join(whole.complaints)}; "
            "mend it, or set accept_warnings = true for this search (--accept-warnings)"
        )
    if whole.count > CAP:
        visit.say(
            f"{search.name}: {counted(whole.count, 'record')}; PubMed gives {CAP:,} a search, so the "
            "query is "
            "cut by Entrez date"
        )
    slices = cut(term, whole.count, _counting(visit, client), CAP)
    plan = {
        "strategy": term,
        "counts": counts,
        "count": whole.count,
        "translation": whole.translation,
        "warnings": whole.complaints,
        "searched": now(),
        "slices": [asdict(one) for one in slices],
    }
    archive.keep_json(path, plan)
    return plan


def _counting(visit: Visit, client: Eutils) -> Callable[[str], int]:
    """Counts a term and shows how many were counted: a large query takes a hundred of them."""
    asked = itertools.count(1)

    def count(term: str) -> int:
        visit.progress(f"slicing {visit.search.name}", next(asked))
        return client.search(term).count

    return count


def _slice(visit: Visit, client: Eutils, number: int, term: str, before: int, total: int) -> set[str]:
    """List one slice and fetch it in batches; gives the PMIDs it promised."""
    path = visit.archive / f"slice-{number:04d}.json.gz"
    held = archive.held_json(path)
    if held is None:
        found = client.search(term, listed=CAP)
        pmids = list(dict.fromkeys(found.pmids))
        if len(pmids) != found.count:
            raise HarvestError(
                f"{visit.search.name}: PubMed counts {counted(found.count, 'record')} for {term!r} and lists "
                f"{len(pmids):,}; nothing of this slice was fetched, run the harvest again"
            )
        held = {"pmids": pmids, "webenv": found.webenv, "query_key": found.query_key}
        archive.keep_json(path, held)
    pmids = held["pmids"]

    def batch(start: int) -> int:
        page = visit.archive / f"slice-{number:04d}-{start:04d}.xml.gz"
        if not page.exists():
            archive.keep(page, _batch(client, held, start))
        return min(BATCH, len(pmids) - start)

    done = before
    # The window asked for decides where the next begins, never the number that came.
    with ThreadPoolExecutor(_WORKERS) as pool:
        for size in pool.map(batch, range(0, len(pmids), BATCH)):
            done += size
            visit.progress(f"harvesting {visit.search.name}", done, total)
    return set(pmids)


def _batch(client: Eutils, listed: dict[str, Any], start: int) -> bytes:
    """One batch by history; by id where the history is gone or gives something else."""
    wanted = listed["pmids"][start : start + BATCH]
    if listed["webenv"]:
        try:
            body = client.fetch(
                judge=_page_judge,
                WebEnv=listed["webenv"],
                query_key=listed["query_key"],
                retstart=start,
                retmax=len(wanted),
            )
        except TransportError:
            body = b""
        if set(eutils.listed(body) or ()) == set(wanted):
            return body
    return client.fetch(judge=_page_judge, id=wanted)


def _page_judge(answer: httpx.Response) -> str | None:
    if answer.is_success and eutils.listed(answer.content) is None:
        return f"EFetch: not a whole set of articles: {answer.content[:120]!r}"
    return None


# ---------------------------------------------------------------- reading


def _rows(folder: Path) -> Iterator[Row]:
    promised: set[str] = set()
    for path in folder.glob("slice-????.json.gz"):
        promised |= set(archive.held_json(path)["pmids"])
    missing = set(promised)
    odd: list[Row] = []
    for page in sorted(folder.glob("slice-????-*.xml.gz")):
        for row in pubmed_xml.rows(archive.held(page) or b""):
            pmid = row.fields.get("pmid") or row.key
            if pmid in missing:
                missing.remove(pmid)
                yield row
            elif pmid not in promised:
                odd.append(row)
    # What came without a PMID that was promised stands in for one that did not come.
    for pmid in sorted(missing, key=int):
        raw = odd.pop().raw if odd else ""
        said = "cannot be read" if raw else "was listed and did not come: gone meanwhile"
        yield Row(0, refused=f"PMID {pmid} {said}", raw=raw, key=pmid)
    for row in odd:
        yield Row(0, refused=row.refused or "came unasked", raw=row.raw or str(row.fields), key=row.key)
