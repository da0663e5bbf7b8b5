"""Methods, third part: AI, the classifier and its card, the audit, estimators, software."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from classifiers.codebook import load as load_codebook
from corpora.errors import InputError
from review import removing
from review.analysis.tidy import Audit
from review.labelling import auditing
from review.labelling.tagging import shipped_model
from review.report.document import Block, Grid, Heading, Items, Text
from review.report.gathering import Material
from review.report.numbers import counted, listed, sentence, were, without_hints
from review.report.screening import NAMES
from review.report.searching import day
from review.screening import suggestions


def ai(m: Material) -> Iterator[Block]:
    """Whatever a model judged, suggested or ordered (PRISMA-trAIce, RAISE)."""
    yield Heading(3, "Use of artificial intelligence")
    yield Items(tuple(uses(m)))
    yield Text(
        "People decided on every report that is counted as screened; a model's word fills no seat, settles "
        "no conflict and counts for no stop."
    )
    for board in m.boards.values():
        for block in board.blocks:
            if block.kind == "ai":
                yield Text(suggestion_score(m, board, block.name))


def uses(m: Material) -> list[str]:
    """One line a use, or that there was none."""
    told = []
    for stage, board in m.boards.items():
        names = sorted(
            {row["ranker"] for row in m.workspace.ledger.rows("rankings") if row["stage"] == stage}
        )
        if learned := [name for name in names if name != "random"]:
            told.append(f"Order of {NAMES[stage]}: {listed(learned)}; it decides nothing.")
        boxes = suggestions.boxes(board)
        if len(boxes) > 1:
            told += [f"Suggestions on {NAMES[stage]}, {item}: {text}" for item, text in boxes]
    for (tagger, run), dimensions in m.taggers.items():
        number = m.numbers.count(f"tagger.{tagger}.dimensions", len(dimensions), "codebook", "dimension")
        version = next(made.versions.get("litscale", "") for made in m.runs if made.id == run)
        told.append(
            f"Labels for shares and figures, {number} of the codebook {m.held.codebook.name}: the tagger "
            f"{tagger} of litscale {version} (run {run})."
        )
    automatic = [
        one for one in removing.standing(m.workspace, m.clusters.reports)[0].values() if one.automation
    ]
    if automatic:
        number = m.numbers.count("removals.automation", len(automatic), "ledger: removals", "report")
        told.append(f"Removed before screening by what a model says: {number}; nobody has read them.")
    return told or ["The ledger holds no use of a model."]


def suggestion_score(m: Material, board: Any, block: str) -> str:
    """Sensitivity on the block that people decided without the model, or why there is none."""
    try:
        found = suggestions.score(board, block)
    except InputError:
        return f"Block {block.rpartition('/')[2]}, drawn to score the suggestions, is not finished: no score."
    key = f"suggestions.{block}"
    for name, value in (("records", found.records), ("included", found.included), ("found", found.found)):
        m.numbers(f"{key}.{name}", value, "ledger: suggestions, decisions")
    return found.sentence()


# ---------------------------------------------------------------- the classifier


def classifier(m: Material) -> Iterator[Block]:
    """Which tagger spoke for what, and what is known of how good it is."""
    yield Heading(3, "Classification")
    book = m.held.codebook
    number = m.numbers.count("codebook.dimensions", len(list(book.all_dimensions())), "codebook", "dimension")
    yield Text(f"The codebook is {book.name} {book.version} (hash {book.hash}), with {number}.")
    if not m.taggers:
        yield Text("Nothing was tagged, so there are no labels and no shares.", notice=True)
    for (tagger, run), dimensions in m.taggers.items():
        yield from _tagger(m, tagger, run, dimensions)


def _tagger(m: Material, tagger: str, run_id: str, dimensions: list[str]) -> Iterator[Block]:
    part = next(part for part in m.workspace.parts("labels") if part.run.id == run_id)
    account, where = part.run.account, f"corpus: run {run_id}"
    read = m.numbers.count(f"tagger.{tagger}.records", account.delivered, where, "record")
    unsure = m.numbers.count(
        f"tagger.{tagger}.unsure", account.counts.get("unsure labels", 0), where, "label"
    )
    bare = account.counts.get("without abstract", 0)
    silent = m.numbers(f"tagger.{tagger}.bare", bare, where)
    yield Text(
        f"Tagger {tagger} read title and abstract of {read} on {day(part.run.started)} (run {run_id}, "
        f"litscale {part.run.versions.get('litscale', '')}), {silent} of them without an abstract, and "
        f"speaks for {listed(m.titled(dimensions))}. It called {unsure} unsure."
    )
    facts = card(m, tagger)
    if facts is None:
        yield Text(f"The ledger holds no measurement of how good the tagger {tagger} is on this material.")
        return
    origin, learnt, scores = facts
    yield Text(f"{origin} {learnt}")
    rows = [
        (
            *m.titled([score["dimension"]]),
            m.numbers(f"tagger.{tagger}.{score['dimension']}.labels", score["labels"], origin),
            *(m.numbers(f"tagger.{tagger}.{score['dimension']}.{name}", score.get(name), origin, ".3f")
              for name in ("macro_f1", "micro_f1", "mean_ap")),
        )
        for score in scores
        if score["labels"] and score["dimension"] in {m.held.codebook.root_of(one) for one in dimensions}
    ]  # fmt: skip
    yield Grid(
        f"How well the tagger {tagger} repeats the labels it learnt from, out of fold",
        ("Dimension", "Labels", "Macro-F1", "Micro-F1", "Mean average precision"),
        tuple(rows),
        ("Macro-F1 over labels with at least 5 positives; a dimension without any is left out. These are "
         "scores against the training labels, not the errors in this review: only an audit tells those.",),
    )  # fmt: skip


def card(m: Material, tagger: str) -> tuple[str, str, list[dict[str, Any]]] | None:
    """Where the model comes from, what it learnt from, and its scores per dimension."""
    part = m.workspace.latest("models", tagger=tagger)
    if part is not None:
        held = _evaluation(part.path)
        name = part.run.parameters.get("labels")
        learnt = m.numbers.count(
            f"tagger.{tagger}.learnt", part.run.account.delivered, f"corpus: run {part.run.id}", "record"
        )
        origin = f"The model was trained in this review (run {part.run.id})."
        told = (
            f"It learnt from {learnt} of {name}; how these labels were made is for the author to say, and "
            "unless people made them they are silver."
        )
        return (origin, told, held.get(tagger, held).get("dimensions", [])) if held else None
    folder = shipped_model(tagger, load_codebook(m.protocol.labels.codebook))
    if folder is None:
        return None
    told_of = json.loads((folder / "model.json").read_text("utf-8"))
    learnt = m.numbers.count(f"tagger.{tagger}.learnt", told_of["learnt_from"], "the shipped model", "record")
    return (
        f"The model is the one that ships with litscale (encoder {told_of['encoder']} at "
        f"{told_of['encoder_revision'][:12]}, data {told_of['data']}, commit {told_of['commit']}).",
        f"It learnt from {learnt} that a language model had coded: silver labels. Its model card is "
        f"{folder.name}/MODEL_CARD.md.",
        _evaluation(folder).get("dimensions", []),
    )


def _evaluation(folder: Path) -> dict[str, Any]:
    path = folder / "evaluation.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}


# ---------------------------------------------------------------- the audit


def audit(m: Material) -> Iterator[Block]:
    """What was drawn when, from whom, and how far it is; that there is none is said."""
    yield Heading(3, "Audit of the labels")
    if not m.taggers:
        yield Text("No audit was made, for there are no labels.")
        return
    drawn = auditing.audits(m.workspace)
    finished, state = auditing.standing(m.workspace, m.held)
    if finished is not None and finished.silver:
        yield Text(silver(m, finished), notice=True)
        return
    if not drawn:
        yield Text("No audit was made: shares are as the tagger gave them, not corrected for its errors.",
                   notice=True)  # fmt: skip
        return
    for one in drawn:
        where = "ledger: blocks"
        sizes = pd.Series(one.strata).value_counts()
        chosen = pd.Series([one.strata[study] for study in one.studies]).value_counts()
        number = m.numbers.count(f"audit.{one.name}.drawn", len(one.studies), where, "study")
        whole = m.numbers.count(f"audit.{one.name}.population", len(one.strata), where, "study")
        strata = m.numbers.count(f"audit.{one.name}.strata", len(sizes), where, "stratum", "strata")
        about = (
            "these studies alone (finite correction)"
            if one.estimand == "corpus"
            else "the literature they are a sample of"
        )
        what = "all dimensions" if one.dimensions is None else listed(m.titled(one.dimensions))
        yield Text(
            f"{one.name}: on {day(one.at)} {number} {were(len(one.studies))} drawn at random from {whole} in "
            f"{strata} (years by predicted family), to be coded on {what} by "
            f"{counted(one.people, str(one.people), 'person')} each with the tagger's word hidden. The "
            f"shares speak of {about}."
        )
        yield Grid(
            f"{one.name}: studies drawn of each stratum",
            ("Stratum", "Studies", "Drawn"),
            tuple(
                (str(name), m.numbers(f"audit.{one.name}.of.{name}", int(sizes[name]), where),
                 m.numbers(f"audit.{one.name}.drawn.{name}", int(chosen.get(name, 0)), where))
                for name in sorted(sizes.index)
            ),
        )  # fmt: skip
    yield Text(sentence(f"how auditing stands: {without_hints(state)}"), notice=finished is None)


def silver(m: Material, held: Audit) -> str:
    """What shares are corrected to where no person coded anything: it is never called an audit."""
    where = "the protocol's silver labels"
    coded = m.numbers.count("silver.coded", len(held.truth), where, "study")
    whole = m.numbers.count("silver.of", len(held.strata), where, "study")
    return (
        f"No person audited the labels. Shares are corrected to silver coding: what a language model said of "
        f"{coded} out of {whole}. That is one model's word, not human truth."
    )


def estimators(m: Material) -> Iterator[Block]:
    """How shares are computed."""
    if m.taggers:
        yield Heading(3, "Shares and their intervals")
        yield Text(estimator(m))


def estimator(m: Material) -> str:
    """Naive and corrected shares in words, with the sources of the formulas."""
    told = (
        "A study's labels are the union over its reports. The naive share is the part of the studies in the "
        "denominator to which the tagger gave the label."
    )
    finished, _ = auditing.standing(m.workspace, m.held)
    if finished is None:
        return f"{told} No share is corrected, and none has an interval, because no audit is finished."
    whose = "silver coding (a language model's, not people's)" if finished.silver else "people"
    return (
        f"{told} The corrected share adds the difference between the tagger and {whose} on the coded "
        "studies, weighted by stratum and tuned (PPI++, Angelopoulos et al. 2023, "
        "https://doi.org/10.48550/arXiv.2311.01453), with 95 % intervals; where the label decides on the "
        "denominator too, both parts of the ratio are corrected. The plain difference estimator and that of "
        "Rogan and Gladen (1978, https://doi.org/10.1093/oxfordjournals.aje.a112510) are computed as checks. "
        "A share with under 5 coded disagreements is called not estimable and stays naive."
    )


def software(m: Material) -> Iterator[Block]:
    """Versions by the runs that used them."""
    yield Heading(3, "Software")
    versions: dict[str, set[str]] = {}
    for run in m.runs:
        for name, version in run.versions.items():
            versions.setdefault(name, set()).add(version)
    if versions:
        listing = [f"{name} {', '.join(sorted(held))}" for name, held in sorted(versions.items())]
        yield Text(f"Versions that made the data, as every run noted them: {'; '.join(listing)}.")
    else:
        yield Text("No run has made data yet.")
