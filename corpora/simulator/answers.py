"""Papers as the two services write them: PubMed XML and OpenAlex JSON."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from corpora.simulator.literature import LICENCE, Paper

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def pubmed_set(papers: list[Paper], pmids: Mapping[str, str] | None = None) -> str:
    """The body of an EFetch answer; ``pmids`` finds the PMID of a report that is cited."""
    known = pmids or {}
    return (
        '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, '
        '1st January 2025//EN" "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
        f"<PubmedArticleSet>{''.join(_pubmed(paper, known) for paper in papers)}</PubmedArticleSet>\n"
    )


def _pubmed(paper: Paper, pmids: Mapping[str, str]) -> str:
    journal = (
        f"<Journal><JournalIssue CitedMedium='Internet'><Volume>{paper.volume}</Volume>"
        f"<PubDate><Year>{paper.year}</Year><Month>{_MONTHS[paper.month - 1]}</Month></PubDate>"
        f"</JournalIssue><Title>{escape(paper.venue)}</Title></Journal>"
    )
    kind = "Retraction of Publication" if paper.notice_of else "Journal Article"
    kinds = [kind, *(["Retracted Publication"] if paper.retracted else [])]
    types = "".join(f"<PublicationType UI='D016428'>{name}</PublicationType>" for name in kinds)
    mesh = "".join(
        f"<MeshHeading><DescriptorName UI='D0' MajorTopicYN='{'Y' if major else 'N'}'>"
        f"{escape(name)}</DescriptorName></MeshHeading>"
        for name, major in paper.mesh
    )
    words = "".join(f"<Keyword MajorTopicYN='N'>{escape(word)}</Keyword>" for word in paper.keywords)
    notice = "RetractionOf" if paper.notice_of else "RetractionIn" if paper.retracted else ""
    links = f"<CommentsCorrections RefType='{notice}'><RefSource>Simulated</RefSource></CommentsCorrections>"
    ids = f"<ArticleId IdType='pubmed'>{paper.pmid}</ArticleId>"
    ids += f"<ArticleId IdType='doi'>{paper.doi}</ArticleId>" if paper.doi else ""
    return (
        "<PubmedArticle><MedlineCitation Status='MEDLINE' Owner='NLM'>"
        f"<PMID Version='1'>{paper.pmid}</PMID><Article PubModel='Print'>{journal}"
        f"<ArticleTitle>{escape(paper.title)}</ArticleTitle>"
        f"<Pagination><MedlinePgn>{paper.pages}</MedlinePgn></Pagination>{_abstract(paper.abstract)}"
        f"<AuthorList CompleteYN='Y'>{''.join(map(_author, paper.authors))}</AuthorList>"
        f"<Language>eng</Language><PublicationTypeList>{types}</PublicationTypeList></Article>"
        f"{f'<CommentsCorrectionsList>{links}</CommentsCorrectionsList>' if notice else ''}"
        f"<MeshHeadingList>{mesh}</MeshHeadingList><KeywordList Owner='NOTNLM'>{words}</KeywordList>"
        f"</MedlineCitation><PubmedData><History>{_day('entrez', paper.entered)}</History>"
        f"<PublicationStatus>ppublish</PublicationStatus><ArticleIdList>{ids}</ArticleIdList>"
        f"{_references(paper, pmids)}</PubmedData></PubmedArticle>\n"
    )


def _day(status: str, day: date) -> str:
    return (
        f"<PubMedPubDate PubStatus='{status}'><Year>{day.year}</Year><Month>{day.month}</Month>"
        f"<Day>{day.day}</Day></PubMedPubDate>"
    )


def _references(paper: Paper, pmids: Mapping[str, str]) -> str:
    found = "".join(
        f"<Reference><Citation>Simulated</Citation><ArticleIdList><ArticleId IdType='pubmed'>{pmids[cited]}"
        "</ArticleId></ArticleIdList></Reference>"
        for cited in paper.cites
        if cited in pmids
    )
    return f"<ReferenceList>{found}</ReferenceList>" if found else ""


def _abstract(text: str | None) -> str:
    if not text:
        return ""
    parts = []
    for line in text.split("\n"):
        label, colon, rest = line.partition(": ")
        if colon and label.isupper():
            parts.append(f"<AbstractText Label='{label}'>{escape(rest)}</AbstractText>")
        else:
            parts.append(f"<AbstractText>{escape(line)}</AbstractText>")
    rights = f"<CopyrightInformation>{LICENCE}</CopyrightInformation>"
    return f"<Abstract>{''.join(parts)}{rights}</Abstract>"


def _author(person: tuple[str, str, str, str, str]) -> str:
    family, given, place, country, _ = person
    return (
        f"<Author ValidYN='Y'><LastName>{escape(family)}</LastName>"
        f"<ForeName>{escape(given)}</ForeName>"
        f"<Initials>{given[0]}</Initials><AffiliationInfo><Affiliation>{escape(place)}, {country}."
        "</Affiliation></AffiliationInfo></Author>"
    )


def openalex_work(paper: Paper, works: Mapping[str, str] | None = None) -> dict[str, Any]:
    """One work of the OpenAlex API; ``works`` finds the id of a report that is cited."""
    known = works or {}
    url = f"https://openalex.org/{paper.openalex_id}"
    ids = {"openalex": url}
    doi = f"https://doi.org/{paper.doi}" if paper.doi else None
    if doi:
        ids["doi"] = doi
    if paper.pmid:
        ids["pmid"] = f"https://pubmed.ncbi.nlm.nih.gov/{paper.pmid}"
    first, _, last = paper.pages.partition("-")
    date = f"{paper.year}-{paper.month:02d}-01" if paper.year else None
    return {
        "id": url,
        "doi": doi,
        "title": paper.title,
        "display_name": paper.title,
        "publication_year": paper.year,
        "publication_date": date,
        "ids": ids,
        "language": "en",
        "primary_location": {
            "landing_page_url": doi or url,
            "license": LICENCE,
            "source": {"display_name": paper.venue, "type": "journal"},
        },
        "type": "preprint" if paper.kind == "preprint" else "article",
        "authorships": [_authorship(person) for person in paper.authors],
        "cited_by_count": paper.citations,
        "biblio": {
            "volume": paper.volume or None,
            "issue": None,
            "first_page": first or None,
            "last_page": last or None,
        },
        "is_retracted": paper.retracted,
        "keywords": [{"display_name": word} for word in paper.keywords],
        "topics": [],
        "mesh": [],
        "referenced_works": [f"https://openalex.org/{known[one]}" for one in paper.cites if one in known],
        "abstract_inverted_index": _inverted(paper.abstract),
    }


def _authorship(person: tuple[str, str, str, str, str]) -> dict[str, Any]:
    family, given, place, _, code = person
    return {
        "author": {"display_name": f"{given} {family}", "orcid": None},
        "institutions": [{"display_name": place, "country_code": code}],
        "countries": [code],
    }


def _inverted(text: str | None) -> dict[str, list[int]] | None:
    if not text:
        return None
    index: dict[str, list[int]] = {}
    for place, word in enumerate(text.split()):
        index.setdefault(word, []).append(place)
    return index
