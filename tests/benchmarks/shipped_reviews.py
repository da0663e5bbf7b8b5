"""Run the two shipped reviews over real records and put what comes out into ``review/templates/``.

No measurement, but kept here with those: it needs the same data. Nobody screened or audited these
records. Shares are corrected to *silver* coding, a language model's: for nlp-vs-llm the linear tagger
learns from the labelled records that were not drawn at random, and the simple random sample of the rest
corrects it; for rag-medicine every study is coded, so its corrected shares are the silver codes' own.

    python tests/benchmarks/shipped_reviews.py FOLDER     # two workspaces there; a rerun goes on
"""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from bench_tagger import DATA
from PIL import Image

from review import comparing, console, export, pipeline, topics
from review.templates import read_template
from review.workspace import Workspace

DOCS = Path(comparing.__file__).parent / "templates"
SHOWN = {
    "nlp-vs-llm": ("family-share", "task-by-family", "label-trends-evaluation", "task-method-evaluation",
                   "topic-map", "topic-by-family"),
    "rag-medicine": ("label-shares-rag_source", "label-shares-rag_retrieval", "label-combinations-rag_source",
                     "cross-table-judged_by-tasks"),
}  # fmt: skip
TOPICS = ("topic-map", "topic-by-family", "topics-over-time", "topic-stability")
LABELS = {
    "nlp-vs-llm": 'tagger = "linear"\ntraining = "training.jsonl"',
    "rag-medicine": 'tagger = "transformer"',
}


def files(name: str, folder: Path) -> None:
    """Records and codes of one review, as its protocol names them."""
    records = pd.read_parquet(DATA / "records.parquet")
    rows = [json.loads(line) for line in (DATA / "labels.jsonl").read_text("utf-8").splitlines()]
    silver = [row for row in rows if row["sample"] == "random"]
    if name == "rag-medicine":
        silver = [row for row in rows if row["rag"] is True and row["scope"] == "in_scope"]
        records = records[records["record_key"].isin({row["record_key"] for row in silver})]
    else:
        _write(folder / "training.jsonl", [row for row in rows if row["sample"] != "random"])
    _write(folder / "silver.jsonl", silver)
    records.to_parquet(folder / "records.parquet")


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")


def protocol(name: str) -> str:
    """The template with a file in place of its searches, and silver codes in place of an audit."""
    text = re.sub(r"^\[\[search\]\]\n(?:.*\n)*?limits = .*\n", "", read_template(name), flags=re.MULTILINE)
    text = text.replace(
        "[[screening]]", '[[import]]\nfile = "records.parquet"\nmixed = true\n\n[[screening]]', 1
    )
    labels = f'{LABELS[name]}\ntraining_records = "records.parquet"\nsilver = "silver.jsonl"'
    return re.sub(r'^tagger = "transformer".*$', labels, text, flags=re.MULTILINE)


def workspace(name: str, folder: Path) -> Workspace:
    """The workspace of one review, made once."""
    if not (folder / "protocol.toml").exists():
        made = Workspace.create(folder, protocol(name))
        files(name, folder)
        return made
    return Workspace(folder)


def compared(opened: Workspace) -> list[str]:
    """The comparison as Markdown."""
    found = comparing.compare(opened)
    rows = [f"| {what} | {theirs} | {ours} | {mind} |" for what, theirs, ours, mind in comparing.lines(found)]
    notes = [f"- {note}" for note in found.notes()]
    return ["| | published | ours | mind |", "|---|---|---|---|", *rows, "", *notes]


def docs(name: str, opened: Workspace) -> None:
    """Figures, small, and the comparison's table between its marks in the README."""
    into = DOCS / "examples" / name
    into.mkdir(parents=True, exist_ok=True)
    for figure in SHOWN[name]:
        with Image.open(opened.root / "figures" / f"{figure}.png") as picture:
            width = min(1400, picture.width)
            small = picture.convert("RGB").resize((width, round(picture.height * width / picture.width)))
            small.quantize(128).save(into / f"{figure}.png", optimize=True)
        if figure != "topic-map":  # its table has a row a study; the others are counts and shares
            shutil.copy(opened.root / "figures" / f"{figure}.csv", into / f"{figure}.csv")
    page = DOCS / "README.md"
    marks = f"<!-- compare {name} -->", f"<!-- end {name} -->"
    head, _, rest = page.read_text("utf-8").partition(marks[0])
    _, _, tail = rest.partition(marks[1])
    middle = "\n".join([marks[0], *compared(opened), marks[1]])
    page.write_text(head + middle + tail, "utf-8")


def main() -> None:
    """Both reviews, one after the other."""
    for name in SHOWN:
        opened = workspace(name, Path(sys.argv[1]) / name)
        with console.progress(quiet=False) as progress:
            for event in pipeline.run(opened, progress):
                print(event.sentence())
                if event.failed:
                    raise event.failed
            if name == "nlp-vs-llm":
                recipe = topics.recipe(opened, mode="umap-hdbscan", topics=None, min_size=None, seed=None)
                print(topics.fit(opened, recipe, progress=progress).sentence())
                export.figures(opened, TOPICS, progress=progress)
        docs(name, opened)


if __name__ == "__main__":
    main()
