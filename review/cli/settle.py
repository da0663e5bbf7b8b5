"""The screen of `review dedupe --review`: two records side by side, what differs marked."""

import difflib
from typing import Any

import typer

from corpora.words import counted

_KEYS = "(m)atch  (n)ot  (s)kip  (u)ndo the last  (q)uit"
_LONGEST = 900
"""Characters of a field that are shown where there is no screen to fit; the rest is counted."""

_LINES = {"title": 4}
"""Lines of a field on a screen, else 2; the abstract has what is left."""

_LABELS = {"publication_types": "types"}


def run(workspace: Any, person: str) -> None:
    """Go through the pairs that wait; every word is kept at once."""
    from review import console, settling

    pairs = settling.waiting(workspace)
    if not pairs:
        console.say("No pair waits for a person.")
        return
    texts = settling.shown(workspace, [one for pair in pairs for one in (pair.left_id, pair.right_id)])
    place, said = 0, list[tuple[int, str, str]]()
    while place < len(pairs):
        pair = pairs[place]
        asks = "the same report" if pair.kind == "same_report" else "two reports of one study"
        head = f"{place + 1} of {len(pairs)}  Are these {asks}?  ({pair.rule}: {pair.reason})"
        console.say(f"\n{head}")
        console.out.print(_fitting(texts[pair.left_id], texts[pair.right_id], head))
        key = typer.prompt(_KEYS, prompt_suffix=" > ").strip().lower()[:1]
        if key in ("m", "n"):
            ends = (pair.left_id, pair.right_id)
            settling.say(workspace, ends, pair.kind, "match" if key == "m" else "not", person)
            said.append((place, *ends))
            place += 1
        elif key == "s":
            place += 1
        elif key == "u" and said:
            place, left, right = said.pop()
            settling.undo(workspace, left, right, person)
        elif key == "q":
            break
    console.say(f"{counted(len(said), 'pair')} settled; {len(settling.waiting(workspace))} wait. "
                "review flow counts anew from here.")  # fmt: skip


def _fitting(left: dict[str, str], right: dict[str, str], head: str) -> Any:
    """The two records between the question and the keys: all stand on the screen at once."""
    from review import console

    if not console.out.is_terminal:
        return _side_by_side(left, right, dict.fromkeys(left, _LONGEST))
    width, height = console.out.size
    room = height - len(console.out.render_lines(head)) - 1
    column = (width - max(len(_label(name)) for name in left) - 6) // 2
    most = {name: _LINES.get(name, 2) * column for name in left}
    for lines in range(room, -1, -1):
        made = _side_by_side(left, right, most | {"abstract": lines * column})
        if len(console.out.render_lines(made)) <= room:
            break
    return made


def _side_by_side(left: dict[str, str], right: dict[str, str], most: dict[str, int]) -> Any:
    """A table of fields; words that only one side has are marked and underlined."""
    from rich.table import Table

    table = Table(show_header=False, expand=True, box=None, padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    for name, one in left.items():
        two = right[name]
        if one or two:
            table.add_row(_label(name), *_marked(_short(one, most[name]), _short(two, most[name])))
    return table


def _label(name: str) -> str:
    return _LABELS.get(name, name)


def _short(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    # What is said of the rest takes room too.
    kept = max(most - len("… (1,000 more)"), 0)
    return f"{text[:kept]}… ({len(text) - kept:,} more)"


def _marked(one: str, two: str) -> tuple[Any, Any]:
    from rich.text import Text

    left, right = one.split(), two.split()
    made = Text(), Text()
    for kind, a, b, c, d in difflib.SequenceMatcher(a=left, b=right, autojunk=False).get_opcodes():
        for text, words in zip(made, (left[a:b], right[c:d]), strict=True):
            if words:
                text.append(" ".join(words) + " ", style="" if kind == "equal" else "underline yellow")
    return made
