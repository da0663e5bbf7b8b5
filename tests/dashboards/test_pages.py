"""The dashboard: every page by AppTest, and in a real Chromium."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from review import auditing
from review.facts import facts
from review.serve import command
from review.workspace import WORKSPACE, Workspace
from tests.review import coding

APP = Path(__file__).resolve().parents[2] / "dashboards" / "app.py"
PAGES = {
    "": "Overview", "trends": "Trends", "tasks": "Tasks × methods", "shares": "Shares", "records": "Records",
}  # fmt: skip


def page(monkeypatch: pytest.MonkeyPatch, root: Path, name: str) -> AppTest:
    """Run one page of the app; AppTest knows only the default page, so the page is called."""
    monkeypatch.setenv(WORKSPACE, str(root))
    code = (
        "from dashboards.source import open_source\n"
        f"from dashboards import {name} as shown\nshown.show(open_source())\n"
    )
    return AppTest.from_string(code, default_timeout=60).run()


def test_the_app_runs(demo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKSPACE, str(demo_root))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    assert app.title[0].value == "Overview"
    assert "SIMULATED" in app.sidebar.warning[0].value


@pytest.mark.parametrize("name", ["overview", "trends", "tasks", "shares", "browser"])
def test_every_page_shows_the_demonstration(
    name: str, demo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page(monkeypatch, demo_root, name)
    assert not shown.exception
    assert shown.title


@pytest.mark.parametrize("name", ["overview", "trends", "tasks", "shares", "browser"])
def test_every_page_says_what_to_do_with_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Workspace.create(tmp_path / "w", '[review]\ntitle = "Empty"\n').root
    shown = page(monkeypatch, root, name)
    assert not shown.exception
    assert "review" in shown.info[0].value


def test_the_numbers_are_those_of_the_flow(demo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(monkeypatch, demo_root, "overview")
    metrics = {metric.label: metric.value for metric in shown.metric}
    assert metrics["Records identified"] == "300"


def test_search_narrows_the_records(demo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(monkeypatch, demo_root, "browser")
    everything = shown.caption[0].value
    shown.text_input[0].set_value("chatbot").run()
    assert not shown.exception
    narrowed = shown.caption[0].value
    assert narrowed != everything
    shown.text_input[0].set_value("zzzzzz").run()
    assert "Nothing found" in shown.info[0].value
    shown.text_input[0].set_value("").run()
    assert shown.caption[0].value == everything


def test_filters_narrow_the_trends(demo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(monkeypatch, demo_root, "trends")
    assert " of " in shown.caption[0].value
    high = shown.slider[0].value[1]
    shown.slider[0].set_value((high - 1, high)).run()
    assert not shown.exception
    first = int(shown.caption[0].value.split()[0].replace(",", ""))
    shown.multiselect[0].set_value(["pubmed"]).run()
    assert not shown.exception
    assert int(shown.caption[0].value.split()[0].replace(",", "")) < first


def test_shares_are_naive_until_an_audit_is_finished(
    demo_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page(monkeypatch, demo_copy, "shares")
    assert shown.warning[0].value.startswith("Not audited: no audit was drawn")
    workspace = Workspace(demo_copy)
    drawn = auditing.draw(workspace, facts(workspace), 100, "ann")
    truth = coding.as_tagged(workspace, drawn)
    for number, given in enumerate(truth.values()):
        if number % 3 == 0:
            given["methods"] = coding.said("generative_llm neural")
    coding.code(workspace, drawn, truth)
    for name in ("shares", "trends", "tasks"):
        shown = page(monkeypatch, demo_copy, name)
        assert not shown.exception
        assert any("Corrected by audit-1: 100 of" in one.value for one in shown.caption), name
        assert not shown.warning


def test_no_link_is_made_of_nothing(demo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page(monkeypatch, demo_root, "browser")
    links = shown.dataframe[0].value["link"].dropna().tolist()
    assert links
    assert not any("nan" in link or "None" in link for link in links)


def test_a_broken_workspace_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKSPACE, str(tmp_path))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    assert "review new" in app.error[0].value


@pytest.fixture(scope="module")
def served(demo_root: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, WORKSPACE: str(demo_root)}
    line = command("127.0.0.1", port, browser=False)
    with subprocess.Popen(
        line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        for _ in range(150):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
        child.terminate()
        child.wait()


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium; .ci/run installs it")
def test_every_page_opens_in_a_real_browser(served: str, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for width, height in ((1440, 900), (390, 844)):
            view = browser.new_page(viewport={"width": width, "height": height})
            for path, title in PAGES.items():
                view.goto(f"{served}/{path}")
                view.get_by_role("heading", name=title, exact=True).wait_for(timeout=60_000)
                view.wait_for_selector(
                    "[data-testid=stApp][data-test-script-state=notRunning]", timeout=60_000
                )
                assert view.locator("[data-testid=stException]").count() == 0, title
                picture = tmp_path / f"{width}-{path or 'overview'}.png"
                view.screenshot(path=picture)
                assert picture.stat().st_size > 8_000
        browser.close()
