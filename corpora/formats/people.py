"""Names of authors as exports write them."""

import re

from corpora.record import Author

_PARTICLES = {"van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "la", "le", "el"}
_INITIALS = re.compile(r"(?:[A-Z]\.?-?){1,4}")
_BODY = re.compile(
    r"\b(group|consortium|collaborat\w+|society|association|university|institute|committee|"
    r"organi[sz]ation|network|investigators|team|task force|department|ministry)\b",
    re.IGNORECASE,
)


def author(text: str) -> Author | None:
    """One author; None if there is no name in it.

    >>> author("van der Berg, Anna"), author("Ada King Lovelace").family, author("Doe JA").given
    (Author(family='van der Berg', given='Anna', orcid=None, affiliations=(), country=None), \
'Lovelace', 'JA')
    >>> author("{World Health Organization}").given is None
    True
    """
    name = " ".join(text.split()).strip(" ,;")
    if not name:
        return None
    if (name.startswith("{") and name.endswith("}")) or (_BODY.search(name) and "," not in name):
        return Author(family=name.strip("{}"))
    if "," in name:
        family, _, given = name.partition(",")
        return Author(family=family.strip(), given=given.strip() or None)
    words = name.split()
    if len(words) == 1:
        return Author(family=name)
    if _INITIALS.fullmatch(words[-1]):
        return Author(family=" ".join(words[:-1]), given=words[-1])
    cut = len(words) - 1
    while cut > 1 and words[cut - 1].lower() in _PARTICLES:
        cut -= 1
    return Author(family=" ".join(words[cut:]), given=" ".join(words[:cut]))


def authors(texts: list[str]) -> list[Author]:
    """All authors that have a name, in order."""
    return [made for text in texts if (made := author(text))]


def split(cell: str) -> list[str]:
    """The names in one cell of a table: by ``;``, ``|``, `` and ``, else by commas.

    >>> split("Doe, J.; Roe, R."), split("Doe J, Roe R"), split("Ann Doe and Bob Roe")
    (['Doe, J.', 'Roe, R.'], ['Doe J', 'Roe R'], ['Ann Doe', 'Bob Roe'])
    >>> split("Doe, Jane")
    ['Doe, Jane']
    """
    for mark in (";", "|", " and "):
        if mark in cell:
            return [part.strip() for part in cell.split(mark) if part.strip()]
    parts = [part.strip() for part in cell.split(",") if part.strip()]
    # "Doe, Jane" is one person; "Jane Doe, Ann Roe" and "Doe J, Roe R" are two.
    several = len(parts) > 1 and sum(" " in part for part in parts) >= len(parts) / 2
    return parts if several else [cell.strip()] if cell.strip() else []
