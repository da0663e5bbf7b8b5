"""One work of OpenAlex, from the API or the snapshot, as fields of a record."""

from typing import Any

from corpora import identifiers
from corpora.record import Author, MeshHeading


def fields(work: dict[str, Any]) -> dict[str, Any]:
    """A work as fields for `corpora.record.build`.

    https://developers.openalex.org
    """
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
        "openalex:awards": [one.get("funder_award_id") for one in work.get("awards") or ()],
        "openalex:type_crossref": work.get("type_crossref"),
    }
    return {name: value for name, value in made.items() if value not in (None, "", [])}


def identifier(work: dict[str, Any], kind: str) -> str | None:
    """A work's ``doi``, ``pmid`` or ``openalex`` id, normalised.

    >>> identifier({"doi": "https://doi.org/10.1/X.2000"}, "doi") is None
    True
    >>> identifier({"ids": {"pmid": "https://pubmed.ncbi.nlm.nih.gov/12"}}, "pmid")
    '12'
    """
    raw = {"doi": work.get("doi"), "pmid": (work.get("ids") or {}).get("pmid"), "openalex": work.get("id")}[
        kind
    ]
    read = {"doi": identifiers.doi, "pmid": identifiers.pmid, "openalex": identifiers.openalex}[kind]
    return read(raw) if raw else None


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
