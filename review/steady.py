"""DOCX files without the clock: the same document gives the same bytes."""

import io
import zipfile
from datetime import datetime
from typing import Any

_EPOCH = datetime(1980, 1, 1)
_STAMP = (1980, 1, 1, 0, 0, 0)


def docx_bytes(document: Any, title: str) -> bytes:
    """The bytes of a `docx.Document`, every date set to 1980, its title and author filled."""
    properties = document.core_properties
    properties.title, properties.author = title[:255], "litscale"
    properties.comments, properties.last_modified_by = "", "litscale"
    properties.created = properties.modified = _EPOCH
    written, steady = io.BytesIO(), io.BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(steady, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, _STAMP), source.read(name), zipfile.ZIP_DEFLATED)
    return steady.getvalue()
