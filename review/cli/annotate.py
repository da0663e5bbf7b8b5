"""`review annotate`, `review audit`: people code records, and shares are corrected by what they said."""

from pathlib import Path
from typing import Annotated, Any

import typer

from corpora.words import counted
from review.cli.options import JsonOption, QuietOption, WorkspaceOption, open_workspace, tell
from review.cli.screen import AsOption


def annotate(
    records: Annotated[
        list[str] | None, typer.Argument(metavar="[RECORD...]", help="Code these (again): ids, DOIs, PMIDs.")
    ] = None,
    audit_name: Annotated[
        str | None,
        typer.Option("--audit", help="audit-1 …; else the audit under way; none: outside every audit."),
    ] = None,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Show the tagger's word; outside audits only.")
    ] = False,
    settle: Annotated[bool, typer.Option("--settle", help="Settle what coders said differently.")] = False,
    agree: Annotated[bool, typer.Option("--agree", help="How far coders agree, by dimension.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write what was coded outside audits as training labels (JSONL).")
    ] = None,
    person: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Code one record after the other by the codebook; every answer is on disk before the next question.

    Example: review annotate --as ann
    Example: review annotate --agree
    Example: review annotate --settle --as cleo
    Example: review annotate --out labels.jsonl
    """
    from review import console
    from review.labelling import annotating, asking, concord

    opened = open_workspace(workspace)
    if out is not None:
        count, differ = annotating.export_labels(opened, out)
        sentence = f"{out}: {counted(count, 'record')}; {differ:,} left out, on which coders differ"
        tell({"written": count, "differ": differ}, [sentence], as_json=as_json, quiet=quiet)
        return
    chosen = _audit(opened, audit_name, open_only=not (agree or settle))
    if agree:
        found = concord.concord(opened, chosen)
        lines = [line for one in found for line in one.lines()]
        tell({"dimensions": [one.to_dict() for one in found]}, lines, as_json=as_json)
        return
    session = annotating.Session(
        opened, person or console.person(), chosen, records or (), suggest=suggest, settle=settle
    )
    asking.run(session, console.plain, input)


def _audit(workspace: Any, name: str | None, *, open_only: bool) -> Any:
    """The audit that was named, else the newest (that is not finished); None for ``none`` or without one."""
    from review.facts import facts
    from review.labelling import auditing

    if name == "none":
        return None
    if name is not None:
        return auditing.find(workspace, name)
    for drawn in reversed(auditing.audits(workspace)):
        if not open_only or auditing.truths(workspace, facts(workspace), drawn)[1]:
            return drawn
    return None


def audit(
    plan: Annotated[
        bool, typer.Option("--plan", help="Half-widths per label and year before anything is drawn.")
    ] = False,
    size: Annotated[
        list[int] | None,
        typer.Option("--n", help="Draw so many studies, once; with --plan: the sizes to compare.", min=1),
    ] = None,
    people: Annotated[int, typer.Option(help="Who code each study: 1, or 2 for dual.", min=1, max=5)] = 1,
    dimensions: Annotated[
        str | None, typer.Option(help="family,tasks,evaluation: what is asked; else the whole codebook.")
    ] = None,
    literature: Annotated[
        bool,
        typer.Option("--literature", help="Shares of the literature the corpus is a sample of, not of it."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write all shares as CSV.")] = None,
    person: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Draw a random sample of studies to be coded by people; then: every share, naive and corrected.

    Example: review audit --plan
    Example: review audit --n 300 --people 2
    Example: review audit --out shares.csv
    """
    from dataclasses import asdict

    from review import console, export
    from review.facts import facts
    from review.labelling import auditing, auditplan

    opened = open_workspace(workspace)
    held = facts(opened)
    if plan:
        planned = auditplan.plan(opened, held, size or auditplan.SIZES)
        tell(planned.to_dict(), planned.lines(), as_json=as_json)
    elif size:
        if len(size) > 1:
            raise typer.BadParameter("--n is given once to draw; several compare sizes with --plan")
        drawn = auditing.draw(
            opened, held, size[0], person or console.person(), people=people,
            dimensions=dimensions.split(",") if dimensions else None,
            estimand="literature" if literature else "corpus",
        )  # fmt: skip
        tell(asdict(drawn), drawn.lines(), as_json=as_json, quiet=quiet)
    else:
        shares, state = export.shares(opened, held)
        if out is not None:
            out.write_bytes(shares.to_csv(index=False).encode())
        told = {
            "state": state,
            "shares": shares.astype(object).where(shares.notna(), None).to_dict("records"),
        }
        tell(told, [state, *export.share_lines(shares)], as_json=as_json, quiet=quiet)


def register(app: typer.Typer) -> None:
    """Add these verbs to the command."""
    app.command()(annotate)
    app.command()(audit)
