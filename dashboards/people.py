"""People, places and words: who publishes where, from which countries, in which languages, on what."""

from dashboards import parts
from dashboards.filters import filtered
from dashboards.source import Source

FIGURES = {
    "Map": "country-map",
    "Countries": "country-collaboration",
    "Venues": "venues",
    "Authors": "authors",
    "Languages": "languages",
    "Keywords": "keyword-network",
}


def show(source: Source) -> None:
    """Draw the page."""
    parts.head("People and places", "Who publishes, where, from which countries and languages, and on what.")
    if not parts.ready(source):
        return
    view = filtered(source)
    parts.gallery(source, view, FIGURES, key="people", first=True)
