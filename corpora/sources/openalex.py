"""OpenAlex: pyalex writes the query, our transport sends it, page after page by cursor.

Every call costs: what a call costs is read from its answer, the cost of the whole is said before
the first page of works, and a budget or a spent day's allowance stops between two pages. The
archive holds ``plan`` (counts at each limit, price) and the pages.
"""

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from corpora.errors import BudgetError, HarvestError, InputError, StoreError
from corpora.formats.base import Row
from corpora.record import Record
from corpora.run import now
from corpora.sources import archive, openalex_budget
from corpora.sources.base import Fetched, Search, Visit, transport_at
from corpora.sources.openalex_budget import LIST_CALL, SEARCH_CALL
from corpora.sources.openalex_query import HOST, urls
from corpora.sources.openalex_work import fields
from corpora.transport import Transport
from corpora.words import counted

PAGE = 100
"""Works a page: the most the API gives."""


class OpenAlex:
    """The source ``openalex``."""

    name = "openalex"
    title = "OpenAlex"
    platform = "OpenAlex API"
    kind = "database"

    def transport(self, search: Search) -> Transport:
        """10 requests a second: the service allows more, its budget does not."""
        return transport_at(search, 10.0)

    def fetch(self, visit: Visit) -> Fetched:
        """Walk the cursor of every URL of the query; see `corpora.sources.base.Source`."""
        search = visit.search
        if search.since:
            raise InputError(
                f"{search.name}: OpenAlex sells searches by date of change to its subscribers only; "
                "leave --since away: the whole strategy is rerun and what is held is subtracted"
            )
        client = Client(visit)
        plan = _plan(visit, client)
        seen: set[str] = set()
        missing, notes = 0, list[str]()
        for number, part in enumerate(plan["parts"]):
            found = _walk(client, part, number, seen, plan)
            if found < part["count"]:
                missing += _explain(visit, client, part, found)
            elif found > part["count"]:
                notes.append(
                    f"{search.name}: {counted(found - part['count'], 'work')} came while it was harvested"
                )
            seen |= client.ids
        details = {
            "strategy": search.query,
            "counts": plan["counts"],
            "urls": [part["url"] for part in plan["parts"]],
            "searched": plan["searched"],
            "searched_in": "title and abstract, with stemming and stop words; no full text",
            "cost_usd": round(client.spent, 4),
            "requests": visit.transport.requests,
            "host": search.base_url or HOST,
        }
        explained = {"left OpenAlex during the harvest": missing} if missing else {}
        return Fetched(len(seen) + missing, explained, details, notes)

    def holds(self, search: Search, transport: Transport, paper: Record) -> bool:
        """Asked by DOI, else PMID, else title; see `corpora.sources.base.Source`."""
        filters = [f"doi:{paper.doi}"] if paper.doi else []
        filters += [f"pmid:{paper.pmid}"] if paper.pmid else []
        if paper.title and not filters:
            words = "".join(letter if letter.isalnum() else " " for letter in paper.title)
            filters = [f"title_and_abstract.search:{' '.join(words.split())}"]
        client = Client(Visit(search, transport, Path()))
        base = (search.base_url or HOST).rstrip("/")
        return any(client.count(f"{base}/works?filter={quote(one, safe=':/')}") for one in filters)

    def rows(self, archive: Path) -> Iterator[Row]:
        """Every work once; see `corpora.sources.base.Source`."""
        seen: set[str] = set()
        for path in sorted(archive.glob("part-*.json.gz")):
            for work in _page(path)["results"]:
                if work["id"] not in seen:
                    seen.add(work["id"])
                    yield row(work)


def row(work: dict[str, Any]) -> Row:
    """A work as a row; one whose id cannot be read is refused and kept raw."""
    made = fields(work)
    if made.get("accession") is None:
        return Row(0, refused=f"no OpenAlex id: {work.get('id')!r}", raw=json.dumps(work))
    return Row(0, made)


class Client:
    """Calls of the API, with the account of what they cost.

    ``spent`` is what this client spent, in US dollars; ``price`` what its last call cost;
    ``ids`` the works of the part that is being walked.
    """

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.spent = 0.0
        self.price: float | None = None
        self.remaining: float | None = None
        self.ids: set[str] = set()

    def count(self, url: str) -> int:
        """How many works a URL finds."""
        page, _ = self.get(url, **{"per-page": "1", "select": "id"})
        return int(page["meta"]["count"])

    def get(self, url: str, **parameters: str) -> tuple[dict[str, Any], bytes]:
        """One answer of a list, parsed and as it came.

        Raises:
            BudgetError: it would cost more than the budget, or the day's allowance is spent.

        """
        name, limit = self.visit.search.name, self.visit.budget
        price = guess(url) if self.price is None else self.price
        if limit is not None and self.spent + price > limit + 1e-9:
            raise BudgetError(
                f"{name}: stopped before spending more than the budget of ${limit:g} "
                f"(${self.spent:.4f} spent, the next call costs ${price:.4f}); what came is kept, "
                f"go on with: review harvest {name} --budget {max(2 * limit, 0.1):.2f}"
            )
        pages: list[dict[str, Any]] = []
        key = os.environ.get("OPENALEX_API_KEY")
        joined = "&".join(f"{one}={value}" for one, value in parameters.items())
        answer = self.visit.transport.send(
            "GET",
            f"{url}&{joined}",
            headers={"Authorization": f"Bearer {key}"} if key else None,
            judge=lambda answer: _judge(answer, name, pages),
        )
        told = openalex_budget.read(answer.headers)
        meta = pages[-1]["meta"]
        self.price = float(meta.get("cost_usd") or told.cost or 0.0)
        self.spent += self.price
        self.remaining = told.remaining
        return pages[-1], answer.content


def guess(url: str) -> float:
    """The published price of a call, before the first answer tells the real one."""
    return SEARCH_CALL if ".search" in url or "?search=" in url or "&search=" in url else LIST_CALL


def _judge(answer: httpx.Response, name: str, pages: list[dict[str, Any]]) -> str | None:
    """Tell a spent allowance from "slow down", a wrong query from a busy server, a page from half."""
    if answer.status_code == 429:
        left = openalex_budget.read(answer.headers).remaining
        if (left is not None and left <= 0) or "budget" in answer.text.lower():
            raise BudgetError(
                f"{name}: OpenAlex's allowance for today is spent (it is renewed at midnight UTC); what "
                f"came is kept, go on then with: review harvest {name}"
            )
        return None
    if answer.status_code == 403:
        if "invalid" in answer.text.lower():
            raise InputError(f"{name}: OpenAlex refused the query: {answer.text[:300].strip()}")
        return f"HTTP 403, slow down: {answer.text[:120].strip()!r}"
    if not answer.is_success:
        return None
    try:
        page = json.loads(answer.content)
        int(page["meta"]["count"]), page["results"]
    except (ValueError, KeyError, TypeError):
        return f"OpenAlex: not a page of works: {answer.content[:120]!r}"
    pages.append(page)
    return None


def _plan(visit: Visit, client: Client) -> dict[str, Any]:
    """Counts and cost: made once and kept, so that a rerun goes on with it."""
    path = visit.archive / "plan.json.gz"
    held: dict[str, Any] | None = archive.held_json(path)
    if held is not None:
        client.price = held["price"]
        return held
    search = visit.search
    steps = [search.limits[:used] for used in range(len(search.limits) + 1)]
    price = guess(urls(search.query, search.base_url, search.limits)[0])
    kind = "a search; filters alone cost a tenth" if price == SEARCH_CALL else "a list call"
    visit.say(f"{search.name}: OpenAlex charges about ${price:.4f} a call ({kind}); counting first")
    counts: list[dict[str, Any]] = []
    for limits in steps:
        found = {url: client.count(url) for url in urls(search.query, search.base_url, limits)}
        counts.append({"limit": limits[-1] if limits else None, "count": sum(found.values())})
    pages = sum(math.ceil(count / PAGE) for count in found.values())
    cost = pages * (client.price or 0.0)
    visit.say(
        f"{search.name}: {counted(counts[-1]['count'], 'work')} in {counted(pages, 'page')}, about "
        f"${cost:.4f} in all" + _left(client.remaining, cost)
    )
    plan = {
        "counts": counts,
        "parts": [{"url": url, "count": count} for url, count in found.items()],
        "price": client.price,
        "cost_usd": round(cost, 4),
        "searched": now(),
    }
    archive.keep_json(path, plan)
    return plan


def _left(remaining: float | None, cost: float) -> str:
    if remaining is None:
        return ""
    rest = "; it will stop there, and the same command goes on tomorrow" if remaining < cost else ""
    return f" (${remaining:.4f} of today's allowance is left{rest})"


def _walk(client: Client, part: dict[str, Any], number: int, before: set[str], plan: dict[str, Any]) -> int:
    """Fetch one URL's pages; gives its number of works."""
    client.ids = set()
    total = sum(one["count"] for one in plan["parts"])
    if part["count"]:
        for page in pages(client, part["url"], f"part-{number:02d}"):
            client.ids |= {work["id"] for work in page["results"]}
            client.visit.progress(
                f"harvesting {client.visit.search.name}", len(before) + len(client.ids), total
            )
    return len(client.ids)


def pages(client: Client, url: str, prefix: str, **parameters: str) -> Iterator[dict[str, Any]]:
    """All pages of a URL by cursor; those that are archived under ``prefix`` are not paid again.

    It ends when as many works came as the service counts: the empty page after the last one would
    cost as much as any other.
    """
    cursor, place = "*", 0
    passed, ids = {cursor}, set[str]()
    while cursor:
        path = client.visit.archive / f"{prefix}-{place:06d}.json.gz"
        asked = {**parameters, "per-page": str(PAGE), "cursor": cursor}
        page = _page(path) if path.exists() else _next(client, url, asked, passed, path)
        yield page
        ids |= {work["id"] for work in page["results"]}
        if len(ids) >= int(page["meta"]["count"]):
            return
        cursor, place = page["meta"].get("next_cursor"), place + 1
        passed.add(cursor)


def _next(client: Client, url: str, asked: dict[str, str], passed: set[str], path: Path) -> dict[str, Any]:
    """One new page; a cursor that was met before would walk in a circle, so it is asked for again."""
    for _ in range(3):
        page, body = client.get(url, **asked)
        if page["meta"].get("next_cursor") not in passed:
            archive.keep(path, body)
            return page
    raise HarvestError(
        f"{client.visit.search.name}: OpenAlex gave the cursor {asked['cursor']!r} three times in a row; "
        "what came is kept, run the harvest again later"
    )


def _explain(visit: Visit, client: Client, part: dict[str, Any], found: int) -> int:
    """Works that were counted and did not come: explained if the service now counts as many as came."""
    again = client.count(part["url"])
    if again != found:
        raise HarvestError(
            f"{visit.search.name}: OpenAlex promised {counted(part['count'], 'work')}, {found:,} came, "
            "and it now "
            f"promises {again:,}; start afresh with: review harvest {visit.search.name} --restart"
        )
    return int(part["count"]) - found


def _page(path: Path) -> dict[str, Any]:
    held = archive.held_json(path)
    if not isinstance(held, dict):
        raise StoreError(f"{path}: is no archived page; delete it and harvest again")
    return held
