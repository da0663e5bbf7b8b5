"""Login by a real Chromium at a real OpenID Connect provider; and what is said to who is not logged in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Origin, Subprotocol
from websockets.sync.client import connect

from dashboards.parts import plain
from review.facts import facts
from review.serve import access
from review.workspace import Workspace
from tests.dashboards.conftest import serving
from tests.dashboards.provider import Provider, providing
from tests.dashboards.test_browser import browser, pytestmark, settled

__all__ = ["browser", "pytestmark"]


def given(folder: Path, secrets: str) -> Path:
    """A folder to start in, with its secrets where a server has them."""
    file = folder / ".streamlit" / "secrets.toml"
    file.parent.mkdir()
    file.write_text(secrets, "utf-8")
    file.chmod(0o600)
    return folder


@pytest.fixture(scope="module")
def served(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Provider]]:
    with providing() as provider:
        folder = given(tmp_path_factory.mktemp("server"), provider.secrets())
        with serving(demo_root, folder) as address:
            yield address, provider


def closed(view: Any, root: Path) -> None:
    """The page asks for a login and tells nothing of the review."""
    view.get_by_role("button", name="Log in").wait_for(timeout=60_000)
    settled(view)
    assert view.locator("section[data-testid=stSidebar] a").count() == 0
    assert view.get_by_role("button").count() == 1
    assert not known(root, view.content())


@pytest.mark.slow
def test_who_logs_in_comes_to_the_page_that_was_asked_for_and_can_log_out(
    browser: Any, served: tuple[str, Provider], demo_root: Path
) -> None:
    address, provider = served
    view = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    view.goto(f"{address}/records?years=2020-2021")
    closed(view, demo_root)
    view.get_by_role("button", name="Log in").click()
    view.get_by_role("heading", name="Records", exact=True).wait_for(timeout=60_000)
    settled(view)
    assert view.url.startswith(f"{address}/records")
    assert "years=2020-2021" in view.url
    assert "Years 2020–2021" in view.locator("[data-testid=stMain]").inner_text()
    assert "Ann *Reviewer*" in view.locator("[data-testid=stSidebar]").inner_text()
    view.get_by_role("button", name="Log out").click()
    closed(view, demo_root)
    assert "/logout" in provider.log
    view.context.close()


@pytest.mark.slow
def test_who_is_refused_is_told_what_to_do_and_sees_nothing(
    browser: Any, served: tuple[str, Provider], demo_root: Path
) -> None:
    address, provider = served
    provider.refuses = True
    provider.log.clear()
    view = browser.new_context().new_page()
    view.goto(address)
    with view.expect_event("load"):
        view.get_by_role("button", name="Log in").click()
    provider.refuses = False
    assert "/token" not in provider.log
    closed(view, demo_root)
    assert "ask whoever serves it" in view.locator("[data-testid=stMain]").inner_text()
    view.context.close()


PATHS = ("", "records", "study?study=S1", "_stcore/health", "_stcore/metrics", "_stcore/host-config",
         "_stcore/script-health-check", "_stcore/agent/openapi.json", "app/static/x", "static/x",
         "media/x", "component/x/y", "ledger.sqlite", "corpus/", "oauth2callback?code=x&state=y")  # fmt: skip


def fetched(address: str, path: str) -> str:
    return httpx.get(f"{address}/{path}", timeout=60, follow_redirects=True).text


def spoken(address: str, page: str, cookies: dict[str, str]) -> str:
    """All that the server says to somebody who opens a page, until its script has ended."""
    url = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    header = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    protocols = [Subprotocol("streamlit"), Subprotocol(cookies["_streamlit_xsrf"])]
    told = b""
    with connect(url, origin=Origin(address), subprotocols=protocols, additional_headers=header) as line:
        asked = BackMsg()
        asked.rerun_script.page_name = page
        line.send(asked.SerializeToString())
        ended = False
        while not ended:
            answer = line.recv(timeout=60)
            assert isinstance(answer, bytes)
            told += answer
            ended = ForwardMsg.FromString(answer).WhichOneof("type") == "script_finished"
    return told.decode("utf-8", "replace")


def known(root: Path, told: str) -> list[str]:
    """What is told of that only the workspace knows: title and question, titles and ids of studies."""
    workspace = Workspace(root)
    studies = facts(workspace).studies
    held = [workspace.protocol.review.title, workspace.protocol.review.question]
    held += [*studies["title"].dropna(), *studies["study_id"]]
    return [one for one in held if one in told or plain(one) in told]


@pytest.mark.slow
def test_a_program_is_told_nothing_without_the_cookie_of_a_login(
    browser: Any, served: tuple[str, Provider], demo_root: Path
) -> None:
    address, _ = served
    context = browser.new_context()
    view = context.new_page()
    view.goto(address)
    view.get_by_role("button", name="Log in").click()
    view.get_by_role("button", name="Log out").wait_for(timeout=60_000)
    cookies = {one["name"]: one["value"] for one in context.cookies()}
    context.close()
    assert known(demo_root, spoken(address, "records", cookies))
    body, dot, sign = cookies["_streamlit_user"].rpartition(".")
    cookies["_streamlit_user"] = body + dot + sign[::-1]
    told = [spoken(address, page, cookies) for page in ("", "records", "study")]
    del cookies["_streamlit_user"], cookies["_streamlit_user_tokens"]
    told += [spoken(address, page, cookies) for page in ("", "records", "study")]
    assert all("Log in" in one for one in told)
    told += [fetched(address, path) for path in PATHS]
    assert not known(demo_root, "".join(told))


def test_secrets_that_cannot_be_read_let_nobody_in(browser: Any, demo_root: Path, tmp_path: Path) -> None:
    with serving(demo_root, given(tmp_path, "[auth\nredirect_uri = ")) as address:
        view = browser.new_page()
        view.goto(address)
        view.get_by_text("secrets of this server cannot be read").wait_for(timeout=60_000)
        assert not known(demo_root, view.content())
        view.close()


def test_who_will_see_it_is_said_before_it_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert access("127.0.0.1") == "Only this machine can open it; nobody is asked to log in."
    assert access("0.0.0.0").startswith("Everybody who reaches 0.0.0.0 sees the review")
    (tmp_path / ".streamlit").mkdir()
    secrets = tmp_path / ".streamlit" / "secrets.toml"
    secrets.write_text('[auth]\nclient_id = "x"\n', "utf-8")
    assert access("0.0.0.0") == f"Visitors must log in: {secrets} says so."
    secrets.write_text("[auth\n", "utf-8")
    assert access("0.0.0.0").startswith("Nobody will be let in")
