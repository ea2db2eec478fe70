"""After the exam: what the terminal says, and the browser that it lets look."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from proctor_client.agent import Plan
from proctor_client.errors import NotOver, SessionEnded, SpoolBusy
from proctor_client.looking import review_lines
from proctor_client.server import parse_link
from proctor_client.spool import locked

from proctor.services.logins import StaffRole
from tests.client.clips import grey, write_clip
from tests.conftest import Server, analysed
from tests.device import Device

ROOT = Path(__file__).parents[2]
ANSWERS = {"two-dice": "c", "independent": ["both"]}


@dataclass
class Home:
    """A learner's computer, with the program as they run it."""

    server: Server
    folder: Path
    session: str
    link: str

    async def run(self, *words: str, browser: str = "false") -> tuple[int, str, str]:
        """Run the program: its exit code, what it said, and what it complained of."""
        env = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "client")]),
            "PROCTOR_CLIENT_KEYRING": "off",
            "BROWSER": browser,
        }
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proctor_client.cli", *words, "--data", str(self.folder)),
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await running.communicate()
        assert running.returncode is not None
        return running.returncode, out.decode(), err.decode()

    async def take(self) -> str:
        clip = write_clip(self.folder.parent / "clip.avi", 8, lambda at: grey(60 + 10 * at))
        answers = self.folder.parent / "answers.json"
        answers.write_text(json.dumps(ANSWERS))
        words = ["--camera", str(clip), "--answers", str(answers), "--accept", "--pace", "0"]
        code, out, err = await self.run("take", self.link, *words)
        assert code == 0, err
        return out

    async def only_join(self) -> None:
        """Refuse the rules: the session stands, and nothing has ended."""
        clip = write_clip(self.folder.parent / "clip.avi", 2, lambda at: grey(60 + 10 * at))
        answers = self.folder.parent / "answers.json"
        answers.write_text("{}")
        await self.run("take", self.link, "--camera", str(clip), "--answers", str(answers))

    @property
    def plan(self) -> Plan:
        """As the program makes it: it names the session's folder."""
        return Plan(
            link=parse_link(self.link),
            data=self.folder,
            camera="",
            blobs_limit_bytes=0,
            use_keyring=False,
        )

    def keep(self, token: str) -> None:
        path = self.plan.folder / "session.json"
        path.write_text(json.dumps(json.loads(path.read_bytes()) | {"device_token": token}))

    def kept(self) -> str:
        return str(json.loads((self.plan.folder / "session.json").read_bytes())["device_token"])

    async def after(self, *words: str, browser: str = "false") -> tuple[int, str, str]:
        return await self.run("after", self.link, *words, browser=browser)


@pytest.fixture
async def home(server: Server, tmp_path: Path) -> Home:
    invited = await server.invite()
    link = f"{server.url}/join/{invited['join_token']}"
    return Home(server, tmp_path / "home", invited["session"], link)


@pytest.fixture
async def http(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as opened:
        yield opened


def link_in(out: str) -> str:
    (found,) = [line for line in out.splitlines() if "/join/after#" in line]
    return found


async def come(http: aiohttp.ClientSession, link: str) -> tuple[int, dict[str, Any]]:
    async with http.post("/api/v1/viewer", json={"token": link.partition("#")[2]}) as response:
        return response.status, await response.json()


async def test_whoever_sat_in_the_terminal_gets_a_page_that_opens_once(
    home: Home, http: aiohttp.ClientSession
) -> None:
    assert "proctor-client after LINK" in (await home.take()).splitlines()[-1]
    code, out, err = await home.after("--print")
    assert (code, err) == (0, "")
    assert "A person looks at your exam. Nothing is decided yet." in out
    link = link_in(out)
    assert link.startswith(f"{home.server.url}/join/after#{home.session}~")
    status, viewer = await come(http, link)
    assert (status, viewer["session"]) == (200, home.session)
    assert (await come(http, link))[0] == 404

    ann = await home.server.as_staff(StaffRole.PROCTOR, "ann")
    await analysed(ann, f"/api/v1/sessions/{home.session}")
    verdict = {"outcome": "clear", "reasons": "All is well.", "flags": []}
    async with ann.post(f"/api/v1/sessions/{home.session}/verdicts", json=verdict) as response:
        assert response.status == 200, await response.text()
    code, out, _ = await home.after("--print")
    assert (code, "Nothing counts against you. The reasons: “All is well.”" in out) == (0, True)
    assert (await come(http, link_in(out)))[0] == 200


@pytest.mark.skipif(os.name == "nt", reason="a browser of one line")
async def test_the_browser_of_this_computer_is_opened_with_the_link(
    home: Home, http: aiohttp.ClientSession
) -> None:
    await home.take()
    opened, browser = home.folder.parent / "opened", home.folder.parent / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o700)
    code, out, _ = await home.after(browser=str(browser))
    assert (code, opened.read_text().strip()) == (0, link_in(out))
    assert (await come(http, opened.read_text().strip()))[0] == 200


async def test_without_a_browser_the_link_is_there_to_be_copied(home: Home) -> None:
    await home.take()
    code, out, _ = await home.after(browser="no-such-browser-here")
    assert (code, "/join/after#" in out) == (0, True)


async def test_before_the_end_and_elsewhere_it_says_what_to_do(home: Home) -> None:
    code, out, err = await home.after("--print")
    assert (code, out) == (1, "")
    assert err.startswith("This link was not used on this computer")
    assert not home.folder.exists()

    await home.only_join()
    code, out, err = await home.after("--print")
    assert (code, out) == (1, "")
    assert err.startswith("Your exam goes on.")


async def goes_on(http: aiohttp.ClientSession, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    async with http.get("/api/v1/session", headers=headers) as response:
        return response.status == 200


async def test_beside_a_running_take_the_token_of_that_stays_worth_all(
    home: Home, http: aiohttp.ClientSession
) -> None:
    await home.only_join()
    own = home.kept()
    home.keep("ended")
    with locked(home.plan.folder):  # as `take` does
        code, _, err = await home.after("--print")
        assert (code, err.splitlines()[0]) == (1, str(SpoolBusy()))
        assert await goes_on(http, own)
        home.keep(own)  # as `take` does, once it has joined again
        code, _, err = await home.after("--print")
        assert (code, err.splitlines()[0]) == (1, str(NotOver()))
        assert await goes_on(http, own)


async def test_an_ended_token_is_renewed_where_no_take_runs_and_kept(
    home: Home, http: aiohttp.ClientSession
) -> None:
    await home.only_join()
    home.keep("ended")
    code, _, err = await home.after("--print")
    assert (code, err.splitlines()[0]) == (1, str(NotOver()))
    assert await goes_on(http, home.kept())


async def test_a_computer_whose_place_was_taken_says_where_to_look(home: Home) -> None:
    await home.take()

    async with (
        aiohttp.ClientSession(home.server.url) as http,
        Device(http, name="d_other") as other,
    ):
        await other.ask(home.link.rpartition("/")[2])
        cy = await home.server.as_staff(StaffRole.PROCTOR, "cy")
        act = {"act": "admit-device", "of": "d_other"}
        async with cy.post(f"/api/v1/sessions/{home.session}/acts", json=act) as response:
            assert response.status == 200, await response.text()
    code, out, err = await home.after("--print")
    assert (code, out) == (1, "")
    assert err.startswith("Your exam was taken over by another computer.")


def test_an_exam_that_was_ended_says_how_to_look_back() -> None:
    assert "proctor-client after LINK" in SessionEnded("terminated").do
    assert "proctor-client after" not in SessionEnded("the ID check was refused").do


@pytest.mark.parametrize(
    ("outcome", "lines"),
    [
        pytest.param({}, ["A person looks at your exam. Nothing is decided yet."], id="nothing"),
        pytest.param(
            {
                "review": "decided",
                "outcome": "breach",
                "reasons": "",
                "flags": [
                    {"words": "Two people.", "outcome": "upheld"},
                    {"words": "Dark.", "outcome": None},
                ],
                "results_held": True,
            },
            [
                "It is decided.",
                "It was decided that a rule was broken.",
                "  - Two people. (counts)",
                "  - Dark. (not judged by itself)",
                "Your result is kept back until this is settled.",
            ],
            id="held against them",
        ),
        pytest.param(
            {"review": "final", "outcome": "clear", "results": {"points": 3.5, "possible": 4.0}},
            [
                "It is decided for good, after your answer.",
                "Nothing counts against you.",
                "Your result: 3.5 of 4 points.",
            ],
            id="with a result",
        ),
        pytest.param(
            {
                "review": "awaiting",
                "released_unjudged": True,
                "flags": [],
                "results": {"points": 4, "possible": 4.0},
            },
            [
                "Nobody had to judge your exam, so nobody did. Nothing counts against you.",
                "Your result: 4 of 4 points.",
            ],
            id="that nobody had to judge",
        ),
    ],
)
def test_how_the_review_stands_is_said_in_sentences(
    outcome: dict[str, Any], lines: list[str]
) -> None:
    assert review_lines(outcome) == lines
