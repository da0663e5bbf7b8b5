"""Europe PMC: PubMed, preprints, Agricola, patents and theses in one index, by its REST service.

https://europepmc.org/RestfulWebService. The query is sent in Europe PMC's own language, which
looks into full texts too unless fields are named (``TITLE_ABS:"language model"``); limits are
joined to it by AND. Synonyms are not added to it.
"""

from typing import Any

from corpora import identifiers, places
from corpora.record import Author, MeshHeading, Record
from corpora.sources.base import Search
from corpora.sources.markup import plain
from corpora.sources.paged import PagedSource, day, quoted


class EuropePMC(PagedSource):
    """The source ``europepmc``. Its cursor is a place in the sorted result and does not expire."""

    name = "europepmc"
    title = "Europe PMC"
    platform = "Europe PMC REST API"
    host = "https://www.ebi.ac.uk/europepmc/webservices/rest"
    path = "/searchPOST"
    method = "POST"  # a strategy may be longer than a URL
    rate = 5.0
    size = 500

    def question(self, search: Search) -> dict[str, str]:
        """Query and limits in brackets, joined by AND.

        >>> EuropePMC().question(Search("s", "europepmc", "cat OR dog", ("LANG:eng",)))
        {'query': '(cat OR dog) AND (LANG:eng)'}
        """
        parts = [search.query, *search.limits]
        if search.since:
            since = f"[{day(search.since)} TO 3000-12-31]"
            parts.append(f"FIRST_IDATE:{since} OR UPDATE_DATE:{since}")
        return {"query": parts[0] if len(parts) == 1 else " AND ".join(f"({part})" for part in parts)}

    def lookups(self, paper: Record) -> list[str]:
        """By PMID and DOI, else title."""
        asked = [f"EXT_ID:{paper.pmid} AND SRC:MED"] if paper.pmid else []
        asked += [f'DOI:"{paper.doi}"'] if paper.doi else []
        asked += [f"TITLE:{quoted(paper.title)}"] if paper.title and not asked else []
        return asked

    def paging(self, cursor: str | None) -> dict[str, str]:
        """All fields of a page, or one id for the count."""
        common = {"format": "json", "synonym": "FALSE"}
        if cursor is None:
            return {**common, "resultType": "idlist", "pageSize": "1"}
        return {**common, "resultType": "core", "pageSize": str(self.size), "cursorMark": cursor}

    def count(self, page: Any) -> int:
        """The number of hits; a query that was not understood has none and is asked for again."""
        return int(page["hitCount"])

    def records(self, page: Any) -> list[dict[str, Any]]:
        """The results of a page."""
        found: list[dict[str, Any]] = page["resultList"]["result"]
        return found

    def after(self, page: Any) -> str | None:
        """The end is the cursor repeating itself."""
        following: str | None = page.get("nextCursorMark")
        return following

    def key(self, record: dict[str, Any]) -> str | None:
        """Source and id within it.

        >>> EuropePMC().key({"source": "PPR", "id": "PPR123"}), EuropePMC().key({"id": "1"})
        ('PPR:PPR123', None)
        """
        source, number = record.get("source"), record.get("id")
        return f"{source}:{number}" if source and number else None

    def fields(self, record: dict[str, Any]) -> dict[str, Any]:
        """One result of type ``core``."""
        source, number = record["source"], record["id"]
        issue = record.get("journalInfo") or {}
        journal, book = issue.get("journal") or {}, record.get("bookOrReportDetails") or {}
        types = _listed(record, "pubTypeList", "pubType")
        related = _listed(record, "commentCorrectionList", "commentCorrection")
        return {
            "doi": record.get("doi"),
            "pmid": record.get("pmid") or (number if source == "MED" else None),
            "pmcid": record.get("pmcid"),
            "title": plain(record.get("title")),
            "abstract": plain(record.get("abstractText")),
            "authors": _authors(_listed(record, "authorList", "author")),
            "venue": journal.get("title") or book.get("publisher"),
            "volume": issue.get("volume"),
            "issue": issue.get("issue"),
            "pages": record.get("pageInfo"),
            "year": record.get("pubYear") or issue.get("yearOfPublication"),
            "publication_date": record.get("firstPublicationDate"),
            "publication_types": types,
            "language": record.get("language"),
            "keywords": _listed(record, "keywordList", "keyword"),
            "mesh": [_mesh(one) for one in _listed(record, "meshHeadingList", "meshHeading")],
            "citation_count": record.get("citedByCount"),
            "retraction": _retraction({one.get("type", "").lower() for one in related}, types),
            "url": f"https://europepmc.org/article/{source}/{number}",
            "licence": record.get("license"),
            "europepmc:source": source,
            "europepmc:open_access": record.get("isOpenAccess"),
            "europepmc:grants": [_grant(one) for one in _listed(record, "grantsList", "grant")],
            "europepmc:related": [
                f"{one.get('type')} {one['source']}:{one['id']}" for one in related if one.get("id")
            ],
        }


def _listed(record: dict[str, Any], outer: str, inner: str) -> list[Any]:
    """Europe PMC wraps every list in an object, and leaves empty ones out."""
    found = (record.get(outer) or {}).get(inner) or []
    return found if isinstance(found, list) else [found]


def _authors(listed: list[dict[str, Any]]) -> list[Author]:
    return [author for one in listed if (author := _author(one)) is not None]


def _author(one: dict[str, Any]) -> Author | None:
    family = one.get("lastName") or one.get("collectiveName") or one.get("fullName")
    if not family:
        return None
    details = _listed(one, "authorAffiliationDetailsList", "authorAffiliation")
    affiliations = [text for detail in details if (text := detail.get("affiliation"))]
    number = one.get("authorId") or {}
    return Author(
        family=family,
        given=(one.get("firstName") or one.get("initials")) if one.get("lastName") else None,
        orcid=identifiers.orcid(number["value"]) if number.get("type") == "ORCID" else None,
        affiliations=tuple(affiliations),
        country=next((code for text in affiliations if (code := places.country(text))), None),
    )


def _mesh(heading: dict[str, Any]) -> MeshHeading:
    qualifiers = _listed(heading, "meshQualifierList", "meshQualifier")
    return MeshHeading(
        descriptor=heading["descriptorName"],
        qualifiers=tuple(one["qualifierName"] for one in qualifiers),
        major=any(one.get("majorTopic_YN") == "Y" for one in (heading, *qualifiers)),
    )


def _grant(one: dict[str, Any]) -> str:
    return " ".join(part for part in (one.get("agency"), one.get("grantId")) if part)


def _retraction(kinds: set[str], types: list[str]) -> str | None:
    named = {kind.lower() for kind in types}
    if "retraction in" in kinds or "retracted publication" in named:
        return "retracted"
    if "retraction of" in kinds or "retraction of publication" in named:
        return "notice"
    return "concern" if "expression of concern in" in kinds else None
