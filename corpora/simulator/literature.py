"""A simulated literature: seeded, with its true tags and true duplicates.

Everything is invented. DOIs start with 10.5555, which Crossref reserves for tests; venues are
called "Simulated …". The same seed gives the same bytes.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from corpora.simulator import grammar as g

FIRST_YEAR, LAST_YEAR = 2012, 2026
_GROWTH = [2, 2, 3, 3, 4, 5, 6, 8, 10, 12, 14, 22, 30, 34, 20]
_LLM_SHARE = {
    2019: 0.03, 2020: 0.05, 2021: 0.08, 2022: 0.18, 2023: 0.55, 2024: 0.72, 2025: 0.8, 2026: 0.82,
}  # fmt: skip
_TRADITIONAL = {
    "rule_based": (5, 0.5), "classical_ml": (6, 0.4), "neural": (0.6, 1.0),
    "pretrained_encoder": (0, 3.0), "pretrained_seq2seq": (0, 0.8),
}  # fmt: skip
"""Weight before 2015 and after 2020; between them it moves evenly."""

LICENCE = "simulated, not a real publication"


@dataclass(frozen=True, slots=True)
class Paper:
    """One record of one service. ``study`` and ``report`` are the truth about its copies."""

    study: str
    report: str
    title: str
    abstract: str | None
    year: int | None
    month: int
    authors: tuple[tuple[str, str, str, str, str], ...]
    """family, given, institution, country, country code"""
    venue: str
    volume: str
    pages: str
    doi: str | None
    kind: str = "journal article"
    pmid: str = ""
    openalex_id: str = ""
    mesh: tuple[tuple[str, bool], ...] = ()
    keywords: tuple[str, ...] = ()
    citations: int = 0
    retracted: bool = False
    notice_of: str = ""
    tags: dict[str, Any] = field(default_factory=dict)
    entered: date = date(2012, 1, 1)
    """When it came into the service."""
    revised: date = date(2012, 1, 1)
    cites: tuple[str, ...] = ()
    """Reports, all of earlier numbers."""


@dataclass(frozen=True, slots=True)
class Literature:
    """What the two services hold, and the truth about it."""

    seed: int
    pubmed: list[Paper]
    openalex: list[Paper]

    def truth(self) -> list[dict[str, Any]]:
        """One object a record: its id in the service, study, report and true tags."""
        return [
            {
                "source": source,
                "source_key": paper.pmid if source == "pubmed" else paper.openalex_id,
                "study": paper.study,
                "report": paper.report,
                **paper.tags,
            }
            for source, papers in (("pubmed", self.pubmed), ("openalex", self.openalex))
            for paper in papers
        ]


def simulate(n_records: int = 2000, seed: int = 42) -> Literature:
    """About ``n_records`` records in two services; exactly that many, in fact.

    >>> made = simulate(100, seed=1)
    >>> len(made.pubmed) + len(made.openalex), made == simulate(100, seed=1)
    (100, True)
    """
    rng = random.Random(seed)  # noqa: S311
    pubmed: list[Paper] = []
    openalex: list[Paper] = []
    number = 0
    while len(pubmed) + len(openalex) < n_records:
        for paper in _reports(rng, number):
            number += 1
            in_pubmed, in_openalex = _where(rng, paper)
            paper = replace(paper, pmid=str(30_000_000 + number) if in_pubmed else "")
            if in_pubmed:
                pubmed.append(paper)
            if in_openalex:
                openalex.append(_openalex_copy(rng, paper, number))
    surplus = len(pubmed) + len(openalex) - n_records
    return _cited(Literature(seed, pubmed, openalex[: len(openalex) - surplus]))


def _cited(literature: Literature) -> Literature:
    """Give every report a day of entry and the earlier reports it cites.

    Drawn apart from the texts, so that these stay as they are when this changes.
    """
    rng = random.Random(f"{literature.seed} citations")  # noqa: S311
    made: dict[str, tuple[date, date, tuple[str, ...]]] = {}
    known: list[str] = []
    for paper in sorted((*literature.pubmed, *literature.openalex), key=lambda p: p.report):
        if paper.report not in made:
            entered = date(paper.year or LAST_YEAR, paper.month, rng.randint(1, 28))
            revised = entered + timedelta(days=rng.randint(0, 400))
            made[paper.report] = (entered, revised, tuple(_some_earlier(rng, known)))
            known.append(paper.report)

    def dated(paper: Paper) -> Paper:
        entered, revised, cites = made[paper.report]
        return replace(paper, entered=entered, revised=revised, cites=cites)

    return Literature(literature.seed, *(
        [dated(paper) for paper in papers] for papers in (literature.pubmed, literature.openalex)
    ))  # fmt: skip


def _some_earlier(rng: random.Random, known: list[str]) -> list[str]:
    """Up to eight of the last few hundred reports: papers cite what is recent."""
    recent = known[-300:]
    return sorted(rng.sample(recent, min(len(recent), rng.randint(0, 8))))


def _where(rng: random.Random, paper: Paper) -> tuple[bool, bool]:
    """Preprints are in OpenAlex alone, notices in PubMed alone; the rest in either or both."""
    if paper.notice_of or paper.kind == "preprint":
        return bool(paper.notice_of), not paper.notice_of
    draw = rng.random()
    return draw < 0.6, draw >= 0.15


def _reports(rng: random.Random, number: int) -> list[Paper]:
    """The documents of one study: mostly one, sometimes its preprint or its retraction notice."""
    study = f"S{number:06d}"
    article = _article(rng, study, number)
    made = [article]
    if rng.random() < 0.08 and article.year:
        made.append(_preprint(rng, article))
    if rng.random() < 0.012:
        made = [replace(article, retracted=True), _notice(article), *made[1:]]
    return made


def _article(rng: random.Random, study: str, number: int) -> Paper:
    year = rng.choices(range(FIRST_YEAR, LAST_YEAR + 1), _GROWTH)[0]
    scope = rng.choices(["in_scope", "review", "opinion", "out_of_scope"], [78, 5, 4, 13])[0]
    tags, title, abstract = _text(rng, scope, year)
    venue, volume = rng.choice(g.JOURNALS)[0], str(year - 2000)
    first = rng.randint(1, 900)
    return Paper(
        study=study,
        report=study,
        title=title,
        abstract=abstract if rng.random() > 0.06 else None,
        year=year,
        month=rng.randint(1, 12),
        authors=_people(rng),
        venue=venue,
        volume=volume,
        pages=f"{first}-{first + rng.randint(4, 14)}",
        doi=f"10.5555/sim.{number:06d}",
        mesh=_mesh(tags, rng),
        keywords=tuple(task.replace("_", " ") for task in tags.get("tasks", ())),
        citations=int(rng.paretovariate(1.1) * (LAST_YEAR + 1 - year)) - 1,
        tags=tags,
    )


def _preprint(rng: random.Random, article: Paper) -> Paper:
    cut = article.abstract[: len(article.abstract) * 9 // 10] if article.abstract else None
    return replace(
        article,
        report=f"{article.study}p",
        title=article.title if rng.random() < 0.8 else article.title + ", a first report",
        abstract=cut.rsplit(". ", 1)[0] + "." if cut else None,
        year=max((article.year or LAST_YEAR) - rng.randint(0, 1), FIRST_YEAR),
        venue=g.PREPRINTS,
        volume="",
        pages="",
        doi=f"{article.doi}.pre",
        kind="preprint",
        mesh=(),
    )


def _notice(article: Paper) -> Paper:
    return replace(
        article,
        study=f"{article.study}n",
        report=f"{article.study}n",
        title=f"Retraction notice to: {article.title}",
        abstract=None,
        pages="999",
        doi=f"{article.doi}.ret",
        notice_of=article.study,
        mesh=(),
        tags={"scope": "opinion" if article.tags["scope"] != "out_of_scope" else "out_of_scope"},
    )


def _openalex_copy(rng: random.Random, paper: Paper, number: int) -> Paper:
    """The other service's view of the same paper: small things differ or are missing."""
    title = paper.title.title() if rng.random() < 0.15 else paper.title
    short = dict(g.JOURNALS).get(paper.venue, paper.venue)
    return replace(
        paper,
        title=title,
        doi=None if rng.random() < 0.12 else paper.doi,
        venue=short if rng.random() < 0.3 else paper.venue,
        authors=paper.authors[:1] if rng.random() < 0.1 else paper.authors,
        abstract=None if rng.random() < 0.05 else paper.abstract,
        year=None if rng.random() < 0.01 else paper.year,
        pmid=paper.pmid if rng.random() < 0.7 else "",
        openalex_id=f"W{4_000_000_000 + number}",
    )


# ---------------------------------------------------------------- tags and texts


def _text(rng: random.Random, scope: str, year: int) -> tuple[dict[str, Any], str, str]:
    numbers = {"n": str(rng.randint(60, 90_000)), "a": str(rng.randint(31, 59)),
               "b": str(rng.randint(61, 96)), "c": str(rng.randint(2, 29))}  # fmt: skip
    if scope == "out_of_scope":
        title, abstract = rng.choice(g.OUTSIDE)
        return {"scope": scope}, title.format(**numbers), abstract.format(**numbers)
    tags = _tags(rng, scope, year)
    words = _words(rng, tags)
    titles = {"review": g.REVIEW_TITLES, "opinion": g.OPINION_TITLES}.get(scope, g.TITLES)
    return tags, _fill(rng.choice(titles), words), _abstract(rng, scope, tags, words, numbers)


def _tags(rng: random.Random, scope: str, year: int) -> dict[str, Any]:
    llm = rng.random() < _LLM_SHARE.get(year, 0.0)
    methods = {"generative_llm"} if llm else set()
    move = min(max((year - 2015) / 6, 0.0), 1.0)
    weights = [old + (new - old) * move for old, new in _TRADITIONAL.values()]
    for _ in range(rng.choice([0, 0, 0, 1]) if llm else rng.choice([1, 1, 2])):
        methods.add(rng.choices(list(_TRADITIONAL), weights)[0])
    rag = llm and scope == "in_scope" and rng.random() < 0.22
    tags: dict[str, Any] = {
        "scope": scope,
        "methods": sorted(methods),
        "rag": rag,
        "tasks": _some(rng, g.TASKS, [1, 1, 2]),
        "data": _some(rng, g.DATA, [1, 1, 2]) if scope == "in_scope" else [],
        "evaluation": _some(rng, g.EVALUATION, [1, 2, 2, 3]) if scope == "in_scope" else [],
        "specialty": [rng.choice(list(g.SPECIALTIES))],
    }
    if rag:
        tags["rag_source"] = [rng.choice(list(g.RAG_SOURCES))]
        tags["rag_retrieval"] = [rng.choice(list(g.RAG_RETRIEVAL))]
    return tags


def _some(rng: random.Random, known: dict[str, Any], counts: list[int]) -> list[str]:
    return sorted(rng.sample(list(known), rng.choice(counts)))


def _words(rng: random.Random, tags: dict[str, Any]) -> dict[str, str]:
    """One wording for each of the study's tags, for all slots of its sentences."""
    methods = [_say(rng, g.METHODS[name]) for name in tags["methods"]]
    tasks = [_say(rng, g.TASKS[name]) for name in tags["tasks"]]
    data = [_say(rng, g.DATA[name]) for name in tags["data"]]
    return {
        "method": methods[0] if methods else "language technology",
        "other": " and ".join(methods[1:]),
        "task": " and ".join(tasks),
        "data": " and ".join(data) or "the literature",
        "place": g.SPECIALTIES[tags["specialty"][0]][0],
    }


def _say(rng: random.Random, wordings: tuple[str, ...]) -> str:
    """One of the wordings; the last, the most oblique one, at half the weight of the others."""
    return rng.choices(wordings, [2.0] * (len(wordings) - 1) + [1.0])[0]


def _abstract(
    rng: random.Random,
    scope: str,
    tags: dict[str, Any],
    words: dict[str, str],
    numbers: dict[str, str],
) -> str:
    words = {**words, **numbers}
    background = [_fill(line, words) for line in rng.sample(g.BACKGROUND, rng.choice([1, 2]))]
    if scope != "in_scope":
        aim = "We reviewed what has been published on {task}, {method} above all." if scope == "review" \
            else "We argue that {method} changes {task}, and ask who is answerable."  # fmt: skip
        return " ".join([*background, _fill(aim, words), _fill(rng.choice(g.CLOSE), words)])
    methods = [_fill(rng.choice(g.AIM), words), _fill(rng.choice(g.MATERIAL), words)]
    if words["other"]:
        methods.append(_fill(rng.choice(g.COMPARE), words))
    if tags["rag"]:
        source = g.RAG_SOURCES[tags["rag_source"][0]]
        methods.append(_fill(_say(rng, g.RAG), {"source": source}))
        methods.append(g.RAG_RETRIEVAL[tags["rag_retrieval"][0]])
    results = []
    for name in tags["evaluation"]:
        result = rng.choice(g.EVALUATION[name]).format(**numbers)
        results.append(_fill(rng.choice(g.RESULT), {"result": result}))
    parts = [background, methods, results, [_fill(rng.choice(g.CLOSE), words)]]
    texts = [" ".join(line for line in part if line) for part in parts]
    if rng.random() < 0.5:
        names = ("BACKGROUND", "METHODS", "RESULTS", "CONCLUSIONS")
        return "\n".join(f"{name}: {text}" for name, text in zip(names, texts, strict=True))
    return " ".join(texts)


def _fill(template: str, words: dict[str, str]) -> str:
    """Fill slots; a slot with a capital letter begins a sentence.

    >>> _fill("{Task} in {place}.", {"task": "coding", "place": "care"})
    'Coding in care.'
    """
    capital = {name.capitalize(): text[:1].upper() + text[1:] for name, text in words.items()}
    return template.format(**words, **capital)


def _people(rng: random.Random) -> tuple[tuple[str, str, str, str, str], ...]:
    return tuple(
        (rng.choice(g.FAMILIES), rng.choice(g.GIVEN), *rng.choice(g.PLACES)) for _ in range(rng.randint(1, 7))
    )


def _mesh(tags: dict[str, Any], rng: random.Random) -> tuple[tuple[str, bool], ...]:
    headings = [("Humans", False)]
    if tags["scope"] != "out_of_scope":
        headings.append(("Natural Language Processing", True))
        headings.append((g.SPECIALTIES[tags["specialty"][0]][1], rng.random() < 0.5))
    return tuple(headings)
