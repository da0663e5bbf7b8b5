"""Papers and their copies as other databases might have them, with the truth known.

``papers`` makes distinct papers of the words of given titles and abstracts; ``copy`` gives one of
them back with the faults that exports have; ``lookalikes`` gives documents that are near to one and
are not it. Nothing here knows the rules that it tests.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

Fields = dict[str, Any]

FAMILIES = ("Okafor", "Lindqvist", "Moreau", "Tanaka", "Silva", "Novak", "Haddad", "Brandt",
            "Ivanova", "Castillo", "O'Brien", "Papadakis", "Nguyen", "Rossi", "Kowalska", "Yılmaz",
            "Fischer", "Bianchi", "Andersson", "Dubois", "Mehta", "Chen", "Park", "García", "Müller",
            "Jansen", "Said", "Kim")  # fmt: skip
GIVEN = ("Anna", "Bjorn", "Chidi", "Dina", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kaori", "Luca")
VENUES = (
    ("Journal of Clinical Informatics", "J Clin Inform"), ("Annals of Applied Medicine", "Ann Appl Med"),
    ("International Review of Public Health", "Int Rev Public Health"), ("Neural Methods", "Neural Methods"),
    ("European Journal of Nursing Research", "Eur J Nurs Res"), ("Methods of Evidence", "Methods Evid"),
    ("Proceedings of the Conference on Health Data", "Proc Conf Health Data"), ("The Ward", "Ward"),
)  # fmt: skip
FOREIGN = ("étude", "sur", "les", "effets", "de", "traitement", "chez", "patients", "analyse", "une",
           "méthode", "pour", "évaluation", "santé", "hôpital", "données", "apprentissage", "soins",
           "essai", "comparée")  # fmt: skip


def papers(count: int, texts: list[tuple[str, str]], seed: int) -> Iterator[Fields]:
    """Distinct papers: each title is half of one and half of another, each abstract likewise."""
    rng = random.Random(seed)
    for number in range(count):
        (title, abstract), (other, more) = rng.choice(texts), rng.choice(texts)
        first, second = title.split(), other.split()
        words = first[: max(3, len(first) // 2)] + second[len(second) // 2 :]
        venue = rng.randrange(len(VENUES))
        year = rng.randint(1995, 2025)
        start = rng.randint(1, 1900)
        people = [(rng.choice(FAMILIES), rng.choice(GIVEN)) for _ in range(rng.choice((1, 2, 3, 3, 4, 6)))]
        yield {
            "entity": number, "title": " ".join(words), "abstract": f"{more[: 300]} {abstract[: 400]}",
            "people": people, "year": year, "venue": VENUES[venue][0], "short": VENUES[venue][1],
            "volume": str(year - 1980), "issue": str(rng.randint(1, 12)),
            "pages": f"{start}-{start + rng.randint(3, 20)}",
            "doi": f"10.5555/{seed}.{number}" if rng.random() < 0.7 else "",
        }  # fmt: skip


def _typos(row: Fields, rng: random.Random) -> None:
    letters = list(row["title"])
    if len(letters) < 4:
        return
    for _ in range(rng.randint(1, 2)):
        place = rng.randrange(1, len(letters) - 1)
        letters[place : place + 1] = rng.choice(([], [letters[place]] * 2, [rng.choice("aeioutrns")]))
    row["title"] = "".join(letters)


def _translated(row: Fields, rng: random.Random) -> None:
    row["title"] = " ".join(rng.choice(FOREIGN) for _ in range(rng.randint(7, 12))).capitalize()
    row["abstract"] = ""


def _swapped(row: Fields, rng: random.Random) -> None:
    """Family and given name change places, or volume and issue."""
    if rng.random() < 0.5:
        row["people"] = [(given, family) for family, given in row["people"]]
    else:
        row["volume"], row["issue"] = row["issue"], row["volume"]


def _pages(row: Fields, rng: random.Random) -> None:
    start, dash, end = row["pages"].partition("-")
    if not dash:
        return
    short = end[len(start) - 1 :] if len(end) == len(start) and len(end) > 1 else end
    row["pages"] = rng.choice(
        (start, f"{start}--{end}", f"{start}-{short}" if start[:-1] == end[:-1] else start)
    )


def _bare(row: Fields, rng: random.Random) -> None:
    for name in rng.sample(("abstract", "issue", "pages", "doi"), 2):
        row[name] = ""


FAULTS: dict[str, Callable[[Fields, random.Random], None]] = {
    "typos": _typos,
    "no doi": lambda row, rng: row.update(doi=""),
    "abbreviated journal": lambda row, rng: row.update(venue=row["short"]),
    "initials": lambda row, rng: row.update(people=[(family, given[0]) for family, given in row["people"]]),
    "cut authors": lambda row, rng: row.update(people=row["people"][:1]),
    "no abstract": lambda row, rng: row.update(abstract=""),
    "page style": _pages,
    "a year off": lambda row, rng: row.update(year=row["year"] + rng.choice((-1, 1))),
    "upper case": lambda row, rng: row.update(title=row["title"].upper()),
    "cut title": lambda row, rng: row.update(title=row["title"].split(":")[0]),
    "swapped fields": _swapped,
    "translated title": _translated,
    "bare": _bare,
}


def copy(row: Fields, rng: random.Random, faults: tuple[str, ...] | None = None) -> Fields:
    """The paper once more with the named faults, or with one to three of any."""
    made = dict(row)
    for name in faults if faults is not None else rng.sample(sorted(FAULTS), rng.randint(1, 3)):
        FAULTS[name](made, rng)
    return made


def lookalikes(row: Fields, rng: random.Random) -> Iterator[Fields]:
    """Never the same report: a sequel, next year's report, an erratum, a reply, a congress abstract."""
    start = int(row["pages"].split("-")[0])
    later = {"year": row["year"] + 1, "volume": str(int(row["volume"]) + 1), "doi": ""}
    other = f"{start + 40}-{start + 47}"
    title = row["title"]
    yield {
        **row,
        **later,
        "title": f"{title}. Part II",
        "pages": f"{start + 70}-{start + 79}",
        "entity": f"part {row['entity']}",
    }
    yield {**row, **later, "pages": other, "abstract": "", "entity": f"annual {row['entity']}"}
    yield {**row, "title": f"Erratum: {title}", "pages": other, "doi": "", "abstract": "",
           "entity": f"erratum {row['entity']}"}  # fmt: skip
    yield {**row, "title": f"Reply to: {title}", "people": [(rng.choice(FAMILIES), "Zoe")], "doi": "",
           "pages": other, "abstract": "", "entity": f"reply {row['entity']}"}  # fmt: skip
    yield {**row, "pages": f"S{start % 90 + 1}", "volume": str(int(row["volume"]) + 3), "doi": "",
           "abstract": "", "venue": "Congress Supplement", "entity": f"congress {row['entity']}"}  # fmt: skip
