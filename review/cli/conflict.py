"""The screen of `review resolve`: both opinions side by side, and what else waits."""

from dataclasses import asdict
from typing import Any


def show(board: Any, person: str, *, as_json: bool) -> None:
    """List open conflicts and flags; a report that this person has yet to screen is not among them."""
    from review import console
    from review.screening import resolving

    found, flagged = resolving.conflicts(board), resolving.flags(board)
    open_ones = [one for one in found if not _yet_to_screen(board, person, one.report)]
    if as_json:
        console.emit({
            "stage": board.stage.stage,
            "counts": resolving.settled_counts(board),
            "conflicts": [asdict(one) for one in open_ones],
            "not_shown": len(found) - len(open_ones),
            "flags": [asdict(one) for one in flagged],
        })  # fmt: skip
        return
    for name, count in resolving.settled_counts(board).items():
        console.say(f"{name:<16} {count:,}")
    for one in open_ones:
        said = "; ".join(f"{v.reviewer} {v.verdict}{f' ({v.reason})' if v.reason else ''}" for v in one.votes)
        console.say(f"conflict {one.report}: {one.title}\n    {said}")
    if len(found) > len(open_ones):
        console.say(f"Not shown: {len(found) - len(open_ones)} on reports that you have yet to screen.")
    for flag in flagged:
        console.say(f"{flag.kind} {flag.report}: {flag.title}\n    {flag.what}")


def run(board: Any, person: str) -> None:
    """Go through the conflicts; every resolution is kept at once, an answer that fails is asked again.

    A conflict on a report that this person has yet to screen (in a block that all screen) is not
    shown: it would show what the others decided.
    """
    from review import console
    from review.screening import resolving

    found = resolving.conflicts(board)
    open_ones = [one for one in found if not _yet_to_screen(board, person, one.report)]
    if not open_ones:
        console.say("No conflict is open to you." if found else "No conflict is open.")
    if len(found) > len(open_ones):
        hidden = len(found) - len(open_ones)
        console.say(f"Not shown: {hidden} on reports that you have yet to screen yourself.")
    try:
        for number, one in enumerate(open_ones, 1):
            _show_one(board, one, f"{number} of {len(open_ones)}")
            _settle(board, one, person)
    except (EOFError, KeyboardInterrupt):
        console.plain("")
    left = len(resolving.conflicts(resolving.open_board(board.workspace, board.stage.stage)))
    console.say(f"Open conflicts: {left}")


def _yet_to_screen(board: Any, person: str, report: str) -> bool:
    return person in board.team and board.open_to(person, report)


def _show_one(board: Any, one: Any, place: str) -> None:
    """A report, its criteria, and what everybody said of it."""
    from review.screening import remarks, words

    shown = board.texts.shown(one.report)
    _wrapped(f"\n{place}  {one.report}  {one.why}")
    _wrapped(words.clean(one.title))
    _wrapped(words.source_line(shown))
    if where := words.link(shown):
        _wrapped(where)
    _wrapped(words.clean(shown.fields["abstract"] or "(no abstract)"))
    for line in words.criteria(board):
        _wrapped(line)
    for vote in one.votes:
        _wrapped(f"  {vote.reviewer}: {vote.verdict}{f' ({vote.reason})' if vote.reason else ''}")
    people = {vote.reviewer for vote in one.votes}
    for who, kind, text in remarks.said_of(board.workspace, shown, board.stage.stage, people):
        _wrapped(f"  {who}, {kind}: {words.clean(text)}")


def _settle(board: Any, one: Any, person: str) -> None:
    """Ask until this conflict is settled or left open."""
    from corpora.errors import LitscaleError
    from review import console
    from review.screening import resolving, words
    from review.screening.plain import asked
    from review.screening.votes import VERDICTS

    def ask(question: str) -> str:
        return asked(question, console.plain, input)

    keys = {name[0]: name for name in VERDICTS[board.stage.stage] if name != "maybe"}
    keys |= {"s": "skip", "q": "quit"}
    how = "discussion" if person in {vote.reviewer for vote in one.votes} else "third"
    while True:
        typed = ask("  ".join(f"{key}={name}" for key, name in keys.items())).lower()
        name = next((name for key, name in keys.items() if typed in (key, name)), "")
        if name == "quit":
            raise EOFError
        if name == "skip":
            return
        if not name:
            console.plain(f"{typed!r} is no answer here.")
            continue
        try:
            reason = None
            if name == "exclude" and board.workspace.protocol.criteria:
                reason = words.reason_of(board, ask(words.which(board)))
            note = ask("What settled it (Enter: no note)") or None
            resolving.resolve(board, one.report, name, person, how=how, reason=reason, note=note)
        except LitscaleError as error:
            _wrapped(f"Not done: {error}")
        else:
            by = "by discussion" if how == "discussion" else f"by {person} as a third person"
            console.say(f"Kept: {name}{f', {reason}' if reason else ''}, {by}.")
            return


def _wrapped(text: str) -> None:
    """Print in lines of reading length, at most as wide as the terminal; paragraphs stay."""
    import shutil
    import textwrap

    from review import console

    width = min(shutil.get_terminal_size().columns, 90)
    for paragraph in text.split("\n"):
        indent = "  " if paragraph.startswith("  ") else ""
        lines = textwrap.wrap(
            paragraph, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        for line in lines or [""]:
            console.plain(line)
