"""What the ledger can answer of a checklist's item: a sentence, and where in the report it is told.

A function gives None where the ledger shows nothing: the item is then the author's. No sentence says
more than the report does; most are taken from it.
"""

from collections.abc import Callable

from review.labelling import auditing
from review.report import aianswers, screening, searching, tagging
from review.report.document import Answer
from review.report.gathering import Material
from review.report.numbers import counted, listed, sentence, without_hints


def _title(m: Material) -> Answer | None:
    review = m.protocol.review
    wanted = "scoping review" if review.kind == "scoping" else "systematic review"
    found = wanted in review.title.lower()
    told = "names" if found else "does not name"
    return Answer(f"The title in the protocol {told} it a {wanted}: {review.title}", "Title")


def _question(m: Material) -> Answer | None:
    asked = m.protocol.review.question
    return Answer(sentence(asked), "Question, under the title") if asked else None


def _eligibility(m: Material) -> Answer | None:
    criteria = m.protocol.criteria
    if not criteria:
        return None
    number = counted(len(criteria), str(len(criteria)), "criterion", "criteria")
    return Answer(
        f"{number}, in the order in which they fail: {listed([one.id for one in criteria])}.",
        "Methods, Eligibility criteria",
    )


_SEARCHES = "Methods, Information sources and searches"


def _sources(m: Material) -> Answer | None:
    return Answer(searching.sources(m), _SEARCHES) if m.live else None


def _kind(m: Material, kind: str) -> Answer | None:
    """The searches of one kind; that there are none is what the ledger shows, and said like that."""
    found = [row for row in m.live if row["kind"] == kind]
    if not found:
        return (
            Answer(f"The ledger holds no search of {searching.KINDS[kind]}.", _SEARCHES) if m.live else None
        )
    named = sorted({f"{row['source']} (platform: {row['platform']})" for row in found})
    return Answer(sentence(f"searched: {listed(named)}"), _SEARCHES)


def _websites(m: Material) -> Answer | None:
    found = [_kind(m, kind) for kind in ("website", "organisation")]
    return Answer(" ".join(one.text for one in found if one), _SEARCHES) if all(found) else None


def _mixed(m: Material) -> Answer | None:
    mixed = [str(run.parameters.get("file")) for run in m.runs if run.parameters.get("mixed")]
    if not mixed:
        return None
    return Answer(f"Files that held several sources, told apart row by row: {listed(mixed)}.", _SEARCHES)


def _strategies(m: Material) -> Answer | None:
    if not m.live:
        return None
    lacking = sum(row["strategy"] == "not stated" for row in m.live)
    given = len(m.live) - lacking
    told = f"{counted(given, f'{given:,}', 'strategy', 'strategies')} as run"
    told += (
        f"; of {counted(lacking, f'{lacking:,}', 'search')} the strategy was not stated" if lacking else ""
    )
    return Answer(sentence(told), "Appendices, Search strategies as they were run") if given else None


def _limits_of_searches(m: Material) -> Answer | None:
    if not m.live:
        return None
    told = [f"{row['search']}: {row['limits']}" for row in m.live]
    return Answer(sentence("; ".join(told)), _SEARCHES)


def _updates(m: Material) -> Answer | None:
    again = sorted(
        {row["search"] for row in m.live if sum(one["search"] == row["search"] for one in m.live) > 1}
    )
    if not again:
        return Answer("No search was run a second time.", _SEARCHES) if m.live else None
    return Answer(f"Run again as a whole, what was held subtracted: {listed(again)}.", _SEARCHES)


def _dates(m: Material) -> Answer | None:
    if not m.live:
        return None
    told = [f"{row['search']}: {searching.day(row['searched'])}" for row in m.live]
    return Answer(sentence("; ".join(told)), _SEARCHES)


def _totals(m: Material) -> Answer | None:
    if not m.live:
        return None
    counts: dict[str, int] = {}
    for row in m.live:
        counts[row["source"]] = counts.get(row["source"], 0) + int(row["records"])
    told = listed([f"{source} {n:,}" for source, n in sorted(counts.items())])
    return Answer(f"{searching.totals(m)} By source: {told}.", f"{_SEARCHES}; Results, Flow")


def _deduplication(m: Material) -> Answer | None:
    return Answer(searching.deduplication(m), "Methods, Duplicates") if m.links else None


def _selection(m: Material) -> Answer | None:
    told = []
    for stage, board in m.boards.items():
        said = [screening.mode(board), screening.people(m, board), screening.order(m, board)]
        told.append(f"{screening.NAMES[stage].capitalize()}: {' '.join(said)}")
    return Answer(" ".join(told), "Methods, Selection") if m.decisions and told else None


def _coding(m: Material) -> Answer | None:
    told = [
        f"Tagger {tagger} coded {listed(dimensions)} from title and abstract."
        for (tagger, _), dimensions in m.taggers.items()
    ]
    told += [
        f"{one.name}: {counted(len(one.studies), f'{len(one.studies):,}', 'study')} drawn for people, "
        f"{counted(one.people, str(one.people), 'person')} each."
        for one in auditing.audits(m.workspace)
    ]
    return Answer(" ".join(told), "Methods, Classification; Audit of the labels") if told else None


def _variables(m: Material) -> Answer | None:
    if not m.held.labels:
        return None
    book = m.held.codebook
    return Answer(
        f"The codebook {book.name} {book.version}: {listed(list(m.held.labels))}.", "Methods, Classification"
    )


def _population(m: Material) -> Answer | None:
    return (
        Answer(f"Shares are about {m.shown[1].population}.", "Results, Shares of labels")
        if m.taggers
        else None
    )


def _display(m: Material) -> Answer | None:
    names = m.protocol.figures.names
    return (
        Answer(f"Figures: {listed(list(names))}; a table for each dimension.", "Results") if names else None
    )


def _estimators(m: Material) -> Answer | None:
    return Answer(tagging.estimator(m), "Methods, Shares and their intervals") if m.taggers else None


def _flow(m: Material) -> Answer | None:
    if not m.live:
        return None
    state = "interim" if m.flow.interim else "final"
    return Answer(f"Flow diagram with all counts, {state}. {' '.join(map(sentence, m.flow.notes))}",
                  "Results, Flow of records, reports and studies")  # fmt: skip


def _excluded(m: Material) -> Answer | None:
    found = m.verdicts("full-text", "exclude")
    if not found:
        return None
    number = counted(len(found), f"{len(found):,}", "report")
    return Answer(f"{number} excluded at full text, each with its reason.",
                  "Appendices, Reports excluded at full text")  # fmt: skip


def _included(m: Material) -> Answer | None:
    if not m.included:
        return None
    studies = len({m.clusters.studies[report] for report in m.included})
    return Answer(
        f"{counted(studies, f'{studies:,}', 'study')} in "
        f"{counted(len(m.included), f'{len(m.included):,}', 'report')}, with references.",
        "Results, Included studies; References",
    )


def _shares(m: Material) -> Answer | None:
    if not m.taggers:
        return None
    finished, state = auditing.standing(m.workspace, m.held)
    told = "corrected, with intervals" if finished else "naive, without intervals"
    return Answer(f"Shares of labels, {told}: {without_hints(state)}.", "Results, Shares of labels")


def _limits(m: Material) -> Answer | None:
    told = []
    audit = auditing.standing(m.workspace, m.held)[0] if m.taggers else None
    if m.taggers and audit is None:
        told.append("Shares are not corrected for the tagger's errors.")
    if audit is not None and audit.silver:
        told.append("Shares are corrected to a language model's coding, which no person checked.")
    if m.boards and all(board.stage.mode == "single" for board in m.boards.values()) and m.decisions:
        told.append("One person alone decided on each report.")
    if m.live and (missing := searching.unstated(m)):
        told.append(f"Not stated of the searches: {missing}.")
    return Answer(" ".join(told), "Methods") if told else None


def _registration(m: Material) -> Answer | None:
    return Answer(searching.fixed(m), "Methods, Protocol and registration")


def _protocol(m: Material) -> Answer | None:
    if not m.versions:
        return None
    number = counted(len(m.versions), f"{len(m.versions):,}", "version")
    return Answer(f"The ledger keeps {number} of the protocol with date and hash.",
                  "Methods, Protocol and registration")  # fmt: skip


def _amendments(m: Material) -> Answer | None:
    if not m.versions:
        return None
    found = searching.amendments(m)
    return Answer(sentence("; ".join(found)) if found else "The ledger holds no amendment of the protocol.",
                  "Methods, Protocol; Appendices, Amendments and deviations")  # fmt: skip


def _availability(_: Material) -> Answer | None:
    return Answer(
        "Protocol, ledger, labels, codebook and versions can be packed for deposit (review export --osf).",
        "Methods, Software",
    )


ANSWERS: dict[str, Callable[[Material], Answer | None]] = {
    "title": _title,
    "question": _question,
    "eligibility": _eligibility,
    "sources": _sources,
    "databases": lambda m: _kind(m, "database"),
    "registers": lambda m: _kind(m, "register"),
    "websites": _websites,
    "citations": lambda m: _kind(m, "citation"),
    "contacts": lambda m: _kind(m, "contact"),
    "mixed": _mixed,
    "strategies": _strategies,
    "limits_of_searches": _limits_of_searches,
    "updates": _updates,
    "dates": _dates,
    "totals": _totals,
    "deduplication": _deduplication,
    "selection": _selection,
    "coding": _coding,
    "variables": _variables,
    "population": _population,
    "display": _display,
    "estimators": _estimators,
    "flow": _flow,
    "excluded": _excluded,
    "included": _included,
    "shares": _shares,
    "limits": _limits,
    "registration": _registration,
    "protocol": _protocol,
    "amendments": _amendments,
    "availability": _availability,
    **aianswers.ANSWERS,
}
"""Name in ``guidelines/*.toml`` → the function that answers."""
