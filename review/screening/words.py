"""What both faces of `review screen` say: a report's lines, the panel, the help."""

import unicodedata

import numpy as np

from corpora.errors import InputError, LedgerError
from review.gathering import fulltexts
from review.screening.board import Board
from review.screening.marking import SIGNS
from review.screening.queue import Item
from review.screening.session import Progress, Session
from review.screening.texts import Shown

KEYS: tuple[tuple[str, str, str], ...] = (
    ("i", "include", "include"),
    ("e", "exclude", "exclude; the criterion that fails is asked for"),
    ("1-9", "criterion", "exclude at once, by the criterion of this number"),
    ("m", "maybe", "maybe: passes this stage, told apart in tables"),
    ("a", "awaiting", "awaiting classification"),
    ("o", "ongoing", "ongoing study"),
    ("s", "skip", "skip: it comes again after all others"),
    ("Enter", "next", "go on with the queue, after a look elsewhere"),
    ("u", "undo", "undo your last decision or skip of this session"),
    ("y", "redo", "undo the undo"),
    ("n", "note", "a note of yours"),
    ("t", "tag", "a tag; the same again takes it off"),
    ("/", "search", "search words in title and abstract"),
    ("j", "jump", "jump to a report by its id"),
    ("d", "doi", "open the full text at hand, the DOI or the link in a browser"),
    ("b", "abstract", "fill a missing abstract: typed, or fetched from OpenAlex"),
    ("k", "key", "name key papers (ids, DOIs, PMIDs): they train the order"),
    ("w", "why", "show or hide what the model goes by"),
    ("h", "highlights", "show or hide the marks of terms"),
    ("c", "criteria", "show or hide the criteria"),
    ("p", "panel", "show or hide progress and stopping rules"),
    ("?", "help", "this help"),
    ("q", "quit", "quit; everything is kept"),
)
"""(key, name, what it does), in the order in which help lists them."""

_ONLY = {"maybe": "title-abstract", "awaiting": "full-text", "ongoing": "full-text"}

_NEEDED = (
    "help", "quit", "include", "exclude", "undo", "skip", "maybe", "awaiting", "ongoing", "criteria", "note",
    "panel", "search", "doi", "jump", "tag", "why", "key", "abstract", "redo",
)  # fmt: skip
"""What the line of keys names, as far as there is room."""


def keys_of(stage: str) -> list[tuple[str, str, str]]:
    """The keys that a stage has."""
    return [key for key in KEYS if _ONLY.get(key[1], stage) == stage]


def keys_line(stage: str, width: int) -> str:
    """The most needed keys in one line of at most ``width`` characters; none is cut off.

    >>> keys_line("title-abstract", 40)
    'i include  e exclude  ? help  q quit'
    """
    told = {name: f"{key} {name}" for key, name, _ in keys_of(stage)}
    wanted: set[str] = set()
    for name in _NEEDED:
        if name in told and len(_joined(told, {*wanted, name})) <= width:
            wanted.add(name)
    return _joined(told, wanted)


def _joined(told: dict[str, str], wanted: set[str]) -> str:
    return "  ".join(said for name, said in told.items() if name in wanted)


def help_lines(stage: str) -> list[str]:
    """One line a key, and how marks are told apart where there is no colour."""
    lines = [f"{key:<6} {what}" for key, _, what in keys_of(stage)]
    signs = ", ".join(f"{before}{kind}{after}" for kind, (before, after) in SIGNS.items())
    return [*lines, "", f"Marks in plain text: {signs}: the protocol's terms, and the model's words."]


def clean(text: str) -> str:
    """Text for a terminal, as long as before: what would steer a terminal shows as ``�``.

    A record's title may hold anything, also the codes that clear a screen or turn text around.

    >>> clean("Sta\\x1b[2Jtins")
    'Sta�[2Jtins'
    """
    if text.isprintable():
        return text
    return "".join(
        one if one == "\n" or unicodedata.category(one) not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
        else _SHOWN_AS.get(one, "�")
        for one in text
    )  # fmt: skip


_SHOWN_AS = {"\t": " ", "\r": " ", "\x0b": " ", "\x0c": " ", "\x85": " ", "\u2028": " ", "\u2029": " ",
             "\xad": "-", "\u200b": " ", "\ufeff": " ", "\u200c": "\u200c", "\u200d": "\u200d",
             "\u200e": " ", "\u200f": " ", "\u2060": " "}  # fmt: skip
"""Harmless ones, by a character of the same length; joiners are letters' business in some scripts."""


def heading(item: Item, *, elsewhere: bool = False) -> str:
    """Where a report stands in the queue: never what others did with it.

    A report that was looked up shows no rank: that would be the model's view of it.
    """
    if elsewhere:
        where = "out of the queue's order"
    elif item.block:
        where = f"block {item.block}"
    elif not item.place:
        where = "skipped before"
    elif item.generation == 0:
        where = f"random order, place {item.place:,}"
    else:
        where = f"rank {item.place:,} of ranking {item.generation:,}"
    own = f" · you decided: {item.own}" if item.own else ""
    return f"{item.shown.report} · {where}{own}"


def source_line(shown: Shown) -> str:
    """Authors, venue and year on one line."""
    fields = shown.fields
    names = [person["family"] for person in fields["authors"] or [] if person["family"]]
    people = "; ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
    place = " ".join(str(part) for part in (fields["venue"], fields["volume"]) if part)
    parts = [people, place, str(fields["year"] or "no year"), *(fields["publication_types"] or [])[:2]]
    return clean(" · ".join(part for part in parts if part))


def link(shown: Shown) -> str | None:
    """Where the report can be read."""
    fields = shown.fields
    if fields["doi"]:
        return clean(f"https://doi.org/{fields['doi']}")
    if fields["pmid"]:
        return clean(f"https://pubmed.ncbi.nlm.nih.gov/{fields['pmid']}/")
    if fields["url"]:
        return clean(fields["url"])
    return clean(f"https://openalex.org/{fields['openalex_id']}") if fields["openalex_id"] else None


def full_text(session: Session, item: Item) -> str | None:
    """The file or link of the report's full text, at the stage that is about it."""
    if session.stage.stage != "full-text":
        return None
    try:
        held = fulltexts.standing(session.workspace, session.texts.reports)
    except LedgerError:
        return None  # what is on the screen stays readable while the ledger is away
    place = held.get(item.shown.report, {}).get("place")
    return clean(place) if place else None


def address(session: Session, item: Item) -> str | None:
    """What a browser opens: the file or link of the full text if there is one, else the report's link."""
    place = full_text(session, item)
    if place is None or place.startswith(("https://", "http://")):
        return place or link(item.shown)
    file = (session.workspace.root / place).resolve()
    return file.as_uri() if file.exists() else f"{place} (not on this machine)"


def remarks(session: Session, item: Item) -> list[tuple[str, str]]:
    """This person's own notes and tags, as (kind, text)."""
    try:
        return [(kind, clean(text)) for kind, text in session.remarks.of(item.shown)]
    except LedgerError:
        return [("notes", "cannot be read while the ledger is away")]


def warnings(session: Session, item: Item) -> list[str]:
    """What a screener must know of this report before deciding."""
    fields = item.shown.fields
    found = []
    if fields["retraction"]:
        found.append(f"RETRACTION NOTICE: {clean(str(fields['retraction']))}")
    if not fields["abstract"]:
        found.append("No abstract. Key b fills it: typed, or fetched by DOI or PMID.")
    if len(item.shown.members) > 1:
        found.append(f"{len(item.shown.members)} records are linked as this report.")
    if any(vote.reviewer == session.person for vote in session.board.ballots.stale(item.shown.report)):
        found.append("TO CONFIRM: a link of its records was undone after you decided; please decide again.")
    return found


def progress_line(progress: Progress) -> str:
    """One line for the top of the screen."""
    share = progress.decided / progress.queue if progress.queue else 0
    waiting = f"{progress.spooled} WAIT FOR THE LEDGER · " if progress.spooled else ""
    return (
        f"{waiting}{progress.decided:,} decided ({share:.0%}) · {progress.included:,} in · "
        f"{progress.left:,} left · {progress.since_include:,} since the last in"
    )


def kept(session: Session, verdict: str, reason: str | None) -> str:
    """What to say once a decision is on disk."""
    where = ", on this machine until the ledger answers" if len(session.spool) else ""
    return f"Kept{where}: {verdict}{f', {reason}' if reason else ''}."


def keyed(found: list[str], unknown: list[str]) -> str:
    """What naming key papers did."""
    missing = f" Not held here: {', '.join(unknown)}." if unknown else ""
    return f"{len(found)} key papers train the order now.{missing}"


def turned(name: str, item: Item) -> str:
    """What an undo or a redo left: the verdict that stands now."""
    now = f"your decision is {item.own}" if item.own else "you have not decided on it"
    return f"{'Taken back' if name == 'undo' else 'Done again'}: {now}. Enter goes on with the queue."


def empty(session: Session) -> list[str]:
    """What to say when there is nothing left, and what one can do then."""
    held, stage = session.progress(), session.stage.stage
    if stage == "full-text" and not held.queue:
        return [
            "No full text waits here.",
            "A report comes here once title-abstract has passed it and `review fulltext` holds its text.",
        ]
    lines = ["Nothing is left for you in this queue.", f"You decided {held.decided:,}, {held.included:,} in."]
    if stage != "full-text":
        other, name = _other_queue(session)
        if other:
            lines.append(f"{other:,} {name} wait in a queue of their own: review screen --queue "
                         f"{'no-abstract' if session.queue.name == 'ranked' else 'ranked'}")  # fmt: skip
    lines.append("What people differ on is settled with: review resolve")
    return lines


def _other_queue(session: Session) -> tuple[int, str]:
    """How many reports are open to this person in the queue that is not shown, and what they are."""
    ranked = session.queue.name == "ranked"
    rows = np.flatnonzero(~session.texts.rankable if ranked else session.texts.rankable)
    ids = (session.texts.ids[row] for row in rows)
    count = sum(session.board.open_to(session.person, report) for report in ids)
    return count, "without a usable abstract" if ranked else "with an abstract"


def criteria(session: Session | Board) -> list[str]:
    """The protocol's criteria, numbered in the order in which they fail."""
    listed = session.workspace.protocol.criteria
    return [f"{number}. {one.id}: {one.text}" for number, one in enumerate(listed, 1)]


def which(session: Session | Board) -> str:
    """The question after the key for exclude; a full text is never excluded without a reason."""
    asked = "Failing criterion: number or id"
    return asked if session.stage.stage == "full-text" else f"{asked} (Enter: none)"


def reason_of(session: Session | Board, answer: str) -> str | None:
    """A criterion by its number or id; None for an empty answer.

    Raises:
        InputError: the protocol has criteria, and this is none of them.

    """
    listed = [one.id for one in session.workspace.protocol.criteria]
    plain = answer.strip()
    if plain.isdecimal() and 1 <= int(plain) <= len(listed):
        return listed[int(plain) - 1]
    if plain and listed and plain not in listed:
        raise InputError(f"reason {plain!r}: the protocol's criteria are {', '.join(listed)}")
    return plain or None


def panel(session: Session) -> list[str]:
    """Progress and stopping rules, by this person's own decisions alone."""
    held = session.progress()
    order = session.trainer.latest
    lines = [
        f"decided by you   {held.decided:,} of {held.queue:,}",
        f"in               {held.included:,}",
        f"since last in    {held.since_include:,}",
        f"skipped          {held.skipped:,}",
        f"order            {order.ranker}, ranking {order.generation}",
    ]
    if session.trainer.problem:
        lines.append(f"ranking stands still: {session.trainer.problem}")
    return lines + session.stop_lines()
