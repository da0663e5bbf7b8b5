"""Where studies come from: countries of their authors, and who works with whom."""

from collections import Counter
from itertools import combinations
from typing import Any

import pandas as pd
from iso3166 import countries_by_alpha2

from review.analysis import columns
from review.analysis.tidy import Context, Tidy

_SHORT = {
    "US": "United States", "GB": "United Kingdom", "KR": "South Korea", "KP": "North Korea", "IR": "Iran",
    "RU": "Russia", "VN": "Vietnam", "SY": "Syria", "TZ": "Tanzania", "BO": "Bolivia", "VE": "Venezuela",
    "LA": "Laos", "MD": "Moldova", "CD": "DR Congo", "BN": "Brunei", "AE": "UAE",
}  # fmt: skip


def name(code: str) -> str:
    """A country as figures call it; a code that is not known stays.

    >>> name("KR"), name("DE"), name("ZZ")
    ('South Korea', 'Germany', 'ZZ')
    """
    if code in _SHORT:
        return _SHORT[code]
    known = countries_by_alpha2.get(code)
    return str(known.apolitical_name) if known else code


def country_collaboration(studies: pd.DataFrame, context: Context, top: int = 20) -> Tidy:
    """Studies of each country, and of each pair: columns country, partner, codes, n, single_country, …

    Full counting: a study counts once for every country of its authors, and once for every pair of
    them. A country's own row names it as its partner; ``single_country`` of its n have no other.
    """
    named = [sorted(cell) for cell in columns.lists(studies, "countries") if cell]
    counts = Counter(code for cell in named for code in cell)
    alone = Counter(cell[0] for cell in named if len(cell) == 1)
    pairs = Counter(pair for cell in named for pair in combinations(cell, 2))
    order = sorted(counts, key=lambda code: (-counts[code], code))
    shown = order[:top]
    rows: list[tuple[Any, ...]] = [(code, code, counts[code], alone[code]) for code in shown]
    rows += [
        (one, other, pairs[min(one, other), max(one, other)], None)
        for one, other in combinations(shown, 2)
        if pairs[min(one, other), max(one, other)]
    ]
    frame = pd.DataFrame(rows, columns=["code", "partner_code", "n", "single_country"])
    frame.insert(0, "country", frame["code"].map(name))
    frame.insert(1, "partner", frame["partner_code"].map(name))
    several = sum(len(cell) > 1 for cell in named)
    notes = [
        f"{len(named):,} of {len(studies):,} studies name a country of their authors.",
        f"{several:,} of these are of authors in more than one country.",
        "Full counting: a study counts once for each of its countries.",
        "A source may give only an author's first country; pairs are then too few.",
    ]
    if len(order) > top:
        notes.append(f"{len(order) - top} countries with fewer studies are not shown.")
    return Tidy(
        frame.assign(n=frame["n"].astype(int), single_country=frame["single_country"].astype("Int64"),
                     denominator=len(named)),
        unit="studies",
        denominator="studies that name a country",
        population=context.population,
        notes=tuple(notes),
        simulated=context.simulated,
        instead="no record names a country of its authors; PubMed and OpenAlex bring them "
        "(review harvest, or review import of their files).",
    )  # fmt: skip
