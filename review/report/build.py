"""`review report`: the whole report in memory, and on disk as HTML, DOCX and what verifies it.

``report.json`` holds every number with where it comes from, every figure's table and a hash of every
section; it is written last, so that a report whose JSON is there is complete.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from corpora import cells
from corpora.errors import InputError
from corpora.files import write_whole
from corpora.progress import Progress, silent
from corpora.run import FileEntry, Run
from review.gathering.ingest import Outcome
from review.report import appendices, page, references, results, screening, searching, tagging, word
from review.report.document import Block, Document, Heading, Text
from review.report.gathering import Material
from review.workspace import Workspace

FOLDER = "report"
FORMATS = ("html", "docx")
NUMBERS = "report.json"

_METHODS = (
    searching.protocol,
    searching.eligibility,
    searching.searches,
    searching.duplicates,
    screening.removals,
    screening.selection,
    screening.full_texts,
    tagging.ai,
    tagging.classifier,
    tagging.audit,
    tagging.estimators,
    tagging.software,
)
_RESULTS = (results.flow, results.figures, results.shares, results.included)
_APPENDICES = (appendices.strategies, appendices.excluded, appendices.deviations, appendices.runs)


def compose(m: Material) -> Document:
    """The report of the present state; fills ``m.numbers`` and ``m.tables``."""
    review = m.protocol.review
    banners = []
    if m.simulated:
        banners.append("SIMULATED LITERATURE: nothing in this report is real, its numbers mean nothing.")
    if m.flow.interim:
        banners.append("INTERIM: not everything is settled; the numbers below will change.")
    document = Document(review.title, f"Report of a {review.kind} review", tuple(banners))
    blocks = document.blocks
    if review.question:
        blocks.append(Text(f"Question: {review.question}"))
    for name, sections in (("Methods", _METHODS), ("Results", _RESULTS)):
        blocks += [Heading(2, name), *_all(m, sections)]
    blocks += results.reference_list(m)
    blocks += [Heading(2, "Appendices"), *_all(m, _APPENDICES)]
    document.foot = (
        f"Built by litscale {version('litscale')} from the state {m.workspace.snapshot()} of the review. "
        "Numbers stand with their origin in report.json; review verify computes them, the figures' tables "
        "and the wording of every section again."
    )
    return document.numbered()


def _all(m: Material, sections: Sequence[Callable[[Material], Iterator[Block]]]) -> Iterator[Block]:
    for section in sections:
        yield from section(m)


def report(
    workspace: Workspace,
    folder: Path | None = None,
    formats: Sequence[str] = FORMATS,
    progress: Progress = silent,
) -> Outcome:
    """Write the report into ``report/`` of the workspace, or the folder named.

    Raises:
        InputError: a format other than html and docx.

    """
    if unknown := sorted(set(formats) - set(FORMATS)):
        raise InputError(f"--format {','.join(unknown)}: formats are {', '.join(FORMATS)}")
    target = folder or workspace.root / FOLDER
    m = Material(workspace, progress)
    run = Run.begin("report", {"formats": list(formats)}, input_hash=workspace.snapshot(),
                    libraries=("matplotlib", "python-docx", "citeproc-py"))  # fmt: skip
    document = compose(m)
    bodies = {f"report.{name}": _rendered(document, name) for name in formats}
    if m.included:
        bodies["references.bib"] = references.bibtex(list(references.reports(m, m.included).values()))
        bodies["included.csv"] = _included(m)
    bodies[NUMBERS] = told(m, document, bodies).encode()
    for done, (name, body) in enumerate(bodies.items(), 1):
        write_whole(target / name, body)
        progress("writing the report", done, len(bodies))
    run.account.promised = run.account.delivered = len(m.numbers.held)
    run.account.counts = {"figures": len(m.tables), "included reports": len(m.included)}
    run.files = {name: FileEntry(None, hashlib.sha256(body).hexdigest()) for name, body in bodies.items()}
    workspace.ledger.add_run("reports", run.finish())
    return Outcome(f"numbers of the report → {target}", run)


def told(m: Material, document: Document, bodies: dict[str, bytes]) -> str:
    """The text of ``report.json``."""
    held = {
        "title": document.title,
        "litscale": version("litscale"),
        "state": m.workspace.snapshot(),
        "numbers": m.numbers.held,
        "figures": m.tables,
        "sections": document.sections(),
        "files": {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()},
    }
    return json.dumps(held, indent=1, ensure_ascii=False) + "\n"


def _rendered(document: Document, name: str) -> bytes:
    if name == "docx":
        return word.word(document)
    return page.html(document).encode("utf-8", "replace")


def _included(m: Material) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("study_id", *(name.lower().replace(" ", "_") for name in results.COLUMNS)))
    writer.writerows([cells.safe(cell) for cell in row] for row in results.included_rows(m))
    return out.getvalue().encode()
