"""Identifiers, normalised in one place.

Each function takes whatever a source wrote and gives the canonical form, or None if it cannot
be read; the caller keeps and counts what could not be read (`corpora.record.build`).
"""

import html
import re
from collections.abc import Callable
from urllib.parse import unquote

_DOI = re.compile(r"10\.\d{4,9}/\S+", re.ASCII)
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_DATE = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?:[-/ ](\d{1,2}|[A-Za-z]{3,9})(?:[-/ ](\d{1,2}))?)?(?!\d)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def doi(raw: str) -> str | None:
    """Lower-case DOI without resolver, prefix or trailing punctuation.

    Case does not matter in a DOI (https://www.doi.org/doi_handbook/2_Numbering.html).

    >>> doi("https://doi.org/10.1000/ABC.1."), doi("doi:10.1000/abc [doi]"), doi("n/a")
    ('10.1000/abc.1', '10.1000/abc', None)
    """
    text = html.unescape(unquote(raw)).strip()
    found = _DOI.search(text)
    if not found:
        return None
    value = found.group().rstrip(".,;:'\"").lower()
    # A closing bracket belongs to the DOI only if it was opened in it: 10.1016/s0140(96)1.
    while value.endswith((")", "]", ">")) and value.count(value[-1]) > value.count(
        {")": "(", "]": "[", ">": "<"}[value[-1]]
    ):
        value = value[:-1].rstrip(".,;:")
    return value


def pmid(raw: str) -> str | None:
    """PubMed id: digits without leading zeros.

    >>> pmid("PMID: 0012345"), pmid("https://pubmed.ncbi.nlm.nih.gov/31452104/"), pmid("PMC12")
    ('12345', '31452104', None)
    """
    text = raw.strip()
    found = re.fullmatch(
        r"(?:(?:https?://)?(?:www\.|pubmed\.)?ncbi\.nlm\.nih\.gov/(?:pubmed/)?|pmid:?\s*|medline:)?"
        r"0*([1-9]\d{0,8})(?:/|\.0|\s*\[pmid\])?",
        text,
        re.IGNORECASE,
    )
    return found.group(1) if found else None


def pmcid(raw: str) -> str | None:
    """PubMed Central id with its prefix.

    >>> pmcid("https://www.ncbi.nlm.nih.gov/pmc/articles/PMC13038296/"), pmcid("pmc 7")
    ('PMC13038296', 'PMC7')
    """
    found = re.search(r"PMC\s*0*([1-9]\d*)(?:\.\d+)?/?$", raw.strip(), re.IGNORECASE)
    return f"PMC{found.group(1)}" if found else None


def openalex(raw: str) -> str | None:
    """OpenAlex work id.

    >>> openalex("https://openalex.org/w2741809807")
    'W2741809807'
    """
    found = re.search(r"(?:^|/)(w[1-9]\d*)$", raw.strip(), re.IGNORECASE)
    return found.group(1).upper() if found else None


def nct(raw: str) -> str | None:
    """ClinicalTrials.gov id.

    >>> nct("ClinicalTrials.gov/nct04280705")
    'NCT04280705'
    """
    found = re.search(r"NCT\d{8}(?!\d)", raw, re.IGNORECASE)
    return found.group().upper() if found else None


def orcid(raw: str) -> str | None:
    """ORCID with dashes; the check digit must agree (ISO 7064 MOD 11-2).

    >>> orcid("https://orcid.org/0000000218250097"), orcid("0000-0002-1825-0098")
    ('0000-0002-1825-0097', None)
    """
    found = re.search(r"(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dX])$", raw.strip(), re.IGNORECASE)
    if not found:
        return None
    digits = "".join(found.groups()).upper()
    total = 0
    for digit in digits[:15]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return "-".join(found.groups()).upper() if digits[15] == "0123456789X"[check] else None


def year(raw: str) -> str | None:
    """A year from 1500 to 2099, alone or within a date; None for 20224.

    >>> year("2021 Mar-Apr"), year("20224"), year("2020.0")
    ('2021', None, '2020')
    """
    found = _YEAR.search(raw)
    return found.group() if found else None


def date(raw: str) -> str | None:
    """A date as far as it is known: YYYY, YYYY-MM or YYYY-MM-DD.

    >>> date("2021 Mar 5"), date("2021/13"), date("2020-02"), date("Spring 2019")
    ('2021-03-05', '2021', '2020-02', '2019')
    """
    found = _DATE.search(raw)
    if not found:
        return None
    parts = [found.group(1)]
    month, day = found.group(2), found.group(3)
    if month and not month.isdigit():
        name = month[:3].lower()
        month = str(_MONTHS.index(name) + 1) if name in _MONTHS else None
    if month and 1 <= int(month) <= 12:
        parts.append(f"{int(month):02d}")
        if day and 1 <= int(day) <= 31:
            parts.append(f"{int(day):02d}")
    return "-".join(parts)


NORMALISERS: dict[str, Callable[[str], str | None]] = {
    "doi": doi,
    "pmid": pmid,
    "pmcid": pmcid,
    "openalex_id": openalex,
    "nct_ids": nct,
    "year": year,
    "publication_date": date,
}
