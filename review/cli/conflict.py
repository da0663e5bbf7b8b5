"""The screen of `review resolve`: both opinions side by side, and what else waits."""

from dataclasses import asdict
from typing import Any

import typer

_KEYS = "(i)nclude  (e)xclude  (s)kip  (q)uit"


def show(board: Any, *, as_json: bool) -> None:
    """List open conflicts and flags."""
    from review import console
    from review.screening import resolving

    open_ones, flagged = resolving.conflicts(board), resolving.flags(board)
    if as_json:
        console.emit({
            "stage": board.stage.stage,
            "counts": resolving.settled_counts(board),
            "conflicts": [asdict(one) for one in open_ones],
            "flags": [asdict(one) for one in flagged],
        })  # fmt: skip
        return
    for name, count in resolving.settled_counts(board).items():
        console.say(f"{name:<16} {count:,}")
    for one in open_ones:
        said = "; ".join(f"{v.reviewer} {v.verdict}{f' ({v.reason})' if v.reason else ''}" for v in one.votes)
        console.say(f"conflict {one.report}: {one.title}\n    {said}")
    for flag in flagged:
        console.say(f"{flag.kind} {flag.report}: {flag.title}\n    {flag.what}")


def run(board: Any, person: str) -> None:
    """Go through the conflicts; every resolution is kept at once."""
    from review import console
    from review.screening import resolving

    open_ones = resolving.conflicts(board)
    if not open_ones:
        console.say("No conflict is open.")
    for number, one in enumerate(open_ones, 1):
        shown = board.texts.shown(one.report)
        console.say(f"\n{number} of {len(open_ones)}  {one.report}  {one.why}")
        console.say(one.title)
        console.say(shown.fields["abstract"] or "(no abstract)")
        for vote in one.votes:
            console.say(f"  {vote.reviewer}: {vote.verdict}{f' ({vote.reason})' if vote.reason else ''}")
        key = typer.prompt(_KEYS, prompt_suffix=" > ").strip().lower()[:1]
        if key == "q":
            break
        if key in ("i", "e"):
            reason = None
            if key == "e" and board.workspace.protocol.criteria:
                reason = typer.prompt("Which criterion fails", default="", show_default=False).strip() or None
            how = "discussion" if person in {vote.reviewer for vote in one.votes} else "third"
            verdict = "include" if key == "i" else "exclude"
            resolving.resolve(board, one.report, verdict, person, how=how, reason=reason)
    left = len(resolving.conflicts(resolving.open_board(board.workspace, board.stage.stage)))
    console.say(f"{left} conflicts are open.")
