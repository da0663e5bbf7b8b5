"""OpenAlex: pyalex writes the query, our transport sends it.

A query is plain text, searched in title and abstract, or filters of the API joined by commas
after ``filter:``, or both: ``filter:publication_year:2020-2026,type:article; language model``.
Prices: a list call costs a tenth of a search call. https://developers.openalex.org
"""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pyalex import Works

from corpora import identifiers
from corpora.errors import HarvestError, InputError, TransportError
from corpora.formats.base import Row
from corpora.progress import Progress
from corpora.record import Author, MeshHeading
from corpora.run import now
from corpora.sources import archive as kept
from corpora.sources.base import Harvest, Search, is_loopback
from corpora.transport import Transport

HOST = "https://api.openalex.org"
PAGE = 100
_BUDGET = ("x-ratelimit-", "x-rate-limit-")


class OpenAlex:
    """The source ``openalex``."""

    name = "openalex"

    def transport(self, search: Search) -> Transport:
        """10 requests a second: the service allows more, its budget does not."""
        return Transport(None if is_loopback(search.base_url) else 10.0)

    def harvest(self, search: Search, transport: Transport, archive: Path, progress: Progress) -> Harvest:
        """Walk the cursor from page to page; see `corpora.sources.base.Source`."""
        url = query_url(search.query, search.base_url)
        works: dict[str, dict[str, Any]] = {}
        budget: dict[str, str] = {}
        seen: set[str] = set()
        cursor: str | None = "*"
        promised, number, cost = 0, 0, 0.0
        while cursor:
            if cursor in seen:
                raise HarvestError(f"{search.name}: OpenAlex gave the cursor {cursor!r} twice")
            seen.add(cursor)
            page, told = _page(transport, url, cursor, archive / f"page-{number:06d}.json.gz")
            meta = page["meta"]
            promised = promised or int(meta["count"])
            budget, cost = told or budget, cost + float(meta.get("cost_usd") or 0)
            works |= {work["id"]: work for work in page["results"]}
            progress(f"harvesting {search.name}", len(works), promised)
            cursor, number = meta.get("next_cursor"), number + 1
        if len(works) != promised:
            raise HarvestError(
                f"{search.name}: OpenAlex promised {promised:,} works, {len(works):,} came; "
                "it may have changed meanwhile: delete the archive and harvest again"
            )
        details = {
            "url": url,
            "cost_usd": round(cost, 4),
            "budget": budget,
            "searched": now(),
            "requests": transport.requests,
            "searched_in": "title and abstract, with stemming and stop words; no full text",
        }
        ordered = sorted(works.values(), key=lambda work: _number(work["id"]))
        return Harvest(promised, [_row(n, work) for n, work in enumerate(ordered)], details)


def query_url(query: str, base_url: str | None = None) -> str:
    """The URL of a query, without paging; a fresh pyalex query each time, as ``filter`` mutates.

    >>> query_url("filter:publication_year:2020-2026; language model")
    'https://api.openalex.org/works?filter=publication_year:2020-2026,\
title_and_abstract.search:language+model'
    """
    filters, text = {}, query.strip()
    if text.startswith("filter:"):
        head, _, text = text.removeprefix("filter:").partition(";")
        for part in head.split(","):
            name, separator, value = part.strip().partition(":")
            if not separator or not value:
                raise InputError(f"OpenAlex query: filter {part!r}: write it as name:value")
            filters[name] = value
    works = Works()
    if filters:
        works = works.filter(**filters)
    if text.strip():
        works = works.search_filter(title_and_abstract=" ".join(text.split()))
    parts, base = urlsplit(works.url), urlsplit(base_url or HOST)
    return str(urlunsplit((base.scheme, base.netloc, parts.path, parts.query, "")))


def _page(transport: Transport, url: str, cursor: str, path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """One page, from the archive or the service, and what the service said of the budget."""
    body, told = kept.held(path), {}
    if body is None:
        key = os.environ.get("OPENALEX_API_KEY")
        answer = transport.send(
            "GET",
            f"{url}&per-page={PAGE}&cursor={cursor}",
            headers={"Authorization": f"Bearer {key}"} if key else None,
        )
        body = answer.content
        told = {n.lower(): v for n, v in answer.headers.items() if n.lower().startswith(_BUDGET)}
    try:
        page = json.loads(body)
        page["meta"]["count"], page["results"]
    except (ValueError, KeyError, TypeError) as error:
        raise TransportError(f"OpenAlex: not a page of works: {body[:200]!r}") from error
    if not path.exists():
        kept.keep(path, body)
    return page, told


def _number(work_id: str) -> int:
    found = identifiers.openalex(work_id)
    return int(found[1:]) if found else 0


def _row(number: int, work: dict[str, Any]) -> Row:
    openalex_id = identifiers.openalex(str(work.get("id") or ""))
    if openalex_id is None:
        return Row(number, refused=f"no OpenAlex id: {work.get('id')!r}", raw=json.dumps(work))
    return Row(number, fields(work))


def fields(work: dict[str, Any]) -> dict[str, Any]:
    """A work of the API as fields for `corpora.record.build`."""
    ids = work.get("ids") or {}
    place = work.get("primary_location") or {}
    biblio = work.get("biblio") or {}
    pages = [biblio.get("first_page"), biblio.get("last_page")]
    made = {
        "accession": identifiers.openalex(work["id"]),
        "openalex_id": work["id"],
        "doi": work.get("doi") or ids.get("doi"),
        "pmid": ids.get("pmid"),
        "pmcid": _pmcid(ids.get("pmcid")),
        "title": work.get("title") or work.get("display_name"),
        "abstract": plain_abstract(work.get("abstract_inverted_index")),
        "year": work.get("publication_year"),
        "publication_date": work.get("publication_date"),
        "venue": (place.get("source") or {}).get("display_name"),
        "volume": biblio.get("volume"),
        "issue": biblio.get("issue"),
        "pages": "-".join(dict.fromkeys(page for page in pages if page)),
        "publication_types": [work["type"]] if work.get("type") else [],
        "language": work.get("language"),
        "authors": [_author(found) for found in work.get("authorships") or ()],
        "keywords": [word.get("display_name") for word in work.get("keywords") or ()],
        "mesh": _mesh(work.get("mesh") or []),
        "citation_count": work.get("cited_by_count"),
        "references": [f"openalex:{identifiers.openalex(one)}" for one in work.get("referenced_works") or ()],
        "retraction": "retracted" if work.get("is_retracted") else None,
        "url": place.get("landing_page_url") or work["id"],
        "licence": place.get("license"),
        "openalex:topics": [topic.get("display_name") for topic in work.get("topics") or ()],
        "openalex:funders": [one.get("display_name") for one in work.get("funders") or ()],
    }
    return {name: value for name, value in made.items() if value not in (None, "", [])}


def plain_abstract(index: dict[str, list[int]] | None) -> str | None:
    """Text from OpenAlex's inverted index.

    >>> plain_abstract({"models": [1, 3], "Language": [0], "and": [2]})
    'Language models and models'
    """
    if not index:
        return None
    placed = sorted((place, word) for word, places in index.items() for place in places)
    return " ".join(word for _, word in placed)


def _pmcid(raw: str | None) -> str | None:
    """OpenAlex writes ``…/pmc/articles/2246381``, without the letters."""
    if raw and raw.rstrip("/").rsplit("/", 1)[-1].isdigit():
        return f"PMC{raw.rstrip('/').rsplit('/', 1)[-1]}"
    return raw


def _author(found: dict[str, Any]) -> Author:
    person = found.get("author") or {}
    name = person.get("display_name") or found.get("raw_author_name") or "unnamed"
    given, _, family = name.rpartition(" ")
    places = [one.get("display_name") for one in found.get("institutions") or ()]
    raw = found.get("raw_affiliation_strings") or [found.get("raw_affiliation_string")]
    countries = found.get("countries") or [one.get("country_code") for one in found.get("institutions") or ()]
    return Author(
        family=family,
        given=given or None,
        orcid=identifiers.orcid(person["orcid"]) if person.get("orcid") else None,
        affiliations=tuple(text for text in (places or raw) if text),
        country=next((code for code in countries if code), None),
    )


def _mesh(listed: list[dict[str, Any]]) -> list[MeshHeading]:
    """OpenAlex gives a line a qualifier; they are joined by descriptor again."""
    joined: dict[str, tuple[list[str], bool]] = {}
    for one in listed:
        qualifiers, major = joined.get(one["descriptor_name"], ([], False))
        if one.get("qualifier_name"):
            qualifiers.append(one["qualifier_name"])
        joined[one["descriptor_name"]] = (qualifiers, major or bool(one.get("is_major_topic")))
    return [
        MeshHeading(descriptor=name, qualifiers=tuple(qualifiers), major=major)
        for name, (qualifiers, major) in joined.items()
    ]
