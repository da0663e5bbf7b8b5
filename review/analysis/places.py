"""Where studies come from: countries of their authors, and who works with whom."""

from collections import Counter, defaultdict
from fractions import Fraction
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
    frame, notes = _counted(studies)
    own = frame[frame["code"] == frame["partner_code"]]
    if len(own) > top:
        shown = own["code"].head(top)
        frame = frame[frame["code"].isin(shown) & frame["partner_code"].isin(shown)].reset_index(drop=True)
        notes.append(f"{len(own) - top} countries with fewer studies are not shown.")
    return _tidy(frame.drop(columns="fractional"), context, notes)


LINKS = 30
"""Pairs of countries that a map has room for."""
_THINNEST = 8
"""Times that the line of the strongest pair may be as wide as that of the weakest drawn."""


def country_map(studies: pd.DataFrame, context: Context) -> Tidy:
    """All countries and pairs of `country_collaboration`, with columns fractional and drawn.

    ``n`` is by full counting; ``fractional`` shares a study out equally among its countries, so
    that it adds up to the denominator. ``drawn`` are countries that ISO 3166-1 knows (with XK), and
    pairs of these with so many studies in common that about `LINKS` stay: pairs that are level are
    all drawn or all not, but for those with most studies, which are always drawn.
    """
    frame, notes = _counted(studies)
    apart = frame["code"] != frame["partner_code"]
    known = frame["code"].isin(countries_by_alpha2) & frame["partner_code"].isin(countries_by_alpha2)
    least = _least(frame.loc[apart & known, "n"])
    frame["drawn"] = known & (~apart | (frame["n"] >= least))
    without = sum(not cell for cell in columns.lists(studies, "countries"))
    shown = int((~apart & known).sum())
    notes.append(f"Countries on the map: {shown}. Studies that name none: {without:,}, not drawn.")
    strange = frame.loc[~apart & ~known, ["code", "n"]]
    if len(strange):
        told = ", ".join(f"{code} ({n:,})" for code, n in strange.head(9).itertuples(index=False))
        notes.append(
            f"Codes that ISO 3166-1 does not know, not drawn: {len(strange):,}, with their studies {told}"
            f"{', …' if len(strange) > 9 else ''}. Mend them in the file they came from."
        )
    pairs, lines = int((apart & known).sum()), int((apart & frame["drawn"]).sum())
    if pairs > lines:
        notes.append(f"Lines: the {lines} of {pairs:,} pairs with at least {least:,} studies in common.")
    notes += [
        "The table has all pairs, and fractional counting, where each country gets its part of a study.",
        "Boundaries: Natural Earth; they imply no judgement.",
    ]
    return _tidy(frame, context, notes)


def _least(shared: "pd.Series[int]") -> int:
    """The fewest studies in common that a pair needs to be drawn."""
    if shared.empty:
        return 1
    most = int(shared.max())
    # Where more than LINKS pairs are left, one study more than the first of them that has no room.
    after = shared.nlargest(LINKS + 1).iloc[-1] + 1 if len(shared) > LINKS else 1
    return min(most, max(int(after), -(-most // _THINNEST)))


def _counted(studies: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """A row a country, most studies first, then a row a pair; and what must be known of them."""
    named = [sorted(cell) for cell in columns.lists(studies, "countries") if cell]
    counts = Counter(code for cell in named for code in cell)
    alone = Counter(cell[0] for cell in named if len(cell) == 1)
    # Fractions are exact: in whatever order studies come, the sum is the same.
    parts: dict[str, Fraction] = defaultdict(Fraction)
    for cell in named:
        for code in cell:
            parts[code] += Fraction(1, len(cell))
    pairs = Counter(pair for cell in named for pair in combinations(cell, 2))
    order = sorted(counts, key=lambda code: (-counts[code], code))
    rank = {code: place for place, code in enumerate(order)}
    rows: list[tuple[Any, ...]] = [
        (code, code, counts[code], float(parts[code]), alone[code]) for code in order
    ]
    ranked = sorted(sorted((rank[one], rank[other])) for one, other in pairs)
    for one, other in ([order[place] for place in pair] for pair in ranked):
        rows.append((one, other, pairs[min(one, other), max(one, other)], None, None))
    frame = pd.DataFrame(rows, columns=["code", "partner_code", "n", "fractional", "single_country"])
    frame.insert(0, "country", frame["code"].map(name))
    frame.insert(1, "partner", frame["partner_code"].map(name))
    several = sum(len(cell) > 1 for cell in named)
    notes = [
        f"{len(named):,} of {len(studies):,} studies name a country of their authors.",
        f"{several:,} of these are of authors in more than one country.",
        "Full counting: a study counts once for each of its countries.",
        "A source may give only an author's first country; pairs are then too few.",
    ]
    return frame.assign(n=frame["n"].astype(int), single_country=frame["single_country"].astype("Int64"),
                        denominator=len(named)), notes  # fmt: skip


def _tidy(frame: pd.DataFrame, context: Context, notes: list[str]) -> Tidy:
    return Tidy(
        frame,
        unit="studies",
        denominator="studies that name a country",
        population=context.population,
        notes=tuple(notes),
        simulated=context.simulated,
        instead="no record names a country of its authors; PubMed and OpenAlex bring them "
        "(review harvest, or review import of their files).",
    )
