"""Papers as Europe PMC, Crossref and ClinicalTrials.gov write them, and the accessions they have there."""

import html
import re
from collections.abc import Mapping
from typing import Any

from corpora.simulator.literature import LICENCE, Paper

# ---------------------------------------------------------------- Europe PMC


def source(paper: Paper) -> str:
    """PPR for preprints, MED for what came from PubMed."""
    return "PPR" if paper.kind == "preprint" else "MED"


def accession(paper: Paper) -> str:
    """Europe PMC: source and id."""
    return f"{source(paper)}:{short_result(paper)['id']}"


def short_result(paper: Paper) -> dict[str, Any]:
    """One result of type idlist."""
    number = f"PPR{paper.openalex_id[1:]}" if paper.kind == "preprint" else paper.pmid
    return {"id": number, "source": source(paper)}


def result(paper: Paper) -> dict[str, Any]:
    """One result of type core; empty lists are left out, as there."""
    kinds = ["Retraction of Publication"] if paper.notice_of else [paper.kind.capitalize()]
    made = short_result(paper) | {
        "pmid": paper.pmid or None,
        "doi": paper.doi,
        "title": html.escape(paper.title, quote=False) + ".",
        "authorList": {"author": [_epmc_author(person) for person in paper.authors]},
        "pubYear": str(paper.year) if paper.year else None,
        "firstPublicationDate": f"{paper.year}-{paper.month:02d}-01" if paper.year else None,
        "abstractText": _headed(paper.abstract, "<h4>{}</h4>{}"),
        "language": "eng",
        "pubTypeList": {"pubType": kinds},
        "keywordList": {"keyword": list(paper.keywords)},
        "citedByCount": paper.citations,
        "license": LICENCE,
        "isOpenAccess": "N",
    }
    if paper.kind == "preprint":
        made["bookOrReportDetails"] = {"publisher": paper.venue}
    else:
        made["journalInfo"] = {"volume": paper.volume, "journal": {"title": paper.venue}}
        made["pageInfo"] = paper.pages
    if paper.mesh:
        made["meshHeadingList"] = {
            "meshHeading": [{"descriptorName": n, "majorTopic_YN": "NY"[major]} for n, major in paper.mesh]
        }
    if paper.retracted:
        made["commentCorrectionList"] = {"commentCorrection": [{"type": "Retraction in", "source": "MED"}]}
    return {name: value for name, value in made.items() if value is not None}


def _epmc_author(person: tuple[str, str, str, str, str]) -> dict[str, Any]:
    family, given, place, country, _ = person
    where = {"authorAffiliation": [{"affiliation": f"{place}, {country}."}]}
    return {
        "fullName": f"{family} {given[0]}",
        "firstName": given,
        "lastName": family,
        "initials": given[0],
        "authorAffiliationDetailsList": where,
    }


def _headed(abstract: str | None, form: str) -> str | None:
    """An abstract as markup, its labels as headings written by ``form``."""
    if abstract is None:
        return None
    lines = []
    for line in html.escape(abstract, quote=False).split("\n"):
        label, colon, rest = line.partition(": ")
        lines.append(form.format(label, rest) if colon and label.isupper() else f"<p>{line}</p>")
    return "".join(lines)


# ---------------------------------------------------------------- Crossref


def work_type(paper: Paper) -> str:
    """Crossref's name for the kind of work."""
    return "posted-content" if paper.kind == "preprint" else "journal-article"


def work(paper: Paper, dois: Mapping[str, str]) -> dict[str, Any]:
    """One work; ``dois`` finds the DOI of a report that is cited."""
    form = "<jats:sec><jats:title>{}</jats:title><jats:p>{}</jats:p></jats:sec>"
    text = _headed(paper.abstract, form)
    text = text.replace("<p>", "<jats:p>").replace("</p>", "</jats:p>") if text else None
    made = {
        "DOI": (paper.doi or "").upper(),
        "URL": f"https://doi.org/{paper.doi}",
        "type": work_type(paper),
        "title": [html.escape(paper.title, quote=False)],
        "container-title": [paper.venue],
        "abstract": f"<jats:title>Abstract</jats:title>{text}" if text else None,
        "author": [
            {"family": family, "given": given, "affiliation": [{"name": f"{place}, {country}"}]}
            for family, given, place, country, _ in paper.authors
        ],
        "issued": {"date-parts": [[paper.year, paper.month] if paper.year else [None]]},
        "volume": paper.volume or None,
        "page": paper.pages or None,
        "is-referenced-by-count": paper.citations,
        "reference": [{"key": one, "DOI": dois[one]} for one in paper.cites if one in dois],
        "updated-by": [{"type": "retraction", "DOI": f"{paper.doi}.ret"}] if paper.retracted else None,
        "publisher": "Simulated Press",
        "license": [{"URL": LICENCE}],
    }
    return {name: value for name, value in made.items() if value is not None}


# ---------------------------------------------------------------- ClinicalTrials.gov


def trial_number(paper: Paper) -> str | None:
    """The registration of every fourth study in scope; none of notices."""
    number = int(re.sub(r"\D", "", paper.study))
    if paper.notice_of or number % 4 or paper.tags.get("scope") != "in_scope":
        return None
    return f"NCT{90_000_000 + number}"


def trial_title(paper: Paper) -> str:
    """The official title of a study's registration."""
    return f"A registered study: {paper.title}"


def study_type(paper: Paper) -> str:
    """Either kind, by the length of the title."""
    return "INTERVENTIONAL" if len(paper.title) % 2 else "OBSERVATIONAL"


def study(paper: Paper, *, short: bool) -> dict[str, Any]:
    """One study of API 2; a short one has its number only."""
    number = {"nctId": trial_number(paper)}
    if short:
        return {"protocolSection": {"identificationModule": number}}
    family, given, place, country, _ = paper.authors[0]
    title = trial_title(paper)
    official = {"name": f"{given} {family}, MD", "affiliation": f"{place}, {country}"}
    return {
        "protocolSection": {
            "identificationModule": number | {"briefTitle": title[:80], "officialTitle": title},
            "statusModule": {
                "overallStatus": "COMPLETED",
                "studyFirstSubmitDate": paper.entered.isoformat(),
                "lastUpdatePostDateStruct": {"date": paper.revised.isoformat()},
            },
            "sponsorCollaboratorsModule": {"leadSponsor": {"name": place}},
            "descriptionModule": {"briefSummary": paper.abstract} if paper.abstract else {},
            "conditionsModule": {"conditions": [name for name, _ in paper.mesh[2:]] or ["Simulated"]},
            "designModule": {"studyType": study_type(paper), "enrollmentInfo": {"count": 60}},
            "contactsLocationsModule": {"overallOfficials": [official]},
            "referencesModule": {"references": [{"pmid": paper.pmid, "type": "RESULT", "citation": "…"}]},
        },
        "hasResults": False,
    }
