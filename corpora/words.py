"""Words of a message that hang on a number: one study is, two studies are."""

_NOUNS = {"person": "people", "criterion": "criteria"}
_VERBS = {"is": "are", "was": "were", "has": "have", "comes": "come", "matches": "match", "states": "state"}
_TAKES_ES = ("s", "x", "ch", "sh")


def plural(words: str) -> str:
    """More than one of something; of several words the last changes, and the one before a verb.

    >>> plural("study"), plural("rarer label"), plural("search"), plural("person"), plural("day")
    ('studies', 'rarer labels', 'searches', 'people', 'days')
    >>> plural("study is"), plural("new record has")
    ('studies are', 'new records have')
    """
    before, _, last = words.rpartition(" ")
    if last in _VERBS:
        return f"{plural(before)} {_VERBS[last]}"
    if last.endswith("y") and last[-2] not in "aeiou":
        many = f"{last[:-1]}ies"
    else:
        many = _NOUNS.get(last, f"{last}{'es' if last.endswith(_TAKES_ES) else 's'}")
    return f"{before} {many}".lstrip()


def counted(number: int, words: str) -> str:
    """A number with its noun, and with its verb if that follows.

    >>> counted(1, "study"), counted(0, "study"), counted(1234, "record is")
    ('1 study', '0 studies', '1,234 records are')
    """
    return f"{number:,} {words if number == 1 else plural(words)}"


def by_number(number: int, one: str, many: str) -> str:
    """The word that goes with a number, where it does not stand beside it.

    >>> by_number(1, "is", "are"), by_number(0, "is", "are")
    ('is', 'are')
    """
    return one if number == 1 else many
