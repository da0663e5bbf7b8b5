"""What a running simulated service is made of, and the ways in which it misbehaves on purpose."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from corpora.boolean import Document
from corpora.simulator.literature import Literature, Paper

Answer = tuple[int, bytes, str, dict[str, str]]
"""Status, body, content type, further headers."""


@dataclass(slots=True)
class Fault:
    """One misbehaviour, used up by one request.

    A status; a body that is cut, reset in the middle or ``mangled`` (given the true one); a slow
    answer (``wait`` seconds); or something done (``first``) before the request is answered.
    """

    status: int = 200
    retry_after: str | None = None
    cut: bool = False
    reset: bool = False
    wait: float = 0.0
    mangle: Callable[[bytes], bytes] | None = None
    first: Callable[[], None] | None = None


class Index:
    """A literature as the services look things up in it."""

    def __init__(self, literature: Literature) -> None:
        self.pubmed = sorted(literature.pubmed, key=lambda paper: int(paper.pmid), reverse=True)
        self.openalex = sorted(literature.openalex, key=lambda paper: int(paper.openalex_id[1:]))
        self.by_pmid = {paper.pmid: paper for paper in self.pubmed}
        self.by_work = {paper.openalex_id: paper for paper in self.openalex}
        self.pmids = {paper.report: paper.pmid for paper in self.pubmed}
        self.works = {paper.report: paper.openalex_id for paper in self.openalex}

    @cached_property
    def pubmed_documents(self) -> list[Document]:
        """As PubMed searches them, in the order of ``pubmed``."""
        return [document(paper, int(paper.pmid)) for paper in self.pubmed]

    @cached_property
    def openalex_documents(self) -> list[Document]:
        """As OpenAlex searches them, in the order of ``openalex``."""
        return [document(paper, int(paper.openalex_id[1:])) for paper in self.openalex]


def document(paper: Paper, number: int) -> Document:
    """A paper as it can be searched."""
    return Document(
        text=f"{paper.title} {paper.abstract or ''}".lower(),
        year=paper.year,
        number=number,
        doi=paper.doi,
        entered=paper.entered.toordinal(),
        revised=paper.revised.toordinal(),
    )


@dataclass
class Service:
    """A running server. ``log`` lists the paths asked for; ``faults`` meet the next requests.

    ``fault_rate`` makes a share of all requests fail at random (seeded). ``gone`` holds PMIDs
    that are listed and never delivered. ``allowance`` is what OpenAlex still gives, in US
    dollars; ``credits`` says whether its headers speak of credits instead.
    """

    literature: Literature
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    fault_rate: float = 0.0
    log: list[str] = field(default_factory=list)
    history: dict[str, list[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    allowance: float = 1.0
    credits: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    found: dict[str, list[int]] = field(default_factory=dict)
    _dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    _index: tuple[Literature, Index] | None = None

    @property
    def index(self) -> Index:
        """Look-ups over the present literature; made anew when a test puts another in its place."""
        with self.lock:
            if self._index is None or self._index[0] is not self.literature:
                self._index = (self.literature, Index(self.literature))
                self.found.clear()
            return self._index[1]

    def next_fault(self) -> Fault:
        """What meets this request; mostly nothing."""
        with self.lock:
            if self.faults:
                return self.faults.pop(0)
            if self.fault_rate and self._dice.random() < self.fault_rate:
                kinds = (Fault(500), Fault(429, "0"), Fault(503), Fault(cut=True), Fault(reset=True))
                return self._dice.choice(kinds)
        return Fault()
