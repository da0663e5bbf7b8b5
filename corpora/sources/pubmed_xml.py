"""PubMed XML, parsed from the raw bytes: no DTD, no network, no entity expansion.

Elements: https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html
"""

import io
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from corpora import identifiers
from corpora.errors import FormatError
from corpora.formats.base import Row
from corpora.record import Author, MeshHeading

_RECORDS = ("PubmedArticle", "PubmedBookArticle")
_COUNTRIES = (
    "Australia|Austria|Bangladesh|Belgium|Brazil|Canada|Chile|China|Colombia|Denmark|Egypt|Finland|"
    "France|Germany|Greece|Hong Kong|India|Indonesia|Iran|Ireland|Israel|Italy|Japan|Jordan|Kenya|"
    "Malaysia|Mexico|Netherlands|New Zealand|Nigeria|Norway|Pakistan|Poland|Portugal|Qatar|Russia|"
    "Saudi Arabia|Singapore|South Africa|South Korea|Spain|Sweden|Switzerland|Taiwan|Thailand|"
    "Tunisia|Turkey|Türkiye|Uganda|UK|United Kingdom|USA|United States|Vietnam"
)
_COUNTRY = re.compile(rf"(?:^|[\s,;])({_COUNTRIES})\W*(?:\S+@\S+)?\W*$")


def rows(body: bytes, start: int = 0) -> Iterator[Row]:
    """Rows of a PubmedArticleSet, numbered from ``start``.

    Raises:
        FormatError: not XML, or cut off in the middle.

    """
    stream = etree.iterparse(
        io.BytesIO(body),
        events=("end",),
        tag=_RECORDS,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=True,
    )
    number = start
    try:
        for _, element in stream:
            yield row(element, number)
            number += 1
            element.clear()
    except etree.XMLSyntaxError as error:
        raise FormatError(f"PubMed XML after record {number - start}: {error}") from error


def row(element: Any, number: int) -> Row:
    """One record; one that has no PMID is refused and kept raw."""
    try:
        fields = _book(element) if element.tag == "PubmedBookArticle" else _article(element)
        refused = None if fields.get("accession") else "no PMID"
    except (AttributeError, ValueError, TypeError) as error:
        fields, refused = {}, f"cannot be read: {error}"
    raw = etree.tostring(element, encoding="unicode") if refused else ""
    return Row(number, {} if refused else fields, refused=refused, raw=raw)


def _article(element: Any) -> dict[str, Any]:
    citation = element.find("MedlineCitation")
    article = citation.find("Article")
    journal = article.find("Journal")
    made = _common(article)
    made |= {
        "accession": _text(citation.find("PMID")),
        "pmid": _text(citation.find("PMID")),
        "title": _text(article.find("ArticleTitle")) or _text(article.find("VernacularTitle")),
        "venue": _text(journal.find("Title")) or _text(journal.find("ISOAbbreviation")),
        "volume": _text(journal.find("JournalIssue/Volume")),
        "issue": _text(journal.find("JournalIssue/Issue")),
        "pages": _text(article.find("Pagination/MedlinePgn")),
        "keywords": [_text(word) for word in citation.iterfind("KeywordList/Keyword")],
        "mesh": [_mesh(heading) for heading in citation.iterfind("MeshHeadingList/MeshHeading")],
        "nct_ids": [
            _text(number)
            for bank in article.iterfind("DataBankList/DataBank")
            if _text(bank.find("DataBankName")) == "ClinicalTrials.gov"
            for number in bank.iterfind("AccessionNumberList/AccessionNumber")
        ],
        "references": _references(element),
        "retraction": _retraction(citation, made["publication_types"]),
    }
    published = _date(journal.find("JournalIssue/PubDate"))
    electronic = _date(article.find("ArticleDate"))
    made["year"] = published or electronic
    made["publication_date"] = electronic or published
    ids = _article_ids(element.find("PubmedData/ArticleIdList"))
    made["doi"] = ids.get("doi") or _elocation(article)
    made["pmcid"] = ids.get("pmc")
    made["pubmed:other_abstracts"] = [
        _text(other) for other in citation.iterfind("OtherAbstract/AbstractText")
    ]
    made["pubmed:vernacular_title"] = _text(article.find("VernacularTitle"))
    made["pubmed:grants"] = [_text(n) for n in article.iterfind("GrantList/Grant/GrantID")]
    return _with_url(made)


def _book(element: Any) -> dict[str, Any]:
    document = element.find("BookDocument")
    book = document.find("Book")
    made = _common(document)
    made |= {
        "accession": _text(document.find("PMID")),
        "pmid": _text(document.find("PMID")),
        "title": _text(document.find("ArticleTitle")) or _text(book.find("BookTitle")),
        "venue": _text(book.find("BookTitle")),
        "year": _date(book.find("PubDate")),
        "publication_date": _date(book.find("PubDate")),
        "keywords": [_text(word) for word in document.iterfind("KeywordList/Keyword")],
        "doi": _article_ids(document.find("ArticleIdList")).get("doi"),
    }
    made["publication_types"] = made["publication_types"] or ["Book"]
    return _with_url(made)


def _common(article: Any) -> dict[str, Any]:
    return {
        "abstract": _abstract(article.find("Abstract")),
        "authors": [
            author
            for found in article.iterfind("AuthorList/Author")
            if (author := _author(found)) is not None
        ],
        "language": _text(article.find("Language")),
        "publication_types": [
            text
            for kind in (*article.iterfind("PublicationTypeList/PublicationType"),
                         *article.iterfind("PublicationType"))
            if (text := _text(kind))
        ],
    }  # fmt: skip


def _with_url(made: dict[str, Any]) -> dict[str, Any]:
    made["url"] = f"https://pubmed.ncbi.nlm.nih.gov/{made['pmid']}/" if made["pmid"] else None
    return {name: value for name, value in made.items() if value}


def _text(element: Any) -> str | None:
    """All text within, inline markup and formulas included; white space folded."""
    if element is None:
        return None
    return " ".join("".join(element.itertext()).split()) or None


def _abstract(element: Any) -> str | None:
    if element is None:
        return None
    parts = []
    for part in element.iterfind("AbstractText"):
        text, label = _text(part), part.get("Label")
        if text:
            parts.append(f"{label}: {text}" if label and label != "UNLABELLED" else text)
    return "\n".join(parts) or None


def _author(element: Any) -> Author | None:
    family = _text(element.find("LastName")) or _text(element.find("CollectiveName"))
    if not family:
        return None
    places = tuple(t for a in element.iterfind("AffiliationInfo/Affiliation") if (t := _text(a)))
    marks = (_text(i) for i in element.iterfind("Identifier") if i.get("Source") == "ORCID")
    country = next((hit.group(1) for place in places if (hit := _COUNTRY.search(place))), None)
    return Author(
        family=family,
        given=_text(element.find("ForeName")) or _text(element.find("Initials")),
        orcid=next((found for mark in marks if mark and (found := identifiers.orcid(mark))), None),
        affiliations=places,
        country=country,
    )


def _mesh(heading: Any) -> MeshHeading:
    named = [heading.find("DescriptorName"), *heading.iterfind("QualifierName")]
    return MeshHeading(
        descriptor=_text(named[0]) or "",
        qualifiers=tuple(_text(name) or "" for name in named[1:]),
        major=any(name.get("MajorTopicYN") == "Y" for name in named),
    )


def _date(element: Any) -> str | None:
    if element is None:
        return None
    parts = [_text(element.find(part)) for part in ("Year", "Month", "Day")]
    if parts[0]:
        return " ".join(part for part in parts if part)
    return _text(element.find("MedlineDate"))


def _article_ids(element: Any) -> dict[str, str]:
    if element is None:
        return {}
    return {one.get("IdType"): _text(one) or "" for one in element.iterfind("ArticleId")}


def _elocation(article: Any) -> str | None:
    found = [one for one in article.iterfind("ELocationID") if one.get("EIdType") == "doi"]
    return _text(found[0]) if found else None


def _references(element: Any) -> list[str]:
    """Prefixed ids of cited documents; a reference without one cannot be followed."""
    found = []
    for reference in element.iterfind("PubmedData/ReferenceList//Reference/ArticleIdList"):
        ids = _article_ids(reference)
        if ids.get("pubmed"):
            found.append(f"pmid:{ids['pubmed']}")
        elif ids.get("doi") and (doi := identifiers.doi(ids["doi"])):
            found.append(f"doi:{doi}")
    return found


def _retraction(citation: Any, types: list[str]) -> str | None:
    kinds = {one.get("RefType") for one in citation.iterfind("CommentsCorrectionsList/*")}
    if "RetractionIn" in kinds or "Retracted Publication" in types:
        return "retracted"
    if "RetractionOf" in kinds or "Retraction of Publication" in types:
        return "notice"
    return "concern" if "ExpressionOfConcernIn" in kinds else None
