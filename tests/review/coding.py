"""A small codebook of our own, with its keyword rules, and a tagged review to code."""

from collections.abc import Mapping

import pyarrow as pa

from classifiers.codebook import Dimension, load
from classifiers.keywords import KeywordTagger
from classifiers.tagger import Texts, decide, rolled_up
from corpora import schema
from corpora.run import Run
from review.facts import Facts, facts
from review.labelling import answers, auditing
from review.labelling.answers import Answer
from review.workspace import Workspace

CODEBOOK = """
name = "small"
version = "1"
title = "Drugs"
gate = "scope.out"
[[dimensions]]
id = "scope"
title = "Scope"
kind = "one"
labels = [{ id = "in", title = "In" }, { id = "out", title = "Out" }]
[[dimensions]]
id = "drugs"
title = "Drugs"
definition = "What was given."
labels = [{ id = "statin", title = "Statin", definition = "Any statin." }, { id = "other", title = "Other" }]
[[dimensions]]
id = "dose"
title = "Dose"
kind = "one"
applies_when = "drugs.statin"
labels = [{ id = "low", title = "L" }, { id = "high", title = "Big" }, { id = "not_reported", title = "-" }]
[[dimensions]]
id = "mice"
title = "Animals"
kind = "flag"
labels = [{ id = "yes", title = "Mice" }]
[[fields]]
id = "days"
title = "Days of follow-up"
kind = "number"
unit = "days"
[[fields]]
id = "start"
title = "Start"
kind = "date"
quote = false
[[rollups]]
id = "family"
title = "Family"
of = "drugs"
labels = [{ id = "generative_llm", title = "Generative LLM" }, { id = "traditional_nlp", title = "Other" }]
[rollups.leaves]
generative_llm = ["statin"]
traditional_nlp = ["other"]
"""

RULES = """
[scope]
otherwise = "out"
[scope.in]
any = ["trial"]
[drugs.statin]
any = ["statin"]
[drugs.other]
any = ["other drug"]
[dose]
otherwise = "not_reported"
[dose.low]
any = ["low dose"]
[dose.high]
any = ["high dose"]
[mice.yes]
any = ["mice"]
"""


def tagged(workspace: Workspace) -> Workspace:
    """The review with the small codebook, tagged by its rules."""
    place = workspace.root / "small.toml"
    place.write_text(CODEBOOK, "utf-8")
    (workspace.root / "small.keywords.toml").write_text(RULES, "utf-8")
    text = workspace.protocol_path.read_text("utf-8")
    workspace.protocol_path.write_text(f'{text}\n[labels]\ncodebook = "{place}"\n', "utf-8")
    made = Workspace(workspace.root)
    made.freeze()
    tag(made)
    return Workspace(workspace.root)


def tag(workspace: Workspace) -> None:
    """Commit the labels that the keyword rules give to every record."""
    place = workspace.protocol.labels.codebook
    book = load(place)
    tagger = KeywordTagger(book, place)
    records = workspace.corpus.records(["record_id", "title", "abstract"])
    ids = records["record_id"].to_pylist()
    texts = Texts(records["title"].to_pylist(), records["abstract"].to_pylist())
    scores = tagger.predict_proba(texts)
    values, _ = decide(book, scores, tagger.thresholds())
    blocks = [(book.label_ids(), scores, values)]
    for rollup in book.rollups:
        names = [f"{rollup.id}.{label.id}" for label in rollup.labels]
        blocks.append((names, rolled_up(book, scores)[rollup.id], rolled_up(book, values)[rollup.id]))
    rows = [
        {"record_id": record, "dimension": name.split(".")[0], "label": name.split(".")[1],
         "probability": float(score[i, j]), "value": bool(value[i, j]), "unsure": False, "text_hash": "x"}
        for names, score, value in blocks
        for i, record in enumerate(ids)
        for j, name in enumerate(names)
    ]  # fmt: skip
    run = Run.begin("tag", {"tagger": "keywords", "codebook": book.name, "codebook_hash": book.hash})
    with workspace.writing("labels", run) as part:
        part.add("labels", pa.Table.from_pylist(rows, schema.LABELS))


def said(labels: str) -> Answer:
    return Answer(frozenset(labels.split()))


def code(
    workspace: Workspace,
    audit: auditing.Drawn | None,
    truth: Mapping[str, Mapping[str, Answer]],
    who: str = "ann",
) -> None:
    """Write answers straight into the ledger: record → question → answer."""
    rows = [
        {"record_id": record, "annotator": who, "codebook_hash": "x", "text_hash": "x",
         "block": audit.name if audit else None, "role": answers.OWN, **answers.row_of(question, answer)}
        for record, given in truth.items()
        for question, answer in given.items()
    ]  # fmt: skip
    workspace.ledger.append_all("annotations", rows)


def as_tagged(
    workspace: Workspace, audit: auditing.Drawn, held: Facts | None = None
) -> dict[str, dict[str, Answer]]:
    """What the tagger says of the drawn studies, as if a person had said it."""
    held = held or facts(workspace)
    asked = answers.questions(held.codebook, audit.dimensions)
    rows = held.studies.set_index("study_id")
    made = {}
    for study in audit.studies:
        for report in rows.loc[study, "report_ids"]:
            given: dict[str, Answer] = {}
            for question in asked:
                if answers.applies(held.codebook, question, given):
                    cell = rows.loc[study, question.id] if isinstance(question, Dimension) else ()
                    given[question.id] = Answer(frozenset(cell))
            made[report] = given
    return made
