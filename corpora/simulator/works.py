"""OpenAlex's list of works over a simulated literature: cursor, filters, prices, an allowance."""

import json
from collections.abc import Callable

from corpora import boolean
from corpora.simulator.answers import openalex_work
from corpora.simulator.literature import Paper
from corpora.simulator.service import Answer, Index, Service

_LONGEST = 4_096
_LIST, _SEARCH = 0.0001, 0.001


def answer(service: Service, path: str, values: dict[str, str]) -> Answer:
    """The answer to a path; a single work is free, a list costs."""
    if path.startswith("/open/"):
        return _open_copy(service, path.removeprefix("/open/"))
    if path.startswith("/works/"):
        found = service.index.by_work.get(path.removeprefix("/works/"))
        return _json(200, openalex_work(found, service.index.works)) if found else _error(404, "not found")
    if path != "/works":
        return _error(404, "not found")
    if len(str(values)) > _LONGEST:
        return _error(400, "Request Line is too large")
    price = _SEARCH if ".search:" in values.get("filter", "") else _LIST
    if service.allowance < price:
        told = "Insufficient budget. This request costs more than your remaining budget for today."
        return _error(429, "Rate limit exceeded", told, _headers(service, 0.0))
    most = int(values.get("per-page", values.get("per_page", 25)))
    if not 1 <= most <= 100:
        return _error(403, "Invalid query parameters error.", "per-page parameter must be between 1 and 100")
    try:
        places = _places(service, values.get("filter", ""))
    except ValueError as error:
        return _error(403, "Invalid query parameters error.", str(error))
    with service.lock:
        service.allowance = round(service.allowance - price, 6)
    return _page(service, places, values, most, price)


def _page(service: Service, places: list[int], values: dict[str, str], most: int, price: float) -> Answer:
    cursor, index = values.get("cursor"), service.index
    start = int(cursor.removeprefix("sim")) if cursor and cursor != "*" else 0
    if cursor is None:
        start = (int(values.get("page", 1)) - 1) * most
        if start + most > 10_000:
            return _error(403, "Invalid query parameters error.", "Maximum results size of 10,000 records")
    shown = [index.openalex[place] for place in places[start : start + most]]
    # As the real one does: the end is a page after the last, empty and without a next cursor.
    after = f"sim{start + most}" if cursor and shown else None
    works = [_selected(_work(service, paper), values.get("select")) for paper in shown]
    meta = {"count": len(places), "per_page": most, "next_cursor": after, "cost_usd": price}
    return _json(200, {"meta": meta, "results": works}, _headers(service, price))


def _work(service: Service, paper: Paper) -> dict[str, object]:
    """Every second work has an open copy, every fourth only a landing page."""
    number = int(paper.openalex_id.strip("W") or 0) if paper.openalex_id else 1
    place = f"{service.url}/open/{paper.openalex_id}"
    copies: dict[int, dict[str, object]] = {
        0: {"pdf_url": f"{place}.pdf", "landing_page_url": place},
        2: {"pdf_url": None, "landing_page_url": f"{place}.html"},
    }
    return {**openalex_work(paper, service.index.works), "best_oa_location": copies.get(number % 4)}


def _open_copy(service: Service, name: str) -> Answer:
    """A file that begins as a PDF does, or a page about it."""
    paper = service.index.by_work.get(name.partition(".")[0])
    if paper is None:
        return _error(404, "not found")
    if name.endswith(".pdf"):
        return 200, f"%PDF-1.4\n% simulated: {paper.title}\n%%EOF\n".encode(), "application/pdf", {}
    return 200, b"<html><body>Simulated landing page</body></html>", "text/html", {}


def _selected(work: dict[str, object], names: str | None) -> dict[str, object]:
    return work if names is None else {name: work[name] for name in names.split(",")}


def _headers(service: Service, price: float) -> dict[str, str]:
    """One of the two families that are in use."""
    if service.credits:
        return {
            "X-RateLimit-Limit": "10000",
            "X-RateLimit-Remaining": str(int(service.allowance / _LIST)),
            "X-RateLimit-Credits-Used": str(round(price / _LIST)),
        }
    return {
        "X-RateLimit-Limit-USD": "1.0",
        "X-RateLimit-Remaining-USD": f"{max(service.allowance, 0.0) if price else 0.0:.4f}",
        "X-RateLimit-Cost-USD": f"{price:.4f}",
    }


def _json(status: int, value: object, headers: dict[str, str] | None = None) -> Answer:
    return status, json.dumps(value).encode(), "application/json", headers or {}


def _error(status: int, error: str, message: str = "", headers: dict[str, str] | None = None) -> Answer:
    return _json(status, {"error": error, "message": message}, headers)


def _places(service: Service, text: str) -> list[int]:
    """Places in the index of the works that pass all filters, in the order of their ids."""
    index, key = service.index, f"works {text}"
    if key not in service.found:
        kept = range(len(index.openalex))
        for part in filter(None, text.split(",")):
            name, _, value = part.partition(":")
            passes = _filter(index, name, value)
            kept = [place for place in kept if passes(place)]  # type: ignore[assignment]
        service.found[key] = list(kept)
    return service.found[key]


def _filter(index: Index, name: str, value: str) -> Callable[[int], bool]:
    options = value.split("|")
    if name == "title_and_abstract.search":
        find = boolean.matcher(value)
        return lambda place: find(index.openalex_documents[place])
    if name == "publication_year":
        return lambda place: any(_in_years(index.openalex[place].year, option) for option in options)
    tails = {option.rsplit("org/", 1)[-1].rsplit("gov/", 1)[-1] for option in options}
    if name in ("doi", "pmid"):
        return lambda place: getattr(index.openalex[place], name) in tails
    if name in ("openalex", "openalex_id", "ids.openalex"):
        return lambda place: index.openalex[place].openalex_id in tails
    if name == "cites":
        cited = {paper.report for work in tails if (paper := index.by_work.get(work))}
        return lambda place: bool(cited & set(index.openalex[place].cites))
    if name == "language":
        return lambda _: "en" in options
    if name == "type":
        return lambda place: _kind(index.openalex[place]) in options
    if name == "is_retracted":
        return lambda place: index.openalex[place].retracted == (value == "true")
    raise ValueError(f"{name} is not a valid field")


def _kind(paper: Paper) -> str:
    return "preprint" if paper.kind == "preprint" else "article"


def _in_years(year: int | None, option: str) -> bool:
    if option == "null":
        return year is None
    low, _, high = option.partition("-")
    return year is not None and int(low) <= year <= int(high or low)
