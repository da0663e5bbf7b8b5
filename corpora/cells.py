"""Cells of tables that people open in a spreadsheet."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(cell: str) -> str:
    """Text that a spreadsheet would run as a formula gets a leading apostrophe.

    https://owasp.org/www-community/attacks/CSV_Injection

    >>> safe("=1+1"), safe("b")
    ("'=1+1", 'b')
    """
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
