"""Reading 100,000 RIS records: ours, with its account of every row, against rispy's plain reading.

Ours gives tagged rows with their raw text; the fields of a record are made when they are asked for
(``with_fields``). rispy gives dictionaries of its names and normalises nothing. ``ours_peak_mib`` is
the peak of this process before rispy has read anything, ``peak_mib`` the one at the end.
"""

import random
import tempfile
from pathlib import Path

import rispy
from harness import in_turn, median, peak_mib, report

from corpora.formats.detect import open_file

RECORDS = 100_000


def write(path: Path) -> None:
    """Synthetic records of common size: two authors, an abstract of 150 words."""
    rng = random.Random(1)
    words = [f"word{n}" for n in range(3000)]
    with path.open("w") as out:
        for number in range(RECORDS):
            title, abstract = (" ".join(rng.choices(words, k=k)) for k in (12, 150))
            out.write(
                f"TY  - JOUR\nAU  - Doe, Jane\nAU  - Roe, R\nTI  - {title}\nAB  - {abstract}\n"
                f"PY  - {1990 + number % 35}\nJO  - Journal\nDO  - 10.5555/{number}\nKW  - one\nER  - \n\n"
            )


def ours(path: Path) -> None:
    """All rows, tagged, with their raw text and account."""
    assert sum(row.refused is None for row in open_file(path).rows) == RECORDS


def with_fields(path: Path) -> None:
    """The same, and the fields of every record made: names parsed, DOIs and dates looked for."""
    assert sum(len(row.fields) > 5 for row in open_file(path).rows) == RECORDS


def rispys(path: Path) -> None:
    """All records, as dictionaries."""
    with path.open(encoding="utf-8") as handle:
        assert len(rispy.load(handle)) == RECORDS


def main() -> None:
    """Measure and write the result."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.ris"
        write(path)
        with_fields(path)
        held = peak_mib()
        timed = in_turn(
            5, ours=lambda: ours(path), with_fields=lambda: with_fields(path), rispy=lambda: rispys(path)
        )
    figures = {
        "records": RECORDS,
        "ours_peak_mib": held,
        "seconds": {name: median(values) for name, values in timed.items()},
        "ours_times_as_fast": round(median(timed["rispy"]) / median(timed["ours"]), 2),
        "peak_mib": peak_mib(),
    }
    report("ris", figures, ("rispy",))


if __name__ == "__main__":
    main()
