"""Parsing PubMed XML of 2,000 simulated articles: ours against Bio.Entrez.read on the same bytes."""

import io

from Bio import Entrez
from harness import in_turn, median, peak_mib, report

from corpora.record import build
from corpora.simulator.answers import pubmed_set
from corpora.simulator.literature import simulate
from corpora.sources import pubmed_xml

BODY = pubmed_set(simulate(5000, seed=1).pubmed).encode()


def ours() -> int:
    """Whole records, identifiers normalised."""
    return len([build(row.fields, source="pubmed") for row in pubmed_xml.rows(BODY)])


def biopython() -> int:
    """Biopython's own structure; nothing is normalised."""
    return len(Entrez.read(io.BytesIO(BODY))["PubmedArticle"])


def main() -> None:
    """Measure and write the result."""
    count = ours()
    assert count == biopython()
    timed = in_turn(5, ours=ours, biopython=biopython)
    figures = {
        "articles": count,
        "mebibytes": round(len(BODY) / 2**20, 2),
        "seconds": {name: median(values) for name, values in timed.items()},
        "ours_times_as_fast": round(median(timed["biopython"]) / median(timed["ours"]), 2),
        "peak_mib": peak_mib(),
    }
    report("pubmed_xml", figures, ("biopython", "lxml"))


if __name__ == "__main__":
    main()
