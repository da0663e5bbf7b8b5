"""What both faces of `review screen` say: a report's lines, the panel, the help."""

from review.screening.session import Item, Progress, Session

KEYS: tuple[tuple[str, str, str], ...] = (
    ("i", "include", "include"),
    ("e", "exclude", "exclude; the criterion that fails is asked for"),
    ("m", "maybe", "maybe: passes this stage, told apart in tables (title-abstract)"),
    ("a", "awaiting", "awaiting classification (full-text)"),
    ("o", "ongoing", "ongoing study (full-text)"),
    ("s", "skip", "skip: it comes again after all others"),
    ("u", "undo", "undo the last decision"),
    ("y", "redo", "undo the undo"),
    ("n", "note", "a note of yours"),
    ("t", "tag", "a tag; the same again takes it off"),
    ("/", "search", "search words in title and abstract"),
    ("j", "jump", "jump to a report by its id"),
    ("d", "doi", "open the DOI or link in a browser"),
    ("b", "abstract", "fill a missing abstract: typed, or fetched from OpenAlex"),
    ("k", "key", "name key papers (ids, DOIs, PMIDs): they train the order"),
    ("w", "why", "show or hide what the model goes by"),
    ("c", "criteria", "show or hide the criteria"),
    ("p", "panel", "progress and stopping rules"),
    ("?", "help", "this help"),
    ("q", "quit", "quit; everything is kept"),
)
"""(key, name, what it does), in the order in which help lists them."""

_ONLY = {"maybe": "title-abstract", "awaiting": "full-text", "ongoing": "full-text"}


def keys_of(stage: str) -> list[tuple[str, str, str]]:
    """The keys that a stage has."""
    return [key for key in KEYS if _ONLY.get(key[1], stage) == stage]


def heading(item: Item) -> str:
    """Where a report stands in the queue: never what others did with it."""
    if item.block:
        where = f"block {item.block}"
    elif item.generation == 0:
        where = f"random order, place {item.place}" if item.place else "skipped before"
    else:
        where = f"rank {item.place} of ranking {item.generation}" if item.place else "skipped before"
    own = f" · you decided: {item.own}" if item.own else ""
    return f"{item.shown.report} · {where}{own}"


def source_line(item: Item) -> str:
    """Authors, venue and year on one line."""
    fields = item.shown.fields
    names = [person["family"] for person in fields["authors"] or []]
    people = "; ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    place = " ".join(str(part) for part in (fields["venue"], fields["volume"]) if part)
    parts = [people, place, str(fields["year"] or "no year"), *(fields["publication_types"] or [])[:2]]
    return " · ".join(part for part in parts if part)


def link(item: Item) -> str | None:
    """Where the report can be read."""
    fields = item.shown.fields
    if fields["doi"]:
        return f"https://doi.org/{fields['doi']}"
    if fields["pmid"]:
        return f"https://pubmed.ncbi.nlm.nih.gov/{fields['pmid']}/"
    return fields["url"] or (
        f"https://openalex.org/{fields['openalex_id']}" if fields["openalex_id"] else None
    )


def warnings(session: Session, item: Item) -> list[str]:
    """What a screener must know of this report before deciding."""
    fields = item.shown.fields
    found = []
    if fields["retraction"]:
        found.append(f"RETRACTION NOTICE: {fields['retraction']}")
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
    waiting = f" · {progress.spooled} kept on this machine, ledger away" if progress.spooled else ""
    return (
        f"{progress.decided:,} decided ({share:.0%}) · {progress.included:,} in · {progress.left:,} left · "
        f"{progress.since_include:,} since the last in{waiting}"
    )


def criteria(session: Session) -> list[str]:
    """The protocol's criteria, numbered in the order in which they fail."""
    listed = session.workspace.protocol.criteria
    return [f"{number}. {one.id}: {one.text}" for number, one in enumerate(listed, 1)]


def reason_of(session: Session, answer: str) -> str | None:
    """A criterion by its number or id; None for an empty answer.

    Raises:
        InputError: by `Session.decide`, if it is no criterion.

    """
    listed = session.workspace.protocol.criteria
    plain = answer.strip()
    if plain.isdigit() and 1 <= int(plain) <= len(listed):
        return listed[int(plain) - 1].id
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
