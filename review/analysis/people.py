"""Where studies appeared, who wrote them, and in which language."""

from collections import Counter
from collections.abc import Callable, Sequence

import pandas as pd

from corpora.record import key_text
from corpora.words import counted
from review.analysis import columns
from review.analysis.tidy import Context, Tidy

_LANGUAGES = (
    "English en eng|Chinese zh chi zho|German de ger deu|French fr fre fra|Spanish es spa|Portuguese pt por|"
    "Italian it ita|Japanese ja jpn|Korean ko kor|Russian ru rus|Polish pl pol|Dutch nl dut nld|"
    "Turkish tr tur|Persian fa per fas|Arabic ar ara|Czech cs cze ces|Danish da dan|Swedish sv swe|"
    "Norwegian no nor|Finnish fi fin|Hungarian hu hun|Greek el gre ell|Hebrew he heb|Ukrainian uk ukr|"
    "Croatian hr hrv|Serbian sr srp|Romanian ro rum ron|Slovak sk slo slk|Slovenian sl slv|Catalan ca cat|"
    "Indonesian id ind|Malay ms may msa|Thai th tha|Vietnamese vi vie|Bulgarian bg bul|Not stated und"
)
_NAMED = {word.lower(): line.rsplit(" ", line.count(" ") - line.startswith("Not "))[0]
          for line in _LANGUAGES.split("|") for word in line.split(" ")}  # fmt: skip


def language(given: str) -> str:
    """A language by its English name; ISO 639 codes are read, others stay as they are.

    >>> language("eng"), language("DE"), language("Spanish"), language("und"), language("tlh")
    ('English', 'German', 'Spanish', 'Not stated', 'tlh')
    """
    return _NAMED.get(given.strip().lower(), given.strip())


def venues(studies: pd.DataFrame, context: Context, top: int = 20) -> Tidy:
    """Studies of each journal or proceedings: columns venue, n, denominator.

    Spellings that differ in case and punctuation only are one venue, under the commonest spelling.
    """
    cells = [[cell] if isinstance(cell, str) else None for cell in columns.cells(studies, "venue")]
    notes = ("An abbreviated title and the full one count as two venues.",)
    return _ranked(cells, studies, context, "venue", "name a venue", top, key_text, notes,
                   "no record names the journal or proceedings it appeared in.")  # fmt: skip


def authors(studies: pd.DataFrame, context: Context, top: int = 20) -> Tidy:
    """Studies of each author (full counting): columns author, n, first_author, denominator.

    Authors are told apart by nothing but their name without case, accents and punctuation.
    """
    cells = columns.lists(studies, "author_names")
    notes = (
        "Authors are told apart by their normalised name only: namesakes count as one person, and "
        "'Smith, J' and 'Smith, Jane' as two.",
    )
    tidy = _ranked(cells, studies, context, "author", "name their authors", top, _person, notes,
                   "no record names its authors.")  # fmt: skip
    first = Counter(_person(cell[0]) for cell in cells if cell)
    tidy.frame.insert(2, "first_author", [first[_person(name)] for name in tidy.frame["author"]])
    return tidy


def languages(studies: pd.DataFrame, context: Context, top: int = 20) -> Tidy:
    """Studies in each language of publication: columns language, n, denominator."""
    given = columns.cells(studies, "language")
    cells = [
        [language(part) for part in cell.replace(",", ";").split(";") if part.strip()]
        if isinstance(cell, str)
        else None
        for cell in given
    ]
    return _ranked(cells, studies, context, "language", "state their language", top, str, (),
                   "no record states its language; PubMed, Scopus and OpenAlex bring it.")  # fmt: skip


def _person(name: str) -> str:
    return "|".join(map(key_text, name.split(", ", 1)))


def _ranked(
    cells: Sequence[list[str] | None],
    studies: pd.DataFrame,
    context: Context,
    column: str,
    what: str,
    top: int,
    key: Callable[[str], str],
    notes: tuple[str, ...],
    instead: str,
) -> Tidy:
    """How many studies name each value, the most frequent first."""
    spelt: dict[str, Counter[str]] = {}
    counts: Counter[str] = Counter()
    for cell in cells:
        keys = {key(value): value for value in cell or () if key(value)}
        counts.update(keys.keys())
        for one, value in keys.items():
            spelt.setdefault(one, Counter())[value] += 1
    order = sorted(counts, key=lambda one: (-counts[one], one))
    known = sum(map(bool, cells))
    # Of spellings as frequent as each other the first in the alphabet, so that the order is no matter.
    shown = [min(spelt[one], key=lambda value: (-spelt[one][value], value)) for one in order[:top]]
    told = [f"{known:,} of {counted(len(studies), 'study')} {what}.", *notes]
    if len(order) > top:
        told.append(f"{len(order) - top:,} more, with fewer studies, are not shown.")
    return Tidy(
        pd.DataFrame({column: shown, "n": [counts[one] for one in order[:top]], "denominator": known}),
        unit="studies",
        denominator=f"studies that {what}",
        population=context.population,
        notes=tuple(told),
        simulated=context.simulated,
        instead=instead,
    )
