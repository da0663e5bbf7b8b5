"""Full texts in bulk: what is wanted, open copies from the net, files from a folder.

Open copies are looked up in OpenAlex by DOI or PMID (`best_oa_location`); only these identifiers
leave the machine. A file is kept only if it is a PDF; a landing page is noted as tried, not as a text.
"""

import csv
import io
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from corpora import cells
from corpora.errors import InputError, TransportError
from corpora.progress import Progress, silent
from corpora.registry import load
from corpora.sources.base import Search, Visit
from corpora.sources.openalex import Client
from corpora.sources.openalex_lookup import by_ids
from corpora.sources.openalex_work import identifier
from corpora.transport import Transport
from review import decisions
from review.gathering import fulltexts
from review.gathering.harvesting import service_url
from review.screening.texts import Shown, Texts
from review.workspace import Workspace

LOAN = ("report", "title", "authors", "year", "venue", "volume", "pages", "doi", "pmid", "url", "status")
_MOST_BYTES = 200 << 20
_SELECT = "id,doi,ids,title,best_oa_location"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report that passed title-abstract screening, and what is known of its full text."""

    shown: Shown
    status: str
    place: str
    note: str


@dataclass(slots=True)
class Result:
    """What `get` or `attach` did: reports by what became of them, and files that match none."""

    attached: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, list[str]]:
        """For ``--json``."""
        return {"attached": self.attached, "missing": self.missing, "unmatched": self.unmatched}


def wanted(workspace: Workspace) -> list[Wanted]:
    """Reports that go to full text, in the order of their ids; all where no stage came before.

    ``status`` is awaiting (nobody has asked for it), sought, retrieved or not-retrieved.
    """
    texts = Texts(workspace)
    held = fulltexts.standing(workspace, texts.reports)
    return [
        Wanted(
            texts.shown(report),
            held[report]["status"] if report in held else "awaiting",
            (held[report]["place"] if report in held else None) or "",
            (held[report]["note"] if report in held else None) or "",
        )
        for report in sorted(decisions.passed(workspace, texts.reports))
    ]


def counts(listed: list[Wanted]) -> dict[str, int]:
    """How many reports are in which state; they add up to ``to full text``."""
    found = dict.fromkeys(("awaiting", *fulltexts.STATES), 0)
    for one in listed:
        found[one.status] += 1
    return {"to full text": len(listed), **found}


def report_of(workspace: Workspace, name: str) -> Shown:
    """A report by its id, a record's id, a DOI or a PMID.

    Raises:
        InputError: none is known by this name.

    """
    texts = Texts(workspace)
    if name in texts.index:
        return texts.shown(name)
    found, _ = texts.known([name])
    if not found:
        raise InputError(f"{name!r}: no report, record, DOI or PMID of this review")
    return texts.shown(found[0])


def say(
    workspace: Workspace,
    name: str,
    status: str,
    person: str,
    *,
    place: str | None = None,
    why: str | None = None,
    file: Path | None = None,
) -> Shown:
    """Note what a person says of one report's full text; gives the report.

    Raises:
        InputError: no such report, or not enough said (`fulltexts.note`).

    """
    shown = report_of(workspace, name)
    if file is not None:
        fulltexts.attach(workspace, shown.record_id, file, person)
    else:
        fulltexts.note(workspace, shown.record_id, status, person, place=place, why=why)
    return shown


def loan_list(listed: list[Wanted]) -> str:
    """What is still to be had, as CSV for an interlibrary loan; formulas of a spreadsheet are escaped."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(LOAN)
    for one in listed:
        if one.status != "retrieved":
            fields = {**one.shown.fields, "report": one.shown.report, "status": one.status}
            fields["authors"] = "; ".join(_author(person) for person in fields["authors"] or ())
            writer.writerow([cells.safe(str(fields.get(name) or "")) for name in LOAN])
    return out.getvalue()


def _author(person: Any) -> str:
    if isinstance(person, dict):
        return ", ".join(str(person[name]) for name in ("family", "given") if person.get(name))
    return str(person)


# ---------------------------------------------------------------------- from a folder


def attach(workspace: Workspace, folder: Path, person: str) -> Result:
    """Attach the folder's files to the reports that their names say: report or record id, PMID or DOI.

    In a DOI's name ``/`` may stand as ``_``, ``-`` or nothing at all. Nothing is guessed from titles;
    a file that names no report, or two, is told.

    Raises:
        InputError: no such folder.

    """
    if not folder.is_dir():
        raise InputError(f"--attach {folder}: no such folder")
    listed = wanted(workspace)
    names = _names(listed)
    result = Result()
    for file in sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != "."):
        hits = names.get(_plain(file.stem), {})
        if len(hits) == 1:
            report, record = next(iter(hits.items()))
            fulltexts.attach(workspace, record, file, person)
            result.attached.append(report)
        else:
            result.unmatched.append(file.name)
    at_hand = {*result.attached, *(one.shown.report for one in listed if one.status == "retrieved")}
    result.missing = sorted({one.shown.report for one in listed} - at_hand)
    return result


def _names(listed: list[Wanted]) -> dict[str, dict[str, str]]:
    """File name without its punctuation → the reports that it may mean, with their record."""
    found: dict[str, dict[str, str]] = {}
    for one in listed:
        fields = one.shown.fields
        for name in (one.shown.report, *one.shown.members, fields["doi"], fields["pmid"]):
            if name:
                found.setdefault(_plain(str(name)), {})[one.shown.report] = one.shown.record_id
    return found


def _plain(text: str) -> str:
    """Letters and digits only: what is left of a DOI in a file's name.

    >>> _plain("10.1000_abc-1") == _plain("10.1000/ABC-1")
    True
    """
    return re.sub(r"[^a-z0-9]", "", text.lower())


# ---------------------------------------------------------------------- from the net


def get(workspace: Workspace, person: str, progress: Progress = silent) -> Result:
    """Fetch open copies of what is not retrieved yet; what has none is noted as sought.

    A rerun goes on: what is retrieved is not asked for again.
    """
    todo = [one for one in wanted(workspace) if one.status != "retrieved"]
    result = Result()
    links = _links(todo)
    with Transport(2.0, timeout=120.0, tries=3) as line:
        for done, one in enumerate(todo, 1):
            link = links.get(one.shown.report)
            said = _fetched(workspace, line, one.shown, link, person) if link else "no open copy in OpenAlex"
            if said is None:
                result.attached.append(one.shown.report)
            else:
                result.missing.append(f"{one.shown.report}: {said}")
                if one.status == "awaiting":
                    fulltexts.note(workspace, one.shown.record_id, "sought", person, place=link, why=said)
            progress("fetching open copies", done, len(todo))
    return result


def _links(todo: list[Wanted]) -> dict[str, str]:
    """Report → address of its best open copy."""
    keys: dict[str, dict[str, list[str]]] = {"doi": {}, "pmid": {}}
    for one in todo:
        for kind in ("doi", "pmid"):
            if value := one.shown.fields[kind]:
                keys[kind].setdefault(value, []).append(one.shown.report)
                break
    search = Search("full texts", "openalex", "", base_url=service_url("openalex"))
    found: dict[str, str] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        load("sources", "openalex")().transport(search) as transport,
    ):
        client = Client(Visit(search, transport, Path(folder), silent, lambda _: None, None))
        for kind, by_value in keys.items():
            for work in by_ids(client, kind, sorted(by_value), _SELECT) if by_value else ():
                place = work.get("best_oa_location") or {}
                link = place.get("pdf_url") or place.get("landing_page_url")
                if link and urlsplit(link).scheme in ("http", "https"):
                    for report in by_value.get(identifier(work, kind) or "", ()):
                        found[report] = link
    return found


def _fetched(workspace: Workspace, line: Transport, shown: Shown, link: str, person: str) -> str | None:
    """Fetch and attach one PDF; says why not, or None if it is at hand now."""
    try:
        body = line.send("GET", link).content
    except TransportError as error:
        return str(error)
    if not body.startswith(b"%PDF-"):
        return f"{link}: gives no PDF but a page; fetch it by hand and use --attach"
    if len(body) > _MOST_BYTES:
        return f"{link}: {len(body) >> 20} MB is more than is taken; fetch it by hand and use --attach"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{shown.report}.pdf"
        file.write_bytes(body)
        fulltexts.attach(workspace, shown.record_id, file, person)
    return None


def given_up(listed: list[Wanted]) -> list[str]:
    """Two lines a report that could not be had: which, and where and why."""
    return [
        line
        for one in listed
        if one.status == "not-retrieved"
        for line in (f"  {one.shown.report}  {one.shown.fields['title']}", f"    {one.place}: {one.note}")
    ]
