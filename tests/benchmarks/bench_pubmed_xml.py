"""Reading PubMed XML: ours against Bio.Entrez.read on the same bytes, in pages as EFetch gives them.

Articles are simulated, with authors, affiliations, MeSH, history and references. Beside the rows of
a page: rows of one large stream in constant memory, and whole records with identifiers normalised.
"""

import io

from Bio import Entrez
from harness import in_turn, median, peak_mib, report

from corpora.record import build
from corpora.simulator.answers import pubmed_set
from corpora.simulator.literature import simulate
from corpora.sources import pubmed_xml
from corpora.sources.pubmed import BATCH

LITERATURE = simulate(7500, seed=1)
PMIDS = {paper.report: paper.pmid for paper in LITERATURE.pubmed}
STARTS = range(0, len(LITERATURE.pubmed), BATCH)
PAGES = [pubmed_set(LITERATURE.pubmed[start : start + BATCH], PMIDS).encode() for start in STARTS]
STREAM = pubmed_set(LITERATURE.pubmed, PMIDS).encode()


def pages() -> int:
    """Rows of every page."""
    return sum(1 for page in PAGES for _ in pubmed_xml.rows(page))


def stream() -> int:
    """Rows of one stream, each record freed before the next."""
    return sum(1 for _ in pubmed_xml.rows(io.BytesIO(STREAM)))


def records() -> int:
    """Whole records."""
    return sum(1 for page in PAGES for row in pubmed_xml.rows(page) if build(row.fields, source="pubmed"))


def biopython() -> int:
    """Biopython's own structure; nothing is normalised."""
    return sum(len(Entrez.read(io.BytesIO(page))["PubmedArticle"]) for page in PAGES)


def main() -> None:
    """Measure and write the result."""
    count = pages()
    assert count == stream() == records() == biopython() == len(LITERATURE.pubmed)
    timed = in_turn(5, pages=pages, stream=stream, records=records, biopython=biopython)
    theirs = median(timed["biopython"])
    figures = {
        "articles": count,
        "mebibytes": round(len(STREAM) / 2**20, 2),
        "seconds": {name: median(values) for name, values in timed.items()},
        "times_as_fast": {
            name: round(theirs / median(timed[name]), 2) for name in ("pages", "stream", "records")
        },
        "peak_mib": peak_mib(),
    }
    report("pubmed_xml", figures, ("biopython", "lxml"))


if __name__ == "__main__":
    main()
