"""PubMed's files and OpenAlex's snapshot: newest versions, deletions, checks, filters."""

import gzip
import hashlib
import json
from pathlib import Path

import duckdb
import pytest

from corpora.errors import FormatError, HarvestError, InputError
from corpora.simulator.answers import openalex_work, pubmed_set
from corpora.simulator.literature import simulate
from corpora.sources import pubmed_files
from corpora.sources.base import Search
from corpora.sources.openalex_query import query_url
from corpora.sources.openalex_snapshot import Snapshot

LITERATURE = simulate(300, seed=5)


def put(folder: Path, number: int, body: str, *, md5: bool = True) -> Path:
    path = folder / f"pubmed26n{number:04d}.xml.gz"
    path.write_bytes(gzip.compress(body.encode()))
    if md5:
        told = hashlib.md5(path.read_bytes()).hexdigest()
        path.with_name(path.name + ".md5").write_text(f"MD5({path.name})= {told}\n")
    return path


def deleting(body: str, *pmids: str) -> str:
    listed = "".join(f"<PMID Version='1'>{pmid}</PMID>" for pmid in pmids)
    return body.replace(
        "</PubmedArticleSet>", f"<DeleteCitation>{listed}</DeleteCitation></PubmedArticleSet>"
    )


def test_later_files_replace_and_delete(tmp_path: Path) -> None:
    papers = LITERATURE.pubmed[:30]
    new = pubmed_set(papers[5:8]).replace("<ArticleTitle>", "<ArticleTitle>Revised: ")
    put(tmp_path, 1, pubmed_set(papers[:20]))
    put(tmp_path, 2, pubmed_set(papers[20:]))
    put(tmp_path, 3, deleting(new, papers[0].pmid, papers[29].pmid))
    put(tmp_path, 4, pubmed_set(papers[:1]))
    fetched = pubmed_files.check(tmp_path)
    found = {row.fields["pmid"]: row.fields["title"] for row in pubmed_files.rows(tmp_path)}
    # The first was deleted and came back; the last is gone; three have a newer version.
    assert set(found) == {paper.pmid for paper in papers[:29]}
    assert {pmid for pmid, title in found.items() if title.startswith("Revised")} == {
        p.pmid for p in papers[5:8]
    }
    assert fetched.promised == 34
    assert fetched.explained == {"replaced by a newer version": 4, "deleted by PubMed": 1}
    assert len(found) + sum(fetched.explained.values()) == fetched.promised
    assert fetched.details["deleted_pmids"] == [papers[29].pmid]


def test_a_file_that_differs_from_its_md5_or_is_cut_is_named(tmp_path: Path) -> None:
    path = put(tmp_path, 1, pubmed_set(LITERATURE.pubmed[:5]))
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with pytest.raises(FormatError, match=r"n0001.xml.gz: differs from .*md5; download it again"):
        pubmed_files.check(tmp_path)
    path.with_name(path.name + ".md5").unlink()
    with pytest.raises(FormatError, match="cannot be read to its end"):
        pubmed_files.check(tmp_path)
    path.write_bytes(whole)
    assert "1 file without .md5" in pubmed_files.check(tmp_path).notes[0]
    with pytest.raises(InputError, match="no PubMed XML here"):
        pubmed_files.check(tmp_path / "nothing")


def jsonl(folder: Path) -> None:
    for day, papers in (("2026-01-01", LITERATURE.openalex[:60]), ("2026-02-01", LITERATURE.openalex[60:])):
        part = folder / "data" / "works" / f"updated_date={day}"
        part.mkdir(parents=True)
        lines = "\n".join(json.dumps(openalex_work(paper)) for paper in papers)
        (part / "part_000.gz").write_bytes(gzip.compress(lines.encode()))


def parquet(folder: Path) -> None:
    jsonl(folder / "source")
    target = folder / "made" / "works"
    target.mkdir(parents=True)
    works = [json.dumps({**openalex_work(paper), "abstract_inverted_index": json.dumps(
        openalex_work(paper)["abstract_inverted_index"])}) for paper in LITERATURE.openalex]  # fmt: skip
    (folder / "all.jsonl").write_text("\n".join(works))
    duckdb.sql(f"COPY (FROM read_json('{folder}/all.jsonl')) TO '{target}/part_000.parquet' (FORMAT parquet)")


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_snapshot_gives_what_the_filters_and_the_text_find(kind: str, tmp_path: Path) -> None:
    {"jsonl": jsonl, "parquet": parquet}[kind](tmp_path)
    folder = tmp_path / "made" if kind == "parquet" else tmp_path
    search = Search("s", "openalex", "filter:publication_year:2020-2025; model*", ("type:article",))
    assert query_url(search.query, limits=search.limits)
    snapshot = Snapshot(folder, search, tmp_path)
    fetched = snapshot.check()
    found = {row.fields["accession"]: row.fields for row in snapshot.rows()}
    expected = {
        paper.openalex_id
        for paper in LITERATURE.openalex
        if paper.year and 2020 <= paper.year <= 2025 and paper.kind != "preprint"
        and " model" in f" {paper.title} {paper.abstract or ''}".lower().replace("-", " ").replace("\n", " ")
    }  # fmt: skip
    assert set(found) == expected
    assert fetched.promised == len(LITERATURE.openalex)
    assert len(found) + sum(fetched.explained.values()) == fetched.promised
    texts = {paper.openalex_id: paper.abstract for paper in LITERATURE.openalex}
    assert all(
        (row.get("abstract") or "").split() == (texts[key] or "").split() for key, row in found.items()
    )
    assert "matched on words as they stand" in fetched.notes[0]


def test_a_snapshot_that_lacks_a_file_or_a_filter_it_cannot_apply(tmp_path: Path) -> None:
    jsonl(tmp_path)
    (tmp_path / "data/works/manifest").write_text(json.dumps({"entries": [{"meta": {"record_count": 999}}]}))
    with pytest.raises(HarvestError, match="lists 999 works, the files here hold"):
        Snapshot(tmp_path, Search("s", "openalex", "x"), tmp_path).check()
    with pytest.raises(InputError, match="'authorships.id' cannot be applied to files; known: "):
        Snapshot(tmp_path, Search("s", "openalex", "filter:authorships.id:A1"), tmp_path)
    with pytest.raises(InputError, match="write a number"):
        Snapshot(tmp_path, Search("s", "openalex", "filter:publication_year:soon"), tmp_path)
