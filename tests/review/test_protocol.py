"""The protocol file: an error names file, key and value, and says what is known."""

from pathlib import Path

import pytest

from corpora.errors import InputError, ProtocolError
from review.protocol import import_item, load, parse

HEAD = '[review]\ntitle = "T"\n'
BAD = {
    "missing": ("", "review: is missing; add it"),
    "typo": ('[review]\ntitel = "x"\n', "no such key; did you mean 'title'?"),
    "value": (HEAD + 'kind = "other"\n', "review.kind = 'other'"),
    "no toml": ("[review\n", "not valid TOML"),
    "nested": (
        HEAD + '[[search]]\nname = "a"\nsource = "pubmed"\nquery = "q"\nquerry = 1\n',
        "search.0.querry = 1: no such key; did you mean 'query'?",
    ),
    "doubled": (
        HEAD + '[[search]]\nname = "a"\nsource = "pubmed"\nquery = "q"\n' * 2,
        "search.name must be unique, doubled: a",
    ),
    "stage": (HEAD + '[[screening]]\nstage = "title"\n', "screening.0.stage = 'title'"),
    "password": (HEAD + '[ledger]\nurl = "postgresql://a:b@h/x"\n', "LITSCALE_LEDGER_URL"),
    "seed": ("seed = -1\n" + HEAD, "seed = -1"),
    "empty query": (
        HEAD + '[[search]]\nname = "a"\nsource = "pubmed"\nquery = ""\n',
        "search.0.query = ''",
    ),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD.keys())
def test_a_bad_protocol_says_file_key_and_value(text: str, said: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse(text, Path("some/protocol.toml"))
    assert str(caught.value).startswith("some/protocol.toml: ")
    assert said in str(caught.value)


def test_a_missing_or_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="cannot be read"):
        load(tmp_path / "protocol.toml")
    (tmp_path / "protocol.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProtocolError, match="cannot be read"):
        load(tmp_path / "protocol.toml")


def test_taggers_by_dimension() -> None:
    text = HEAD + '[labels]\ntagger = "linear"\ndimensions = { rag = "keywords" }\n'
    labels = parse(text, Path("p")).labels
    assert labels.taggers() == ["linear", "keywords"]
    assert (labels.tagger_of("rag"), labels.tagger_of("tasks")) == ("keywords", "linear")


def test_import_options() -> None:
    item = import_item(file="a.csv", kind="register", map=["title=Article name", "year = Y"])
    assert item.map == {"title": "Article name", "year": "Y"}
    with pytest.raises(InputError, match="--kind = 'databse'"):
        import_item(file="a.csv", kind="databse", map=[])
    with pytest.raises(InputError, match="field=column"):
        import_item(file="a.csv", map=["title"])
