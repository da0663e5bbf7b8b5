"""Countries in affiliations, as ISO 3166-1 alpha-2 codes in one place."""

import re
from functools import lru_cache

from iso3166 import countries

_COMMON = {
    "usa": "US", "united states": "US", "u.s.a": "US", "us": "US", "uk": "GB", "u.k": "GB",
    "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB", "great britain": "GB",
    "korea": "KR", "south korea": "KR", "republic of korea": "KR", "north korea": "KP", "iran": "IR",
    "islamic republic of iran": "IR", "russia": "RU", "taiwan": "TW", "taiwan roc": "TW",
    "vietnam": "VN", "viet nam": "VN", "czech republic": "CZ", "turkey": "TR", "türkiye": "TR",
    "turkiye": "TR", "p.r. china": "CN", "pr china": "CN", "p. r. china": "CN", "p.r.china": "CN",
    "people's republic of china": "CN", "people’s republic of china": "CN", "mainland china": "CN",
    "the netherlands": "NL", "netherlands": "NL", "holland": "NL", "uae": "AE", "hong kong sar": "HK",
    "macau": "MO", "tanzania": "TZ", "bolivia": "BO", "venezuela": "VE", "syria": "SY", "laos": "LA",
    "moldova": "MD", "palestine": "PS", "brunei": "BN", "cape verde": "CV", "ivory coast": "CI",
    "cote d'ivoire": "CI", "côte d'ivoire": "CI", "democratic republic of the congo": "CD",
    "dr congo": "CD", "republic of the congo": "CG", "swaziland": "SZ", "macedonia": "MK",
    "north macedonia": "MK", "burma": "MM", "the gambia": "GM", "gambia": "GM", "brasil": "BR",
    "méxico": "MX", "españa": "ES", "deutschland": "DE", "italia": "IT", "schweiz": "CH", "suisse": "CH",
    "kosovo": "XK", "reunion": "RE", "saint lucia": "LC", "micronesia": "FM",
}  # fmt: skip
_NAMES = {
    **{one.name.lower(): one.alpha2 for one in countries},
    **{one.apolitical_name.lower(): one.alpha2 for one in countries},
    **_COMMON,
}
_MAIL = re.compile(r"(?:electronic address:|e-?mail:)?\s*\S+@\S+\s*$", re.IGNORECASE)
_POSTCODE = re.compile(r"^[\d\s-]+|[\d\s-]+$")


@lru_cache(maxsize=65_536)
def country(affiliation: str) -> str | None:
    """The country at the end of an affiliation; None if none is named there.

    Only the last part is read: a city called Georgia in the middle is no country.

    >>> country("Hospital, Bern, Switzerland. j@x.ch"), country("MIT, Cambridge, MA 02139, USA.")
    ('CH', 'US')
    >>> country("Department of Medicine") is None
    True
    """
    text = affiliation.rstrip(" .;")
    if "@" in text:
        text = _MAIL.sub("", text).rstrip(" .;,")
    last = text.rsplit(",", 1)[-1].strip().lower()
    found = _NAMES.get(last) or _NAMES.get(_POSTCODE.sub("", last).strip())
    if found or ". " not in last:
        return found
    return _NAMES.get(last.rsplit(". ", 1)[-1])
