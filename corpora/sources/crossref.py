"""Crossref: what publishers deposit with their DOIs, by its REST API.

https://api.crossref.org/swagger-ui/index.html. A query is text for ``query.bibliographic``, or
filters of the API joined by commas after ``filter:``, or both:
``filter:type:journal-article,has-abstract:true; language model``. Each limit is such a list of
filters. The text is no Boolean query: words are weighed, and every work with one of them is
found, so filters decide how many come. Set CROSSREF_EMAIL to be served in the polite pool.
"""

import json
import os
from dataclasses import replace
from typing import Any

from corpora import identifiers, places
from corpora.errors import InputError
from corpora.record import Author, Record, key_text
from corpora.sources.base import Search, transport_at
from corpora.sources.markup import plain
from corpora.sources.paged import PagedSource, day
from corpora.transport import Transport

_NOTICE = {"retraction", "withdrawal", "removal", "partial_retraction"}


class Crossref(PagedSource):
    """The source ``crossref``. Its cursor lives five minutes and remembers its place."""

    name = "crossref"
    title = "Crossref"
    platform = "Crossref REST API"
    host = "https://api.crossref.org"
    path = "/works"
    rate = 1.0
    size = 500
    remembers = True

    def transport(self, search: Search) -> Transport:
        """3 requests a second for those who say who they are, 1 for others."""
        return transport_at(search, 3.0 if os.environ.get("CROSSREF_EMAIL") else self.rate)

    def question(self, search: Search) -> dict[str, str]:
        """Text and filters.

        Raises:
            InputError: a limit names a filter again. Crossref joins those by OR, so that it would
                widen the search.

        >>> limits = ("type:journal-article", "from-pub-date:2020")
        >>> Crossref().question(Search("s", "crossref", "cats", limits))
        {'query.bibliographic': 'cats', 'filter': 'type:journal-article,from-pub-date:2020'}
        """
        text, lists = search.query.strip(), list(search.limits)
        if text.startswith("filter:"):
            head, _, text = text.removeprefix("filter:").partition(";")
            lists.insert(0, head)
        if search.since:
            lists.append(f"from-update-date:{day(search.since)}")
        filters: list[str] = []
        for listed in lists:
            used = {one.partition(":")[0] for one in filters}
            for part in (part.strip() for part in listed.split(",")):
                name, separator, value = part.partition(":")
                if not separator or not value:
                    raise InputError(f"{search.name}: Crossref filter {part!r}: write it as name:value")
                if name in used:
                    raise InputError(
                        f"{search.name}: Crossref would join two filters {name!r} by OR, so {part!r} would "
                        "widen the search; write both in one list if that is meant"
                    )
                filters.append(part)
        made = {"query.bibliographic": " ".join(text.split()), "filter": ",".join(filters)}
        return {name: value for name, value in made.items() if value}

    def lookups(self, paper: Record) -> list[str]:
        """By DOI; a title is looked up by `holds`."""
        return [f"filter:doi:{paper.doi}"] if paper.doi else []

    def holds(self, search: Search, transport: Transport, paper: Record) -> bool:
        """By DOI, else by title among the first works found; see `corpora.sources.base.Source`."""
        if paper.doi or not paper.title:
            return super().holds(search, transport, paper)
        # Any word of a title finds works, so that their number says nothing.
        asked = replace(search, query=paper.title, limits=(), since=None)
        page = json.loads(self._ask(transport, asked, None, rows="20"))
        wanted = key_text(paper.title)
        return any(key_text(_title(record)) == wanted for record in self.records(page))

    def paging(self, cursor: str | None) -> dict[str, str]:
        """A page of whole works, or none for the count."""
        made = {"rows": "0"} if cursor is None else {"rows": str(self.size), "cursor": cursor}
        email = os.environ.get("CROSSREF_EMAIL")
        return {**made, "mailto": email} if email else made

    def count(self, page: Any) -> int:
        """The number of works found."""
        return int(page["message"]["total-results"])

    def records(self, page: Any) -> list[dict[str, Any]]:
        """The works of a page."""
        found: list[dict[str, Any]] = page["message"]["items"]
        return found

    def after(self, page: Any) -> str | None:
        """There is always a next cursor, often the same: the end is a page without works."""
        message = page["message"]
        following: str | None = message.get("next-cursor")
        return following if message["items"] else None

    def key(self, record: dict[str, Any]) -> str | None:
        """The DOI."""
        return identifiers.doi(record.get("DOI") or "")

    def fields(self, record: dict[str, Any]) -> dict[str, Any]:
        """One work."""
        published = _date(record)
        registered = record.get("clinical-trial-number") or []
        return {
            "doi": record["DOI"],
            "title": _title(record),
            "abstract": plain(record.get("abstract")),
            "authors": [author for one in record.get("author") or () if (author := _author(one))],
            "venue": plain(_first(record.get("container-title"))) or _held_by(record),
            "volume": record.get("volume"),
            "issue": record.get("issue"),
            "pages": record.get("page"),
            "year": published[:4] or None,
            "publication_date": published,
            "publication_types": [
                kind for name in ("type", "subtype") if (kind := record.get(name)) not in (None, "other")
            ],
            "language": record.get("language"),
            "keywords": record.get("subject"),
            "citation_count": record.get("is-referenced-by-count"),
            "nct_ids": [text for one in registered if identifiers.nct(text := _trial(one))],
            "references": [
                f"doi:{doi}"
                for one in record.get("reference") or ()
                if (doi := identifiers.doi(one.get("DOI") or ""))
            ],
            "retraction": _retraction(record),
            "url": record.get("URL"),
            "licence": _first([one.get("URL") for one in record.get("license") or ()]),
            "crossref:publisher": record.get("publisher"),
            "crossref:funders": [one.get("name") for one in record.get("funder") or ()],
            "crossref:trials": [text for one in registered if not identifiers.nct(text := _trial(one))],
            "crossref:updates": [f"{one.get('type')} {one.get('DOI')}" for one in _updates(record)],
        }


def _first(values: Any) -> Any:
    """The first of a list; Crossref gives most texts as lists, and empty ones."""
    return values[0] if values else None


def _title(record: dict[str, Any]) -> str | None:
    """Title and subtitle, unless the title has it already."""
    title, more = plain(_first(record.get("title"))), plain(_first(record.get("subtitle")))
    if title and more and more.lower() not in title.lower():
        return f"{title.rstrip(':. ')}: {more}"
    return title or more


def _held_by(record: dict[str, Any]) -> str | None:
    """Preprints name the server as institution or group."""
    places_named = record.get("institution") or [{}]
    return places_named[0].get("name") or record.get("group-title")


def _date(record: dict[str, Any]) -> str:
    """As much of YYYY-MM-DD as is known; empty if nothing is.

    >>> _date({"issued": {"date-parts": [[2021, 3]]}}), _date({"issued": {"date-parts": [[None]]}})
    ('2021-03', '')
    """
    for name in ("published", "issued", "posted"):
        parts = _first((record.get(name) or {}).get("date-parts")) or [None]
        if parts[0]:
            return "-".join(f"{part:02d}" for part in parts if part)
    return ""


def _author(one: dict[str, Any]) -> Author | None:
    family = one.get("family") or one.get("name") or one.get("given")
    if not family:
        return None
    affiliations = [text for place in one.get("affiliation") or () if (text := place.get("name"))]
    return Author(
        family=family,
        given=one.get("given") if one.get("family") else None,
        orcid=identifiers.orcid(one["ORCID"]) if one.get("ORCID") else None,
        affiliations=tuple(affiliations),
        country=next((code for text in affiliations if (code := places.country(text))), None),
    )


def _trial(one: dict[str, Any]) -> str:
    return one.get("clinical-trial-number") or ""


def _updates(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(record.get("update-to") or ()), *(record.get("updated-by") or ())]


def _retraction(record: dict[str, Any]) -> str | None:
    """``update-to`` says what a notice is about, ``updated-by`` which notices there are."""
    by = {one.get("type") for one in record.get("updated-by") or ()}
    if by & _NOTICE:
        return "retracted"
    if {one.get("type") for one in record.get("update-to") or ()} & _NOTICE:
        return "notice"
    return "concern" if "expression_of_concern" in by else None
