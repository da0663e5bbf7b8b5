"""Intervals of corrected shares on simulated truth, beside naive shares and the audit alone.

The simulator, whose tagger errs asymmetrically and ever differently, is `review/analysis/coverage.py`;
strata, allocation and estimators are the product's own. Audits of 150, 300 and 600 of 8,000 studies.
Arguments: corpora, audits of each. The page `review/analysis/README.md` holds the tables.
"""

import sys
import time
from dataclasses import asdict

from harness import report

from review.analysis import coverage
from review.labelling.auditing import allocated, stratified

SIZES = (150, 300, 600)
CORPORA = int(sys.argv[1]) if len(sys.argv) > 1 else 400
AUDITS = int(sys.argv[2]) if len(sys.argv) > 2 else 10


def main() -> None:
    started = time.perf_counter()

    def progress(done: int) -> None:
        if done % 20 == 0:
            print(f"{done}/{CORPORA} corpora, {time.perf_counter() - started:.0f} s", file=sys.stderr)

    rows = coverage.study(SIZES, CORPORA, AUDITS, stratified, allocated, seed=6, progress=progress)
    report(
        "coverage",
        {
            "studies": coverage.STUDIES,
            "sizes": SIZES,
            "audits_of_each_size": CORPORA * AUDITS,
            "level": 0.95,
            "rows": [asdict(row) for row in rows],
        },
        ("numpy", "scipy", "pandas"),
    )


if __name__ == "__main__":
    main()
