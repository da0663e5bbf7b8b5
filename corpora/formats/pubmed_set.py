"""PubMed XML as a file: what ``Save → XML`` or EFetch wrote, unpacked."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from corpora.errors import FormatError
from corpora.formats.base import Format, Row


def read(path: Path, mapping: Mapping[str, str]) -> Iterator[Row]:
    """Rows of a PubmedArticleSet, in constant memory."""
    # Here, not above: the sources import the formats' `Row`.
    from corpora.sources import pubmed_xml

    del mapping
    number = 0
    try:
        with path.open("rb") as stream:
            for row in pubmed_xml.rows(stream):
                yield row
                number = row.number + 1
    except FormatError as error:
        if not number:
            raise FormatError(f"{path}: {error}") from error
        yield Row(number, refused=f"the file ends inside this record: cut off? ({error})")


FORMAT = Format("pubmed-xml", (".xml",), lambda start: b"<Pubmed" in start, read, source="pubmed")
