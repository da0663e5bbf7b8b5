"""Methods, first half: protocol, eligibility, searches, duplicates."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from corpora.run import Run
from review import linking, settling
from review.decisions import under_older
from review.report.document import Block, Grid, Heading, Items, Text
from review.report.gathering import Material
from review.report.numbers import listed, sentence, were

_MISSING = "not stated"

KINDS = {
    "database": "databases",
    "register": "study registers",
    "website": "websites",
    "organisation": "organisations",
    "citation": "citation searching",
    "contact": "contacts",
    "previous": "a previous version of the review",
}


def day(stamp: str) -> str:
    """The date of a time stamp."""
    return stamp[:10]


# ---------------------------------------------------------------- protocol


def protocol(m: Material) -> Iterator[Block]:
    """How far the methods were fixed beforehand, and what was changed since."""
    yield Heading(3, "Protocol and registration")
    yield Text(fixed(m))
    if changes := amendments(m):
        yield Text("The protocol was amended:")
        yield Items(tuple(changes))


def fixed(m: Material) -> str:
    """Whether the methods were pre-registered, or fixed in advance in the ledger, in words that hold."""
    told = _fixed(m)
    if m.versions and m.versions[-1]["text"] != m.workspace.protocol_text:
        told += (
            f" The protocol file has been changed since version {m.versions[-1]['version']}, the newest that "
            "was frozen, and this report tells of the file as it is now: it was not fixed."
        )
    return told


def _fixed(m: Material) -> str:
    review, first = m.protocol.review, _first_decision(m)
    registered = f" {registration(m)}" if review.registration else ""
    if not m.versions:
        return (
            "No version of the protocol was frozen, so the ledger cannot show that the methods were fixed "
            f"before they were used.{registered}"
        )
    frozen = m.versions[0]
    told = f"The protocol was frozen in the ledger on {day(frozen['at'])} (version 1, hash {frozen['hash']})."
    if first is None:
        return f"{told} No decision has been made since.{registered}"
    number = m.numbers.count("protocol.decisions", len(m.decisions), "ledger: decisions", "decision")
    if _moment(first) < _moment(frozen["at"]):
        return (
            f"{told} The first of {number} bears an earlier date ({day(first)}), so the methods were not "
            f"fixed before all of them.{registered}"
        )
    if _preregistered(review, first):
        return (
            f"The review was pre-registered ({review.registration}, {review.registered}, as the protocol "
            f"states), before the first decision on {day(first)}. {told}"
        )
    note = f"{registered} That is not before the first decision." if registered else ""
    later = [row for row in m.versions[1:] if row["reason"]]
    changes = m.numbers.count("protocol.amendments", len(later), "ledger: protocols", "amendment")
    but = f", but for {changes}" if later else ""
    return (
        f"{told} The first decision was made on {day(first)}: the methods were fixed in advance in the "
        f"ledger, not pre-registered{but}.{note}"
    )


def registration(m: Material) -> str:
    """What the protocol states of a registration; the ledger cannot prove it."""
    review = m.protocol.review
    if not review.registration:
        return "The protocol names no registration."
    dated = f", dated {review.registered}" if review.registered else ", without a date"
    return f"The protocol names the registration {review.registration}{dated}."


def _moment(stamp: str) -> datetime:
    made = datetime.fromisoformat(stamp)
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def _preregistered(review: Any, first: str) -> bool:
    if not (review.registration and review.registered):
        return False
    try:
        return date.fromisoformat(review.registered[:10]) < date.fromisoformat(day(first))
    except ValueError:
        return False


def _first_decision(m: Material) -> str | None:
    return min((row["at"] for row in m.workspace.ledger.rows("decisions")), default=None)


def amendments(m: Material) -> list[str]:
    """One line an amendment: version, date, reason, and the present decisions made under older ones."""
    told = []
    for row in m.versions[1:]:
        version = row["version"]
        older = under_older(m.decisions, version)
        under = m.numbers(f"protocol.older.{version}", older, "ledger: decisions")
        why = row["reason"] or "changed before the first decision"
        told.append(
            f"Version {version} on {day(row['at'])}: {why} (decisions that hold now and were made under "
            f"older versions: {under})"
        )
    return told


def eligibility(m: Material) -> Iterator[Block]:
    """The criteria in their order."""
    yield Heading(3, "Eligibility criteria")
    criteria = m.protocol.criteria
    if not criteria:
        yield Text("The protocol states no eligibility criteria.", notice=True)
        return
    yield Text("Criteria were checked in this order; the first that failed was the reason for exclusion.")
    yield Items(tuple(f"{one.id}: {one.text}" for one in criteria))


# ---------------------------------------------------------------- searches


def searches(m: Material) -> Iterator[Block]:
    """Sources, dates, limits and counts; the strategies stand in the appendix."""
    yield Heading(3, "Information sources and searches")
    if not m.live:
        yield Text("No search was run and no file was imported.", notice=True)
        return
    yield Text(sources(m))
    yield Text(totals(m))
    yield Grid(
        "Searches, their dates, limits and counts; every strategy as it was run stands in the appendix",
        ("Search", "Source", "Platform", "Kind", "Searched on", "Limits", "Hits stated", "Records", "New",
         "Refused"),
        tuple(_search_row(m, row) for row in m.live),
        ("Records: rows that the search or file brought. New: records that no earlier search had brought. "
         "Refused: rows that could not be read, kept as they were.",),
    )  # fmt: skip
    if missing := unstated(m):
        yield Text(f"Not stated: {missing}.", notice=True)
    gone = [row for row in m.searches if row not in m.live]
    if gone:
        number = m.numbers.count("searches.withdrawn", len(gone), "ledger: withdrawals", "search or import",
                                 "searches or imports")  # fmt: skip
        yield Text(sentence(f"{number} {were(len(gone))} taken back and {were(len(gone))} not counted"))


def sources(m: Material) -> str:
    """Which sources of which kinds were searched, by name and date."""
    parts = []
    for kind, name in KINDS.items():
        held: dict[str, list[str]] = {}
        for row in m.live:
            if row["kind"] == kind:
                held.setdefault(_named(row), []).append(_date(row))
        if held:
            listing = listed(
                [f"{source} ({', '.join(sorted(set(dates)))})" for source, dates in held.items()]
            )
            parts.append(f"{name}: {listing}")
    return f"Searched, with the dates of the searches: {'; '.join(parts)}."


def _named(row: dict[str, str]) -> str:
    platform = "" if row["platform"] == _MISSING else f" through {row['platform']}"
    return f"{row['source']}{platform}"


def _date(row: dict[str, str]) -> str:
    return "date not stated" if row["searched"] == _MISSING else day(row["searched"])


def totals(m: Material) -> str:
    """How many records all searches brought."""
    brought = sum(int(row["records"]) for row in m.live)
    number = m.numbers.count("searches.brought", brought, "corpus: run.json of records", "record")
    runs = m.numbers.count("searches.runs", len(m.live), "corpus: run.json of records", "search or import",
                           "searches or imports")  # fmt: skip
    refused = sum(int(row["refused"]) for row in m.live)
    left = m.numbers.count("searches.refused", refused, "corpus: run.json of records", "row")
    kept = (
        f"{left} could not be read and {were(refused)} kept as found"
        if refused
        else "every row could be read"
    )
    return sentence(f"{runs} brought {number}; {kept}")


def _search_row(m: Material, row: dict[str, str]) -> tuple[str, ...]:
    numbers = [
        m.numbers(f"search.{row['run']}.{name}", int(row[name]), f"corpus: run {row['run']}")
        if row[name].isdigit() else row[name]
        for name in ("hits", "records", "not_held_before", "refused")
    ]  # fmt: skip
    return (
        row["search"], row["source"], row["platform"], row["kind"], _date(row), row["limits"], *numbers
    )  # fmt: skip


def unstated(m: Material) -> str:
    """What PRISMA-S asks of a search and nobody has said, with the number of searches."""
    told = []
    for name, words in (("platform", "platform"), ("searched", "date of the search"),
                        ("strategy", "strategy"), ("hits", "hits that the platform stated")):  # fmt: skip
        lacking = sum(row[name] == _MISSING for row in m.live)
        if lacking:
            number = m.numbers.count(f"searches.unstated.{name}", lacking, "corpus and ledger", "search")
            told.append(f"{words} of {number}")
    return listed(told)


# ---------------------------------------------------------------- duplicates


def duplicates(m: Material) -> Iterator[Block]:
    """Rules, their counts, what people decided and what waits for them."""
    yield Heading(3, "Duplicates")
    part = m.links
    if part is None:
        yield Text("Duplicates were not looked for.", notice=True)
        return
    yield Text(deduplication(m))
    if linking.deduped(m.workspace) is None:
        yield Text("Records came after duplicates were last looked for; these are not compared yet.",
                   notice=True)  # fmt: skip
    rows = _rules(m, part.run)
    if rows:
        yield Grid(
            "Links that the machine made, by the rule that made them",
            ("Relation", "Verdict", "Rule", "Pairs"),
            tuple(rows),
            ("A link joins two records. Same report: the same document twice. Same study: different "
             "documents about one study. What is called maybe joins nothing until a person says so.",),
        )  # fmt: skip


def deduplication(m: Material) -> str:
    """Software, counts by machine and by people, and what is left to them."""
    part = m.links
    if part is None:
        return "Duplicates were not looked for."
    where = f"corpus: links of run {part.run.id}, ledger: links"
    reports, studies = (len(set(held.values())) for held in (m.clusters.reports, m.clusters.studies))
    numbers = (
        m.numbers.count("dedupe.records", len(m.clusters.reports), where, "record"),
        m.numbers.count("dedupe.reports", reports, where, "report"),
        m.numbers.count("dedupe.studies", studies, where, "study"),
    )
    people = Counter(
        (row["kind"], row["verdict"])
        for row in m.workspace.ledger.current("links")
        if row["verdict"] != linking.UNDONE
    )
    waiting = len(settling.waiting(m.workspace))
    spoken = m.numbers.count("dedupe.people", sum(people.values()), "ledger: links", "pair")
    told = [
        f"Duplicates were linked, never deleted, by the rules of litscale "
        f"{part.run.versions.get('litscale', '')} on {day(part.run.started)}: {numbers[0]} are {numbers[1]} "
        f"of {numbers[2]}.",
        sentence(f"{spoken} {were(sum(people.values()))} decided by people"),
    ]
    if people:
        details = [
            f"{m.numbers(f'dedupe.people.{kind}.{verdict}', count, 'ledger: links')} "
            f"{'' if verdict == 'match' else 'not '}{kind.replace('_', ' ')}"
            for (kind, verdict), count in sorted(people.items())
        ]
        told[-1] = told[-1][:-1] + f" ({listed(details)})."
    number = m.numbers.count("dedupe.waiting", waiting, where, "pair")
    told.append(sentence(f"{number} still {'waits' if waiting == 1 else 'wait'} for a person"))
    return " ".join(told)


def _rules(m: Material, run: Run) -> list[tuple[str, ...]]:
    columns = ["kind", "verdict", "rule"]
    table = m.workspace.corpus.table("links", "links", columns, run.id).to_pydict()
    counts = Counter(zip(*(table[name] for name in columns), strict=True))
    return [
        (kind.replace("_", " "), verdict, rule,
         m.numbers(f"dedupe.rule.{kind}.{verdict}.{rule}", count, f"corpus: links of run {run.id}"))
        for (kind, verdict, rule), count in sorted(counts.items())
    ]  # fmt: skip
