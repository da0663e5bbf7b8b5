"""A small review with everything a report tells of: hostile titles, conflicts, full texts, a stop, labels."""

from pathlib import Path

from review.decisions import decide
from review.gathering import fulltexts
from review.gathering.ingest import import_file, state
from review.labelling.tagging import tag
from review.linking import dedupe
from review.protocol import Import
from review.screening import resolving, stops
from review.workspace import Workspace

PROTOCOL = """
[review]
title = "Statins <b>for</b> sepsis & more"
question = "Do statins lower mortality in sepsis?"
kind = "systematic"
registration = "PROSPERO CRD1"
registered = "2020-01-31"
[[criteria]]
id = "sepsis"
text = "Patients have sepsis."
[[criteria]]
id = "statin"
text = "A statin was given."
[[screening]]
stage = "title-abstract"
mode = "dual"
[[screening]]
stage = "full-text"
[figures]
names = ["prisma-flow", "records-per-year"]
formats = ["png"]
"""

ABSTRACT = "ABSTRACT-OF-OTHERS: ChatGPT, statins, patients with sepsis, followed for thirty days, trial"
KEY = "hunter2hunter2"
TITLES = (
    "<script>alert(1)</script> statins",
    "=cmd|' /C calc'!A0",
    r"\input{/etc/passwd} & 50 % of $x_1$ {",
    'A "quoted" <img src=x onerror=alert(2)> title | with | bars',
    "Rosuvastatin for sepsis: a trial",
    "Atorvastatin in septic shock",
    "Mice and statins",
    "A survey of intensive care",
)


def make(root: Path) -> Workspace:
    """Eight records in two files, two of them of one report; ann and ben screen, one conflict, full texts."""
    workspace = Workspace.create(root, PROTOCOL)
    lines = ["title,abstract,year,doi,authors,venue"]
    for number, title in enumerate(TITLES):
        quoted = title.replace('"', '""')
        lines.append(f'"{quoted}","{ABSTRACT} {number}",{2015 + number},10.1234/x{number},"Doe, Ann","J"')
    first = root.parent / "embase.csv"
    first.write_text("\n".join(lines) + "\n", "utf-8")
    second = root.parent / "scopus.csv"
    second.write_text("\n".join([lines[0], lines[5], lines[6]]) + "\n", "utf-8")
    strategy = "exp statin/ and sepsis.ti,ab.\n2 or 3"
    import_file(workspace, Import(file=str(first), source="Embase", platform="Ovid", hits=8,
                                  searched="2026-01-05", strategy=strategy))  # fmt: skip
    import_file(workspace, Import(file=str(second), source="Scopus"))
    run = workspace.parts("records")[1].run.id
    state(workspace, run, {"strategy": f"https://x.org/s?api_key={KEY}&q=statin"}, "ann")
    dedupe(workspace)
    tag(workspace, "keywords")
    workspace.freeze()
    _screen(workspace)
    return workspace


def _screen(workspace: Workspace) -> None:
    board = resolving.open_board(workspace, "title-abstract")
    by_title = {
        board.texts.shown(report).fields["title"]: board.texts.shown(report) for report in board.texts.ids
    }
    shown = [by_title[title] for title in TITLES]
    for number, one in enumerate(shown):
        for who in ("ann", "ben"):
            out = number == 7 or (number == 6 and who == "ben")
            verdict = "exclude" if out else "include"
            decide(workspace, one.record_id, stage="title-abstract", verdict=verdict, reviewer=who,
                   reason="statin" if out else None, members=" ".join(one.members))  # fmt: skip
    board = resolving.open_board(workspace, "title-abstract")
    resolving.resolve(board, shown[6].report, "exclude", "ann", how="discussion", reason="sepsis")
    for one in shown[:5]:
        fulltexts.note(workspace, one.record_id, "retrieved", "ann", place="https://x.org/a.pdf")
        out = one is shown[4]
        decide(workspace, one.record_id, stage="full-text", verdict="exclude" if out else "include",
               reviewer="ann", reason="sepsis" if out else None, members=" ".join(one.members))  # fmt: skip
    fulltexts.note(workspace, shown[5].record_id, "not-retrieved", "ann", place="library", why="ann asked")
    stops.accept(resolving.open_board(workspace, "title-abstract"), "ann", "consecutive(1)")
