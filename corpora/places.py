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
    "north macedonia": "MK", "burma": "MM", "united kingdom": "GB",
    "the gambia": "GM", "gambia": "GM", "brasil": "BR",
    "méxico": "MX", "españa": "ES", "deutschland": "DE", "italia": "IT", "schweiz": "CH", "suisse": "CH",
    "kosovo": "XK", "reunion": "RE", "saint lucia": "LC", "micronesia": "FM",
}  # fmt: skip
# American affiliations often end with the state. Georgia may be the state or the country: left out.
_STATE_NAMES = """
Alabama AL Alaska AK Arizona AZ Arkansas AR California CA Colorado CO Connecticut CT Delaware DE
Florida FL Hawaii HI Idaho ID Illinois IL Indiana IN Iowa IA Kansas KS Kentucky KY Louisiana LA
Maine ME Maryland MD Massachusetts MA Michigan MI Minnesota MN Mississippi MS Missouri MO Montana MT
Nebraska NE Nevada NV New_Hampshire NH New_Jersey NJ New_Mexico NM New_York NY North_Carolina NC
North_Dakota ND Ohio OH Oklahoma OK Oregon OR Pennsylvania PA Rhode_Island RI South_Carolina SC
South_Dakota SD Tennessee TN Texas TX Utah UT Vermont VT Virginia VA Washington WA West_Virginia WV
Wisconsin WI Wyoming WY Washington_DC DC Atlanta_GA GA
"""
_STATES = _STATE_NAMES.split()
_NAMES = {
    **{one.name.lower(): one.alpha2 for one in countries if one.alpha2 != "GE"},
    **{one.apolitical_name.lower(): one.alpha2 for one in countries if one.alpha2 != "GE"},
    **{state.replace("_", " ").lower(): "US" for state in _STATES[::2]},
    **_COMMON,
}
_CODES = frozenset(_STATES[1::2])
_MARK = r"\s*\([^()]*\)|\s*(?:electronic address:|e-?mail:)?\s*\S+@\S+"
_TAIL = re.compile(rf"(?:{_MARK})+[\s.;,]*$", re.IGNORECASE)
_NUMBERS = re.compile(r"^[\d\s-]+|[\d\s-]+$")


@lru_cache(maxsize=65_536)
def country(affiliation: str) -> str | None:
    """The country that an affiliation ends with; None if none is named there.

    Only the end is read: a street named after a country in the middle is none.

    >>> country("Hospital, Bern, Switzerland. j@x.ch"), country("MIT, Cambridge, MA 02139, USA.")
    ('CH', 'US')
    >>> country("Emory University, Atlanta, GA 30322."), country("Foshan University Nanhai China")
    ('US', 'CN')
    >>> country("Tbilisi, Georgia"), country("Department of Medicine")
    (None, None)
    """
    text = affiliation
    if text.endswith(")") or "@" in text or ")." in text:
        text = _TAIL.sub("", text)
    last = _NUMBERS.sub("", text.rstrip(" .;,").rsplit(",", 1)[-1]).strip()
    if last in _CODES:
        return "US"
    words = last.lower().split()
    found = _NAMES.get(" ".join(words))
    if found:
        return found
    for size in range(min(5, len(words) - 1), 0, -1):
        found = _NAMES.get(" ".join(words[-size:]))
        # A university of a state, and New Guinea, are no place at the end of an address.
        if found and words[-size - 1] not in ("of", "new", "in", "and"):
            return found
    return None
