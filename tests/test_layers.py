"""Each room imports the rooms to its left, never one to its right."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("corpora", "classifiers", "review", "dashboards")
ONLY_IN = {"sqlalchemy": "review", "streamlit": "dashboards", "typer": "review"}
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imported(source: str) -> set[str]:
    """Top-level names of every import, also inside functions and import_module("…") strings."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            names |= set(re.findall(r"['\"](\w+)", ast.unparse(node)))
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_left_only(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    names = imported(path.read_text("utf-8"))
    assert not (names & set(ROOMS)) - allowed
    assert not {name for name, home in ONLY_IN.items() if name in names and home != room}


def test_the_walk_sees_hidden_imports() -> None:
    source = "def f():\n    from review import x\n    import_module('dashboards.app')\n"
    assert imported(source) == {"review", "dashboards"}


def test_room_inits_are_empty() -> None:
    assert [room for room in ROOMS if (ROOT / room / "__init__.py").read_text("utf-8")] == []


def test_the_top_level_holds_nothing_else() -> None:
    visible = {p.name for p in ROOT.iterdir() if not p.name.startswith(".") and p.is_dir()}
    made = {"build", "dist", "litscale-demo", "litscale.egg-info", "shared"}
    assert visible - made == {*ROOMS, "tests"}
