"""Codebooks: the shipped one holds together; a bad one says file, key and value."""

from pathlib import Path

import pytest

from classifiers.codebook import load, parse
from classifiers.keywords import KeywordTagger
from corpora.errors import CodebookError, UnknownNameError

GOOD = """
name = "mine"
version = "1"
title = "Mine"
[[dimensions]]
id = "topic"
title = "Topic"
labels = [{ id = "a", title = "A" }, { id = "b", title = "B" }]
"""
BAD = {
    "kind": (GOOD.replace('title = "Topic"', 'title = "Topic"\nkind = "some"'), "kind"),
    "label": (GOOD.replace('id = "b"', 'id = "B B"'), "B B"),
    "doubled": (GOOD.replace('id = "b"', 'id = "a"'), "unique"),
    "gate": (GOOD.replace('title = "Mine"', 'title = "Mine"\ngate = "topic.c"'), "topic.c"),
    "toml": (GOOD + "[[", "not valid TOML"),
    "unknown key": (GOOD + 'extra = "x"\n', "extra"),
}


def test_the_shipped_codebook_is_whole() -> None:
    codebook = load("nlp-medicine")
    ids = codebook.label_ids()
    assert len(ids) == len(set(ids))
    assert {"methods.generative_llm", "rag.yes", "scope.out_of_scope"} <= set(ids)
    assert set(codebook.titles()) >= {*ids, "family.traditional_nlp"}
    assert all(dimension.definition for dimension in codebook.dimensions)
    assert codebook.root_of("family") == "methods"
    assert codebook.hash == load("nlp-medicine").hash


def test_every_label_that_ships_has_a_rule_or_a_reason() -> None:
    codebook = load("nlp-medicine")
    rules = KeywordTagger(codebook)._rules
    without = {name for name in codebook.label_ids() if name not in rules}
    assert without == {
        "data.other", "data_access.not_reported", "evaluation.none", "llm_access.none",
        "llm_domain.none", "llm_domain.not_reported", "rag_source.not_reported",
        "rag_paradigm.naive", "rag_paradigm.not_reported", "rag_embedder.not_reported",
        "scope.out_of_scope",
    } & set(codebook.label_ids())  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD.keys())
def test_a_bad_codebook_says_where(text: str, said: str) -> None:
    with pytest.raises(CodebookError) as caught:
        parse(text, "my/book.toml")
    assert str(caught.value).startswith("my/book.toml")
    assert said in str(caught.value)


def test_names_and_paths(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'nlp-medicine'"):
        load("nlp-medicin")
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load(str(path)).label_ids() == ["topic.a", "topic.b"]
    with pytest.raises(CodebookError, match="cannot be read"):
        load(str(tmp_path / "none.toml"))


INHERITING = GOOD.replace(
    'title = "Mine"\n',
    'title = "Mine"\ninherit = { codebook = "nlp-medicine", dimensions = ["scope", "rag"] }\n',
)


def test_a_codebook_takes_dimensions_over_with_their_rules(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(INHERITING, "utf-8")
    (tmp_path / "mine.keywords.toml").write_text("[topic.a]\nany = ['apple']\n", "utf-8")
    book = load(str(path))
    assert [dimension.id for dimension in book.dimensions] == ["scope", "rag", "topic"]
    assert book.dimension("rag") == load("nlp-medicine").dimension("rag")
    told = KeywordTagger(book).explain("Retrieval-augmented generation of apples", None)
    assert [label for label, _ in told] == ["topic.a", "rag.yes"]
    # A model keeps the resolved codebook: reading it back must not double the dimensions.
    again = type(book).model_validate(book.model_dump(mode="json"))
    assert (again.hash, again.dimensions) == (book.hash, book.dimensions)


def test_an_inherited_dimension_must_exist() -> None:
    with pytest.raises(UnknownNameError, match=r"ragg.*rag"):
        parse(INHERITING.replace('"rag"', '"ragg"'), "my/book.toml")


def test_the_rag_codebook_is_the_block_of_the_other_and_more() -> None:
    book, base = load("rag-medicine"), load("nlp-medicine")
    same = [one.id for one in book.dimensions if one in base.dimensions]
    assert {"rag_source", "rag_retrieval", "rag_paradigm", "rag_embedder", "data_access"} <= set(same)
    rules = KeywordTagger(book)._rules
    own = [name for name in book.label_ids() if name.split(".")[0] not in same]
    assert own
    assert not [name for name in own if name not in rules]
