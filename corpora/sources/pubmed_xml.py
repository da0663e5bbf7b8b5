"""PubMed XML, parsed from the raw bytes: no DTD, no network, no entity expansion.

Elements: https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html. The children of an
element are read in one walk each, not looked up by path: that is what makes this several times as
fast as Biopython's reader (tests/benchmarks/bench_pubmed_xml.py).
"""

from collections.abc import Iterator
from typing import IO, Any

from lxml import etree

from corpora import identifiers, places
from corpora.errors import FormatError
from corpora.formats.base import Row
from corpora.record import Author, MeshHeading

RECORDS = ("PubmedArticle", "PubmedBookArticle")
DELETED = "DeleteCitation"
_INDEXING = ("pubmed", "medline")
"""Dates on which a record went from one index to the other: of no use to a reader."""

_SAFE: dict[str, Any] = {
    "resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": True,
    "remove_blank_text": True,
}  # fmt: skip
_DATE_PARTS = frozenset(("Year", "Month", "Day", "MedlineDate"))
_NO_ELEMENT = etree.Element("none")


def rows(body: bytes | IO[bytes], start: int = 0) -> Iterator[Row]:
    """Rows of a PubmedArticleSet, numbered from ``start``, in constant memory.

    Raises:
        FormatError: not XML, or cut off in the middle.

    """
    records = (element for element in elements(body) if element.tag in RECORDS)
    for place, element in enumerate(records, start):
        yield row(element, place)


def elements(body: bytes | IO[bytes]) -> Iterator[Any]:
    """The elements under the root; those of a stream are freed once the next is asked for."""
    if isinstance(body, bytes):
        # A page of the service is in memory as it is: parsed in one go it costs a third less.
        try:
            yield from etree.fromstring(body, etree.XMLParser(**_SAFE))
        except etree.XMLSyntaxError as error:
            raise FormatError(f"PubMed XML: {error}") from error
        return
    # A record is whole when the next one starts. Hearing of starts alone is a sixth faster than
    # hearing of ends, since the parser then calls back once an element.
    stream = etree.iterparse(body, events=("start",), tag=(*RECORDS, DELETED), **_SAFE)
    count = 0
    try:
        for _, started in stream:
            whole = started.getprevious()
            if whole is not None:
                yield whole
                count += 1
                whole.getparent().remove(whole)
    except etree.XMLSyntaxError as error:
        raise FormatError(f"PubMed XML after record {count}: {error}") from error
    yield from stream.root


def row(element: Any, place: int) -> Row:
    """One record; one that has no PMID, or cannot be read, is refused and kept raw."""
    try:
        fields = _book(element) if element.tag == "PubmedBookArticle" else _article(element)
        refused = None if fields.get("accession") else "no PMID"
    except (AttributeError, ValueError, TypeError, LookupError) as error:
        fields, refused = {}, f"cannot be read: {error}"
    if refused is None:
        return Row(place, fields)
    raw = etree.tostring(element, encoding="unicode")
    return Row(place, refused=refused, raw=raw, key=number(element))


def number(element: Any) -> str:
    """The PMID of a record; empty if it has none."""
    return element.findtext("MedlineCitation/PMID") or element.findtext("BookDocument/PMID") or ""


def _article(element: Any) -> dict[str, Any]:
    parts = _children(element)
    citation = _children(parts["MedlineCitation"])
    article = _children(citation["Article"])
    journal = _children(article["Journal"])
    issue = _children(journal.get("JournalIssue", _NO_ELEMENT))
    data = _children(parts.get("PubmedData", _NO_ELEMENT))
    ids = _ids(data.get("ArticleIdList", _NO_ELEMENT))
    pmid = _text(citation.get("PMID"))
    published, electronic = _date(issue.get("PubDate")), _date(article.get("ArticleDate"))
    types = [text for kind in article.get("PublicationTypeList", ()) if (text := _text(kind))]
    banks = list(_banks(article.get("DataBankList", ())))
    comments = [_comment(one) for one in citation.get("CommentsCorrectionsList", ())]
    vernacular = _text(article.get("VernacularTitle"))
    made = {
        "accession": pmid,
        "pmid": pmid,
        "doi": ids.get("doi") or _elocation(citation["Article"]),
        "pmcid": ids.get("pmc"),
        "title": _text(article.get("ArticleTitle")) or vernacular,
        "abstract": _abstract(article.get("Abstract", ())),
        "authors": _authors(article.get("AuthorList", ())),
        "venue": _text(journal.get("Title")) or _text(journal.get("ISOAbbreviation")),
        "volume": _text(issue.get("Volume")),
        "issue": _text(issue.get("Issue")),
        "pages": _pages(article.get("Pagination", ())),
        "year": published or electronic,
        "publication_date": electronic or published,
        "publication_types": types,
        "language": _text(article.get("Language")),
        "keywords": _words(parts["MedlineCitation"]) if "KeywordList" in citation else (),
        "mesh": [_mesh(heading) for heading in citation.get("MeshHeadingList", ())],
        "nct_ids": [number for bank, number in banks if bank == "ClinicalTrials.gov"],
        "references": _references(data.get("ReferenceList")),
        "retraction": _retraction({kind for kind, _ in comments}, types),
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else None,
        "pubmed:other_abstracts": (
            _other_abstracts(parts["MedlineCitation"]) if "OtherAbstract" in citation else ()
        ),
        "pubmed:vernacular_title": vernacular,
        "pubmed:grants": [_grant(one) for one in article.get("GrantList", ())],
        "pubmed:databanks": [f"{bank}/{number}" for bank, number in banks if bank != "ClinicalTrials.gov"],
        "pubmed:related": [f"{kind} {other}" for kind, other in comments if other],
        "pubmed:dates": _history(citation, data),
    }
    return {name: value for name, value in made.items() if value}


def _book(element: Any) -> dict[str, Any]:
    whole = element.find("BookDocument")
    document = _children(whole)
    book = _children(document["Book"])
    pmid = _text(document.get("PMID"))
    types = [text for kind in whole.iterfind("PublicationType") if (text := _text(kind))]
    made = {
        "accession": pmid,
        "pmid": pmid,
        "doi": _ids(document.get("ArticleIdList", _NO_ELEMENT)).get("doi"),
        "title": _text(document.get("ArticleTitle")) or _text(book.get("BookTitle")),
        "abstract": _abstract(document.get("Abstract", ())),
        "authors": _authors(document.get("AuthorList", ())) or _authors(book.get("AuthorList", ())),
        "venue": _text(book.get("BookTitle")),
        "year": _date(book.get("PubDate")),
        "publication_date": _date(book.get("PubDate")),
        "publication_types": types or ["Book"],
        "language": _text(whole.find("Language")),
        "keywords": _words(whole),
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if pmid else None,
    }
    return {name: value for name, value in made.items() if value}


def _children(element: Any) -> dict[str, Any]:
    """Child elements by name; of several, the first."""
    found: dict[str, Any] = {}
    for child in element:
        tag = child.tag
        if tag not in found:
            found[tag] = child
    return found


def _text(element: Any) -> str | None:
    """All text within, inline markup and formulas included; white space folded."""
    if element is None:
        return None
    text = "".join(element.itertext()) if len(element) else element.text
    if not text:
        return None
    if "\n" in text or "  " in text or "\t" in text:
        return " ".join(text.split()) or None
    return str(text.strip()) or None


def _abstract(element: Any) -> str | None:
    parts = []
    for part in element:
        if part.tag == "AbstractText" and (text := _text(part)):
            label = part.get("Label")
            parts.append(f"{label}: {text}" if label and label != "UNLABELLED" else text)
    return "\n".join(parts) or None


def _other_abstracts(citation: Any) -> list[str]:
    return [
        f"[{other.get('Language') or other.get('Type') or 'other'}] {text}"
        for other in citation.iterchildren("OtherAbstract")
        if (text := _abstract(other))
    ]


def _authors(listed: Any) -> list[Author]:
    return [author for one in listed if one.tag == "Author" and (author := _author(one)) is not None]


def _author(element: Any) -> Author | None:
    family = given = initials = orcid = None
    affiliations: list[str] = []
    for child in element:
        tag = child.tag
        if tag == "LastName":
            family = child.text
        elif tag == "ForeName":
            given = child.text
        elif tag == "Initials":
            initials = child.text
        elif tag == "CollectiveName":
            family = _text(child)
        elif tag == "AffiliationInfo":
            if text := _text(child[0]):
                affiliations.append(text)
        elif tag == "Identifier" and child.get("Source") == "ORCID" and child.text:
            orcid = identifiers.orcid(child.text)
    if not family:
        return None
    country = None
    for place in affiliations:
        country = country or places.country(place)
    return Author(
        family=family,
        given=given or initials,
        orcid=orcid,
        affiliations=tuple(affiliations),
        country=country,
    )


def _mesh(heading: Any) -> MeshHeading:
    """The first name is the descriptor, the others are its qualifiers."""
    names, major = [], False
    for name in heading:
        names.append(name.text)
        major = major or name.get("MajorTopicYN") == "Y"
    return MeshHeading(descriptor=names[0], qualifiers=tuple(names[1:]), major=major)


def _words(citation: Any) -> list[str]:
    lists = citation.iterchildren("KeywordList")
    return [text for words in lists for word in words if (text := _text(word))]


def _date(element: Any) -> str | None:
    """Year, month and day as written; or what ``MedlineDate`` says."""
    if element is None:
        return None
    # Year, Month and Day come in this order, so that joining them is enough; or one text.
    return " ".join([child.text or "" for child in element if child.tag in _DATE_PARTS]) or None


def _history(citation: dict[str, Any], data: dict[str, Any]) -> list[str]:
    """The other dates, each with what it is the date of: entrez, received, accepted, completed …"""
    dated = [
        (kind, one) for one in data.get("History", ()) if (kind := one.get("PubStatus")) not in _INDEXING
    ]
    dated += [(tag, citation[tag]) for tag in ("DateCompleted", "DateRevised") if tag in citation]
    return [f"{kind} {one[0].text}-{one[1].text:0>2}-{one[2].text:0>2}" for kind, one in dated]


def _pages(pagination: Any) -> str | None:
    parts = {child.tag: child.text for child in pagination}
    ends = [parts.get("StartPage"), parts.get("EndPage")]
    return parts.get("MedlinePgn") or "-".join(end for end in ends if end) or None


def _ids(listed: Any) -> dict[str, str]:
    return {one.get("IdType"): one.text for one in listed if one.text}


def _elocation(article: Any) -> str | None:
    for one in article.iterchildren("ELocationID"):
        if one.get("EIdType") == "doi" and one.get("ValidYN") != "N":
            return _text(one)
    return None


def _banks(listed: Any) -> Iterator[tuple[str, str]]:
    """(bank, accession number) of every data bank entry."""
    for bank in listed:
        name = bank.findtext("DataBankName") or ""
        for number in bank.iterfind("AccessionNumberList/AccessionNumber"):
            if number.text:
                yield name, number.text


def _grant(element: Any) -> str:
    return "; ".join(text for child in element if child.tag != "Acronym" and (text := _text(child)))


def _comment(element: Any) -> tuple[str, str | None]:
    """(kind, PMID) of a link to another article: RetractionIn, ErratumFor, UpdateOf …"""
    return element.get("RefType") or "", next((child.text for child in element if child.tag == "PMID"), None)


def _references(listed: Any) -> list[str]:
    """Prefixed ids of cited documents; a reference without one cannot be followed."""
    if listed is None:
        return []
    found = []
    for reference in listed.iter("ArticleIdList"):
        ids = {one.get("IdType"): one.text for one in reference}
        if pmid := ids.get("pubmed"):
            found.append(f"pmid:{pmid.strip()}")
        elif doi := identifiers.doi(ids.get("doi") or ""):
            found.append(f"doi:{doi}")
    return found


def _retraction(kinds: set[str], types: list[str]) -> str | None:
    if "RetractionIn" in kinds or "Retracted Publication" in types:
        return "retracted"
    if "RetractionOf" in kinds or "Retraction of Publication" in types:
        return "notice"
    return "concern" if "ExpressionOfConcernIn" in kinds else None
