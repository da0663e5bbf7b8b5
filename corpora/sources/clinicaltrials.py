"""ClinicalTrials.gov: a register of studies, by its API 2.

https://clinicaltrials.gov/data-api/api. The query is sent as ``query.term``, each limit as an
expression of ``filter.advanced`` (``AREA[Phase]PHASE3``), joined by AND. It is a register, not a
database: its records are registrations, and PRISMA counts them apart. Posted results are not
fetched; whether there are any is kept.
"""

from typing import Any

from corpora import identifiers, places
from corpora.record import Author, MeshHeading, Record
from corpora.sources.base import Search
from corpora.sources.paged import PagedSource, day, quoted


class ClinicalTrials(PagedSource):
    """The source ``clinicaltrials``."""

    name = "clinicaltrials"
    title = "ClinicalTrials.gov"
    platform = "ClinicalTrials.gov API"
    kind = "register"
    host = "https://clinicaltrials.gov/api/v2"
    path = "/studies"
    rate = 1.0  # no limit is documented; robots.txt asks for a second between requests
    size = 200  # the service gives 1,000, but a study with its sites can be long
    first = ""

    def question(self, search: Search) -> dict[str, str]:
        """Query and limits.

        >>> ClinicalTrials().question(Search("s", "clinicaltrials", "cat", ("AREA[Phase]PHASE3",)))
        {'query.term': 'cat', 'filter.advanced': 'AREA[Phase]PHASE3'}
        """
        parts = list(search.limits)
        if search.since:
            # The day of the last update is the day of registration for what is new.
            parts.append(f"AREA[LastUpdatePostDate]RANGE[{day(search.since)},MAX]")
        joined = parts[0] if len(parts) == 1 else " AND ".join(f"({part})" for part in parts)
        return {"query.term": search.query, **({"filter.advanced": joined} if parts else {})}

    def lookups(self, paper: Record) -> list[str]:
        """By NCT number, else title. What has a DOI or PMID is a paper, and no register holds it."""
        if paper.doi or paper.pmid:
            return []
        asked = [f"AREA[NCTId]{number}" for number in paper.nct_ids]
        title = quoted(paper.title or "")
        return asked or [f"AREA[{name}]{title}" for name in ("BriefTitle", "OfficialTitle") if paper.title]

    def paging(self, cursor: str | None) -> dict[str, str]:
        """Pages of protocols, or one number for the count."""
        if cursor is None:
            return {"format": "json", "countTotal": "true", "pageSize": "1", "fields": "NCTId"}
        made = {"format": "json", "pageSize": str(self.size)}
        made["fields"] = "ProtocolSection,DerivedSection,HasResults"
        return {**made, "pageToken": cursor} if cursor else made

    def count(self, page: Any) -> int:
        """The number of studies found."""
        return int(page["totalCount"])

    def records(self, page: Any) -> list[dict[str, Any]]:
        """The studies of a page."""
        found: list[dict[str, Any]] = page["studies"]
        return found

    def after(self, page: Any) -> str | None:
        """A token while there is more; some last pages have one that leads to an empty page."""
        token: str | None = page.get("nextPageToken")
        return token if page["studies"] else None

    def key(self, record: dict[str, Any]) -> str | None:
        """The NCT number."""
        return identifiers.nct(str(_module(record, "identification").get("nctId") or ""))

    def fields(self, record: dict[str, Any]) -> dict[str, Any]:
        """One study."""
        named, status = _module(record, "identification"), _module(record, "status")
        told, design = _module(record, "description"), _module(record, "design")
        conditions, arms = _module(record, "conditions"), _module(record, "armsInterventions")
        sponsor = (_module(record, "sponsorCollaborators").get("leadSponsor") or {}).get("name")
        others = [one.get("id") for one in named.get("secondaryIdInfos") or ()]
        number = named["nctId"]
        registered = status.get("studyFirstSubmitDate") or _day(status, "studyFirstPostDateStruct")
        summary = [told.get("briefSummary"), told.get("detailedDescription")]
        interventions = arms.get("interventions") or ()
        return {
            "nct_ids": [number],
            "title": named.get("officialTitle") or named.get("briefTitle"),
            "abstract": "\n".join(text.strip() for text in summary if text),
            "authors": _people(record) or ([Author(family=sponsor)] if sponsor else []),
            "venue": self.title,
            "year": registered,
            "publication_date": registered,
            "publication_types": ["Registry", *([design["studyType"]] if design.get("studyType") else [])],
            "keywords": [*(conditions.get("conditions") or ()), *(conditions.get("keywords") or ())],
            "mesh": _mesh(record),
            "references": [
                f"pmid:{pmid}"
                for one in _module(record, "references").get("references") or ()
                if (pmid := identifiers.pmid(str(one.get("pmid") or "")))
            ],
            "url": f"https://clinicaltrials.gov/study/{number}",
            "clinicaltrials:acronym": named.get("acronym"),
            "clinicaltrials:brief_title": named.get("briefTitle"),
            "clinicaltrials:aliases": [*(named.get("nctIdAliases") or ()), *filter(None, others)],
            "clinicaltrials:status": status.get("overallStatus"),
            "clinicaltrials:start": _day(status, "startDateStruct"),
            "clinicaltrials:updated": _day(status, "lastUpdatePostDateStruct"),
            "clinicaltrials:phases": design.get("phases"),
            "clinicaltrials:enrolment": (design.get("enrollmentInfo") or {}).get("count"),
            "clinicaltrials:interventions": [
                ": ".join(filter(None, (one.get("type"), one.get("name")))) for one in interventions
            ],
            "clinicaltrials:sponsor": sponsor,
            "clinicaltrials:has_results": "yes" if record.get("hasResults") else "no",
            "clinicaltrials:results_pmids": _of_results(record),
        }


def _module(record: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = (record.get("protocolSection") or {}).get(f"{name}Module") or {}
    return found


def _day(status: dict[str, Any], name: str) -> str | None:
    day: str | None = (status.get(name) or {}).get("date")
    return day


def _people(record: dict[str, Any]) -> list[Author]:
    """The officials who answer for the study; degrees after the name are left out."""
    made = []
    for one in _module(record, "contactsLocations").get("overallOfficials") or ():
        given, _, family = (one.get("name") or "").partition(",")[0].strip().rpartition(" ")
        listed = tuple(filter(None, [one.get("affiliation")]))
        country = places.country(listed[0]) if listed else None
        if family:
            made.append(Author(family=family, given=given or None, affiliations=listed, country=country))
    return made


def _mesh(record: dict[str, Any]) -> list[MeshHeading]:
    """MeSH terms that the register derives from conditions and interventions."""
    derived = record.get("derivedSection") or {}
    terms = [
        one["term"]
        for name in ("conditionBrowseModule", "interventionBrowseModule")
        for one in (derived.get(name) or {}).get("meshes") or ()
    ]
    return [MeshHeading(descriptor=term) for term in dict.fromkeys(terms)]


def _of_results(record: dict[str, Any]) -> list[str]:
    """Papers said to report this study: RESULT by its people, DERIVED by the register's search."""
    listed = _module(record, "references").get("references") or ()
    return [
        str(one["pmid"]) for one in listed if one.get("pmid") and one.get("type") in ("RESULT", "DERIVED")
    ]
