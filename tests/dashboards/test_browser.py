"""The real app in a real Chromium: every page, both themes, by keyboard; news while it is open."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from review.facts import facts
from review.gathering.ingest import import_file
from review.protocol import Import
from review.workspace import Workspace
from tests.dashboards.conftest import serving

PAGES = {
    "": "Overview", "screening": "Screening", "changes": "Changes", "trends": "Trends",
    "tasks": "Tasks × methods", "rag": "RAG", "evaluation": "Evaluation and gaps", "topics": "Topics",
    "shares": "All labels", "people": "People and places",
    "records": "Records", "quality": "Classifier quality", "export": "Export",
}  # fmt: skip
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PALE = (Path(__file__).parent / "contrast.js").read_text("utf-8")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium; .ci/run installs it"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield made
        made.close()


def settled(view: Any) -> None:
    view.wait_for_selector("h1", timeout=60_000)
    view.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000)


def test_every_page_in_both_themes(browser: Any, demo_root: Path) -> None:
    with serving(demo_root) as address:
        for theme, width in (("light", 1440), ("dark", 390)):
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
            view = context.new_page()
            asked: list[str] = []
            view.on("request", lambda request, asked=asked: asked.append(request.url))
            for path, title in PAGES.items():
                view.goto(f"{address}/{path}")
                view.get_by_role("heading", name=title, exact=True).wait_for(timeout=60_000)
                settled(view)
                assert view.locator("[data-testid=stException]").count() == 0, title
                assert view.evaluate(PALE) == [], f"{title}, {theme}: text under 4.5 : 1"
                wide = "document.querySelector('[data-testid=stMain]').scrollWidth"
                assert view.evaluate(wide) <= width, f"{title} is wider than the screen"
            context.close()
            away = [url for url in asked if not url.startswith((address, "data:", "blob:", "ws:"))]
            assert not away, "the browser of a visitor tells another server what is looked at"
        _by_keyboard(browser, address)


def _by_keyboard(browser: Any, address: str) -> None:
    """A filter is opened, chosen and cleared, and a record is opened, without a pointer."""
    view = browser.new_page(viewport={"width": 1440, "height": 900})
    view.goto(f"{address}/records")
    settled(view)
    view.get_by_role("button", name="Filters").focus()
    view.keyboard.press("Enter")
    view.get_by_role("combobox", name="Tasks").focus()
    view.keyboard.press("ArrowDown")
    view.keyboard.press("Enter")
    view.wait_for_function("location.search.includes('tasks=')")
    view.get_by_role("button", name="Clear").focus()
    view.keyboard.press("Enter")
    view.wait_for_function("!location.search.includes('tasks=')")
    link = view.locator("[data-testid=stMain] [data-testid=stPageLink] a").first
    link.focus()
    view.keyboard.press("Enter")
    view.get_by_role("heading", name="History").wait_for(timeout=60_000)
    assert "study=" in view.url
    view.close()


def test_a_part_that_is_committed_meanwhile_is_told_and_shown_on_request(
    browser: Any, demo_copy: Path, tmp_path: Path
) -> None:
    before = len(facts(Workspace(demo_copy)).studies)
    with serving(demo_copy) as address:
        view = browser.new_page(viewport={"width": 1440, "height": 900})
        view.goto(f"{address}/records")
        settled(view)
        file = tmp_path / "more.csv"
        file.write_text("record_id,title,year\n1,A study nobody had yet,2024\n", "utf-8")
        import_file(Workspace(demo_copy), Import(file=str(file), source="Late", kind="database"))
        # The open page goes on with its state, says that there is another, and does not change by itself.
        view.get_by_role("combobox", name="Order").click()
        view.get_by_role("option", name="Title").click()
        settled(view)
        assert view.locator("[data-testid=stException]").count() == 0
        assert f"{before:,} of {before:,} studies" in view.locator("[data-testid=stMain]").inner_text()
        view.get_by_text("New data is there").wait_for(timeout=60_000)
        view.get_by_role("button", name="Show the new state").click()
        view.get_by_text(f"{before + 1:,} of {before + 1:,} studies").wait_for(timeout=60_000)
        view.close()
