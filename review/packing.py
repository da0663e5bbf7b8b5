"""What must not leave with a deposit: people's names where pseudonyms are asked for, keys, closed texts."""

import io
import json
import os
import re
from collections.abc import Iterable
from html import unescape
from typing import Any
from zipfile import ZipFile

from review.ledger import Ledger
from review.migrations import TABLES

PEOPLE = ("person", "reviewer", "annotator")
"""Columns of the ledger that hold a name."""

_PLACES = ("place", "holder")
_KEYS = ("NCBI_API_KEY", "NCBI_EMAIL", "OPENALEX_API_KEY", "CROSSREF_EMAIL", "LITSCALE_LLM_KEY")
_IN_ADDRESS = re.compile(r"(?i)\b(api_?key|access_token|mailto)(=|%3D)[^\s&\"'<>,;\\]{6,}")
_TEXT = (".md", ".toml", ".json", ".csv", ".txt", ".html", ".svg", ".bib", ".tex")
_MARKS = re.compile(r"(?s)<style.*?</style>|<script.*?</script>|</?[a-zA-Z][\w:]*|>")
_OPEN = re.compile(r"^(cc0|cc-by|cc-by-sa|public-domain|pd)(-\d(\.\d)?)?$")


class Names:
    """Pseudonyms of all people of a ledger, in the order in which they first appear; none without one."""

    def __init__(self, ledger: Ledger | None) -> None:
        self.known: dict[str, str] = {}
        for name in TABLES if ledger else ():
            for row in ledger.rows(name) if ledger else ():
                for one in _named(row):
                    self.known.setdefault(one, f"person-{len(self.known) + 1}")
        longest = sorted(self.known, key=len, reverse=True)
        self._words = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in longest) or r"(?!)")

    def counts(self) -> dict[str, int]:
        """For the account."""
        return {"people under pseudonyms": len(self.known)} if self.known else {}

    def text(self, text: str) -> str:
        """Free text, every name as a word of its own replaced."""
        return self._words.sub(lambda found: self.known[found.group()], text)

    def found(self, text: str) -> list[tuple[str, str, str]]:
        """Who is named in a text: the name, its pseudonym, and the words around its first place."""
        firsts = {one.group(): one for one in reversed(list(self._words.finditer(text)))}
        return [
            (name, self.known[name], " ".join(text[max(0, one.start() - 30) : one.end() + 30].split()))
            for name, one in sorted(firsts.items())
        ]

    def cell(self, column: str, value: Any) -> Any:
        """One cell of the ledger."""
        if not self.known or not isinstance(value, str):
            return value
        if column in PEOPLE:
            return self.known.get(value, value)
        if column in _PLACES:
            return "/".join(self.known.get(part, part) for part in value.split("/"))
        if value[:1] in ("{", "["):
            try:
                return json.dumps(self.plain(json.loads(value)), sort_keys=True, ensure_ascii=False)
            except ValueError:
                return self.text(value)
        return self.text(value)

    def plain(self, value: Any) -> Any:
        """Plain data, every text in it by `text`."""
        if isinstance(value, dict):
            return {key: self.plain(held) for key, held in value.items()}
        if isinstance(value, list):
            return [self.plain(held) for held in value]
        return self.text(value) if isinstance(value, str) else value


def _named(row: dict[str, Any]) -> Iterable[str]:
    found = [row[column] for column in PEOPLE if row.get(column)]
    if row.get("kind") == "take-over":
        found += json.loads(row["parameters"]).get("people", [])
    return found


def open_licence(licence: str | None) -> bool:
    """Whether a licence lets anybody pass the text on.

    >>> open_licence("CC BY 4.0"), open_licence("cc-by-nc"), open_licence(None)
    (True, False, False)
    """
    plain = re.sub(r"[\s_]+", "-", (licence or "").strip().lower())
    return bool(_OPEN.match(plain.removeprefix("https://creativecommons.org/licenses/").replace("/", "-")))


def without_keys(text: str) -> tuple[str, int]:
    """A text without the environment's keys and without keys in addresses; and how many there were.

    >>> without_keys("https://x/works?api_key=secret123&page=1")
    ('https://x/works?api_key=REMOVED&page=1', 1)
    """
    count = 0
    for key in _KEYS:
        value = os.environ.get(key, "")
        if len(value) >= 6:
            count += text.count(value)
            text = text.replace(value, "REMOVED")
    text, more = _IN_ADDRESS.subn(r"\1\2REMOVED", text)
    return text, count + more


def words_of(name: str, body: bytes) -> str:
    """What a person can read in a file that was built; empty for one without text, as a drawing.

    >>> words_of("report.html", b"<style>:root { color: red }</style><p>root said so</p>").split()
    ['root', 'said', 'so']
    """
    if name.endswith(".docx"):
        with ZipFile(io.BytesIO(body)) as parts:
            found = [parts.read(part) for part in parts.namelist() if part.endswith(".xml")]
        # A word can be cut into several runs: marks go without leaving a space, paragraphs with one.
        text = b"\n".join(found).decode("utf-8", "replace").replace("</w:p>", " ")
        return unescape(re.sub(r"<[^>]*>", "", text))
    if not name.endswith(_TEXT):
        return ""
    text = body.decode("utf-8", "replace")
    if name.endswith((".html", ".svg")):
        # Attributes stay: the words for screen readers are there.
        text = unescape(_MARKS.sub(" ", text))
    return text


def scrubbed(name: str, body: bytes) -> tuple[bytes, int]:
    """A file `without_keys`, if it is text."""
    if not name.endswith(_TEXT):
        return body, 0
    text, count = without_keys(body.decode("utf-8", "surrogateescape"))
    return text.encode("utf-8", "surrogateescape"), count


README = """# {title}

Packed by litscale {version} from the state {state} of the review. What is here:

| place | what |
|---|---|
| `protocol/` | every frozen version of the protocol, and the file as it is now |
| `codebook/` | dimensions and labels with their definitions |
| `ledger/` | all tables of the ledger as CSV, superseded rows included; people: {people} |
| `records.csv` | identifiers and title of every record, its report and study; abstracts: {abstracts} |
| `retrievals.csv` | which search brought which record, row by row |
| `runs/` | what every run said of itself: parameters, account, versions, hashes of its files |
| `runs/links/` | links of the machine (Parquet); people's are in `ledger/links.csv` |
| `runs/labels/` | labels of every tagging run with their probabilities (Parquet) |
| `runs/topics/`, `topics.toml` | topics as they were fitted, and what people call them, where there are any |
| `runs/models/` | model cards and measurements of taggers that were trained here, without weights |
| `environment/` | versions of the software, by run and as installed |
| `report/`, `figures/`, `tables/` | as built; `report/report.json` has all numbers and their origin |
| `SHA256SUMS` | check with `sha256sum -c SHA256SUMS` |

## Left out

- Abstracts and texts of others that may not be passed on; full texts always; raw answers of services.
- Quotations, prompts and model answers that hold such texts: their SHA-256 stands in their place.
- Keys and addresses of mail, wherever they stood in a parameter.

`run.json` names the hashes of files that are not here too: who holds the corpus can show that it is the
same.

## Licences

What the authors made (decisions, labels, protocol, codebook, report, figures) is theirs to license: name
a licence here before you deposit, for instance CC BY 4.0 for texts and CC0 1.0 for data. Titles and
identifiers are facts about works of others. The software is litscale, Apache-2.0.
"""
