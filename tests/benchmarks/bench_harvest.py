"""50,000 simulated records from each service over loopback, one request in fifty failing.

The product: `review harvest` in a process of its own, from the first request to the committed
part. The peers: the same answers parsed by Bio.Entrez.read, and plain pyalex paging (its own
client and paginator) over the same service without faults. The server runs in a third process.
"""

import io
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness import report

RECORDS = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
FAULTS = 0.02


def serving(pipe: Any) -> None:
    """The server: gives its address, then takes fault rates until it is told to stop."""
    from corpora.simulator.literature import Literature, simulate
    from corpora.simulator.server import serve

    made = simulate(RECORDS * 5 // 2 + 4_000, seed=3)
    exact = Literature(3, made.pubmed[:RECORDS], made.openalex[:RECORDS])
    assert len(exact.pubmed) == len(exact.openalex) == RECORDS
    with serve(exact) as service:
        service.allowance = 1e9
        pipe.send(service.url)
        while (rate := pipe.recv()) is not None:
            service.fault_rate = rate
            service.log.clear()
            pipe.send(True)


def harvesting(root: Path, name: str, url: str, pipe: Any) -> None:
    """The product in a fresh process: seconds to the last archived answer and to the commit."""
    import os

    os.environ["LITSCALE_PUBMED_URL"] = os.environ["LITSCALE_OPENALEX_URL"] = url
    from review.gathering import harvesting as product
    from review.workspace import Workspace

    began = time.perf_counter()
    workspace = Workspace(root)
    marks: dict[str, float] = {}

    def progress(what: str, done: int, total: int | None = None) -> None:
        marks.setdefault(what.split()[0], time.perf_counter() - began)

    (outcome,) = product.harvest_all(workspace, name, progress=progress)
    assert outcome.run is not None
    account = outcome.run.account
    whole = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send({
        "promised": account.promised, "delivered": account.delivered, "refused": account.refused,
        "unaccounted": account.unaccounted, "records_a_second": round(account.delivered / whole),
        "seconds": round(whole, 2), "seconds_fetching": round(marks["reading"], 2),
        "peak_mib": round(peak, 1),
        "requests": outcome.run.parameters["details"]["requests"],
    })  # fmt: skip


def paging(url: str, pipe: Any) -> None:
    """The peer: pyalex's own client pages through the same works and keeps them in a list."""
    import pyalex

    pyalex.config.openalex_url = url
    query = pyalex.Works().filter(publication_year="2010-2030|null")
    began = time.perf_counter()
    works = _pages(query, url)
    pipe.send({"works": len(works), "seconds": round(time.perf_counter() - began, 2)})


def _pages(query: Any, url: str) -> list[Any]:
    """pyalex fixes its host; its session is pointed at the loopback service, nothing else changes."""
    import pyalex.api as api

    real = api._get_requests_session

    def session() -> Any:
        made = real()
        get = made.get

        def local(address: str, **rest: Any) -> Any:
            return get(address.replace("https://api.openalex.org", url), **rest)

        made.get = local
        return made

    api._get_requests_session = session
    return [work for page in query.paginate(per_page=100, n_max=None) for work in page]


def entrez(root: Path) -> dict[str, float]:
    """Seconds that Bio.Entrez.read and our reader take for the same archived answers."""
    from Bio import Entrez

    from corpora.record import build
    from corpora.sources import archive, pubmed_xml

    pages = [
        archive.held(path) or b"" for path in sorted(root.glob("corpus/raw/pubmed-*/*/slice-*-*.xml.gz"))
    ][:40]
    began = time.perf_counter()
    ours = sum(1 for page in pages for row in pubmed_xml.rows(page))
    parsed = time.perf_counter() - began
    began = time.perf_counter()
    built = sum(1 for page in pages for row in pubmed_xml.rows(page) if build(row.fields, source="pubmed"))
    whole = time.perf_counter() - began
    began = time.perf_counter()
    peer = sum(len(Entrez.read(io.BytesIO(page))["PubmedArticle"]) for page in pages)
    theirs = time.perf_counter() - began
    assert ours == peer == built
    return {"articles": ours, "ours": round(parsed, 3), "ours_with_records": round(whole, 3),
            "bio_entrez_read": round(theirs, 3), "times_as_fast": round(theirs / parsed, 2)}  # fmt: skip


def child(target: Any, *arguments: Any) -> Any:
    """Run in a fresh process and give what it sends."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=target, args=(*arguments, theirs))
    process.start()
    told = ours.recv()
    process.join()
    return told


CONTEXT = multiprocessing.get_context("spawn")


def main() -> None:
    """Measure and write the result."""
    from corpora.simulator.server import OPENALEX_QUERY, PUBMED_QUERY
    from review.workspace import Workspace

    ours, theirs = CONTEXT.Pipe()
    server = CONTEXT.Process(target=serving, args=(theirs,), daemon=True)
    server.start()
    url = ours.recv()
    figures: dict[str, Any] = {"records_each": RECORDS, "fault_rate": FAULTS}
    with tempfile.TemporaryDirectory() as folder:
        protocol = '[review]\ntitle = "Bench"\n' + "".join(
            f'[[search]]\nname = "{name}"\nsource = "{name}"\nquery = {json.dumps(query)}\n'
            for name, query in (("pubmed", PUBMED_QUERY), ("openalex", OPENALEX_QUERY))
        )
        for rate in (FAULTS, 0.0):
            ours.send(rate)
            ours.recv()
            root = Workspace.create(Path(folder) / f"at-{rate}", protocol).root
            for name in ("pubmed", "openalex"):
                kind = "with faults" if rate else "without faults"
                figures[f"{name}, {kind}"] = child(harvesting, root, name, url)
        figures["parsing"] = entrez(root)
        figures["pyalex"] = child(paging, url)
    ours.send(None)
    whole = figures["openalex, without faults"]
    figures["openalex_fetching_against_pyalex"] = round(
        figures["pyalex"]["seconds"] / whole["seconds_fetching"], 2
    )
    figures["openalex_whole_against_pyalex"] = round(figures["pyalex"]["seconds"] / whole["seconds"], 2)
    report("harvest", figures, ("biopython", "pyalex", "lxml", "duckdb"))


if __name__ == "__main__":
    main()
