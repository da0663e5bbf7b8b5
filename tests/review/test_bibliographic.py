"""Countries, venues, people, languages and keywords: counted by hand, drawn without overlap."""

import itertools
import json
from pathlib import Path
from typing import Any

import networkx
import pandas as pd
import pytest
from matplotlib.figure import Figure

from corpora.registry import load
from review.analysis.people import authors, languages, venues
from review.analysis.places import country_collaboration
from review.analysis.tidy import Context
from review.analysis.words import keyword_network
from review.facts import facts
from review.figures.base import drawn
from review.figures.presets import preset
from review.gathering.ingest import import_file
from review.linking import dedupe
from review.protocol import Import
from review.workspace import Workspace
from tests.review.conftest import PROTOCOL

CONTEXT = Context("all of them")


def studies(**columns: list[Any]) -> pd.DataFrame:
    number = len(next(iter(columns.values())))
    return pd.DataFrame({"study_id": [f"S{i}" for i in range(number)], **columns})


def test_a_study_counts_once_for_each_country_and_pair() -> None:
    frame = studies(countries=[["US"], ["GB", "US"], ["US", "GB", "DE"], ["DE"], None])
    tidy = country_collaboration(frame, CONTEXT)
    table = tidy.frame.set_index(["code", "partner_code"])
    assert table["n"].to_dict() == {
        ("US", "US"): 3, ("DE", "DE"): 2, ("GB", "GB"): 2, ("US", "DE"): 1, ("US", "GB"): 2, ("DE", "GB"): 1,
    }  # fmt: skip
    assert table["single_country"].dropna().to_dict() == {("US", "US"): 1, ("DE", "DE"): 1, ("GB", "GB"): 0}
    assert set(tidy.frame["denominator"]) == {4}
    assert "4 of 5 studies name a country of their authors." in tidy.notes
    assert "2 of these are of authors in more than one country." in tidy.notes
    cut = country_collaboration(frame, CONTEXT, top=1)
    assert cut.frame["country"].tolist() == ["United States"]
    assert "2 countries with fewer studies are not shown." in cut.notes


def test_names_are_told_apart_by_their_normalised_form_only() -> None:
    frame = studies(
        author_names=[["Müller, Jan", "Li, Wei"], ["Muller, Jan"], ["Müller, Jan"], ["Müller, J"], None],
        venue=["The Lancet", "the lancet.", "Lancet", "The Lancet", None],
    )
    people = authors(frame, CONTEXT).frame
    assert people[["author", "n", "first_author"]].to_numpy().tolist()[0] == ["Müller, Jan", 3, 3]
    assert {"Müller, J", "Li, Wei"} == set(people["author"][1:])
    assert people.set_index("author").loc["Li, Wei", "first_author"] == 0
    journals = venues(frame, CONTEXT)
    assert journals.frame.to_numpy().tolist() == [["The Lancet", 3, 4], ["Lancet", 1, 4]]
    assert any("normalised name only" in note for note in authors(frame, CONTEXT).notes)


def test_languages_are_named_whatever_their_code() -> None:
    frame = studies(language=["eng", "en", "English", "ger; eng", "tlh", None])
    table = languages(frame, CONTEXT).frame
    assert table.to_numpy().tolist() == [["English", 4, 5], ["German", 1, 5], ["tlh", 1, 5]]


WORDS = studies(
    keywords=[["a", "b"], ["a", "b"], ["a"], ["c", "d"], ["c", "d"], None, None, ["a", "d"]],
    mesh=[["humans"], None, None, None, ["c"], ["humans", "female"], None, None],
)


def test_pairs_have_their_association_strength() -> None:
    tidy = keyword_network(WORDS, CONTEXT)
    own = tidy.frame[tidy.frame["keyword"] == tidy.frame["partner"]].set_index("keyword")
    pairs = tidy.frame[tidy.frame["keyword"] != tidy.frame["partner"]].set_index(["keyword", "partner"])
    assert own["n"].to_dict() == {"a": 4, "d": 3, "b": 2, "c": 2}
    # 6 studies have a keyword that is no check tag: 2 with both, n_a = 4, n_b = 2.
    assert pairs["strength"].to_dict() == pytest.approx(
        {("a", "b"): 2 * 6 / 8, ("d", "c"): 2 * 6 / 6}, abs=1e-4
    )
    assert own.loc["a", "group"] == own.loc["b", "group"] != own.loc["c", "group"] == own.loc["d", "group"]
    shuffled = keyword_network(WORDS.sample(frac=1, random_state=4), CONTEXT)
    pd.testing.assert_frame_equal(shuffled.frame, tidy.frame)


@pytest.mark.parametrize("journal", ["nature", "plos", "lancet"])
def test_no_label_of_the_network_lies_on_another_or_outside(journal: str) -> None:
    # A real graph, densely knit, with long names.
    graph = networkx.karate_club_graph()
    named = {node: f"subject heading number {node}, therapeutic use" for node in graph}
    rows = [[named[a], named[b]] for a, b in graph.edges for _ in range(2)]
    figure = drawn(
        load("figures", "keyword-network"), keyword_network(studies(keywords=rows), CONTEXT), preset(journal)
    )
    boxes = label_boxes(figure)
    assert len(boxes) == len(graph)
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    page = figure.bbox
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 for box in boxes)


def label_boxes(figure: Figure) -> list[Any]:
    return [text.get_window_extent() for text in figure.axes[0].texts]


def test_an_empty_figure_says_what_brings_the_missing_field() -> None:
    nothing = studies(title=["A"])
    for name, source in (
        ("country-collaboration", "PubMed and OpenAlex"),
        ("country-map", "PubMed and OpenAlex"),
        ("keyword-network", "PubMed and OpenAlex"),
        ("languages", "PubMed"),
        ("venues", "no record names"),
        ("authors", "no record names"),
    ):
        spec = load("figures", name)
        tidy = spec.compute(nothing, CONTEXT)
        assert tidy.empty
        told = " ".join(text.get_text() for text in drawn(spec, tidy, preset("nature")).axes[0].texts)
        assert source in " ".join(told.split())


DOI = "AID - 10.1234/x1 [doi]\n"
NBIB = """PMID- {pmid}
DP  - 2020
TI  - {title}
AB  - {text}
AU  - Smith J
FAU - Smith, Jane
AD  - University of Bern, Bern, Switzerland.
AU  - Wang Y
FAU - Wang, Yi
AD  - Peking University, Beijing, China.
{more}LA  - eng
"""


def test_facts_hold_the_union_of_a_studys_records(tmp_path: Path) -> None:
    title = "Words in clinics: a study"
    text = "A study of words in clinics that is long enough to be an abstract which the link can be made by."
    (tmp_path / "a.nbib").write_text(
        NBIB.format(
            pmid=1, title="Words in clinics: a study", text=text, more=DOI + "MH  - Humans\nOT  - Words\n"
        )
        + "\n"
        + NBIB.format(pmid=2, title="Something else altogether", text=text[::-1], more=""),
        "utf-8",
    )
    (tmp_path / "b.ris").write_text(
        f"TY  - JOUR\nTI  - {title}\nAU  - Smith, J.\nPY  - 2020\nAB  - {text}\nKW  - NLP\n"
        "KW  - words\nAN  - X1\nDO  - 10.1234/x1\nER  - \n",
        "utf-8",
    )
    workspace = Workspace.create(tmp_path / "review", PROTOCOL.format(title_abstract='mode = "single"'))
    import_file(workspace, Import(file=str(tmp_path / "a.nbib"), source="PubMed"))
    import_file(workspace, Import(file=str(tmp_path / "b.ris"), source="Other"))
    dedupe(workspace)
    held = facts(workspace)
    rows = held.studies.set_index("title")
    joined = rows.loc[title]
    assert len(joined["record_ids"]) == 2
    assert list(joined["keywords"]) == ["nlp", "words"]
    assert list(joined["mesh"]) == ["humans"]
    assert list(joined["countries"]) == ["CH", "CN"]
    assert len(joined["author_names"]) in (1, 2)
    other = rows.loc["Something else altogether"]
    assert list(other["author_names"]) == ["Smith, Jane", "Wang, Yi"]
    assert other["keywords"] is None
    assert other["mesh"] is None


def test_a_cache_of_an_older_form_is_built_anew(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "review", PROTOCOL.format(title_abstract='mode = "single"'))
    old = tmp_path / "review" / "cache" / workspace.snapshot()
    old.mkdir(parents=True)
    (old / "facts.json").write_text(json.dumps({"labels": {}}), "utf-8")
    assert "countries" in facts(workspace).studies
