"""What `check` says, and that it says it to machines in one shape."""

import json
import re
from pathlib import Path
from typing import Any

import keyring
import pytest
from aiohttp import web
from keyring.backend import KeyringBackend
from proctor_client import checks
from proctor_client.cli import app
from proctor_client.errors import KeyMissing, SpoolDamaged
from proctor_client.keys import device_key
from proctor_client.server import parse_link
from typer.testing import CliRunner

from tests.client.clips import grey, write_clip
from tests.client.exam_server import serving

NAMES = ["camera", "light", "network", "clock", "disk", "displays", "system"]


def run_check(*args: str) -> tuple[int, dict[str, Any]]:
    ran = CliRunner().invoke(app, ["check", "--json", *args])
    return ran.exit_code, json.loads(ran.stdout)


def test_check_works_without_a_server_and_says_what_was_not_tried(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", 4, lambda _at: grey(100))
    code, told = run_check("--camera", str(clip), "--data", str(tmp_path / "not" / "there"))
    assert code == 0
    assert told["ready"] is True
    assert [each["check"] for each in told["checks"]] == NAMES
    assert all(each.keys() == {"check", "status", "says", "do", "facts"} for each in told["checks"])
    status = {each["check"]: each["status"] for each in told["checks"]}
    assert status["network"] == status["clock"] == "not-tried"
    assert status["camera"] == status["light"] == status["disk"] == "ok"
    facts = {each["check"]: each["facts"] for each in told["checks"]}
    assert facts["camera"] == {"width": 640, "height": 480}
    assert facts["light"].keys() == {"mean", "p95", "std"}
    assert facts["disk"].keys() == {"free_bytes"}
    assert facts["system"].keys() == {"os", "os_version", "maker", "model", "form"}


@pytest.mark.parametrize(
    ("level", "names"),
    [pytest.param(60, ["light"], id="too dark"), pytest.param(None, ["camera"], id="no camera")],
)
def test_check_exits_1_and_says_what_to_do_if_something_must_be_mended(
    tmp_path: Path, level: int | None, names: list[str]
) -> None:
    clip = tmp_path / "clip.avi"
    if level is not None:
        write_clip(clip, 4, lambda _at: grey(level) // 4)
    code, told = run_check("--camera", str(clip))
    assert code == 1
    assert told["ready"] is False
    mend = [each for each in told["checks"] if each["status"] == "mend"]
    assert [each["check"] for each in mend] == names
    assert all(each["do"] for each in mend)
    ran = CliRunner().invoke(app, ["check", "--camera", str(clip)])
    assert ran.exit_code == 1
    assert re.search(rf"✗ {names[0]}", ran.stdout)


async def test_a_server_tells_the_round_trip_and_the_clock(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", 4, lambda _at: grey(100))
    async with serving() as server:
        found = await checks.all_checks(server=server.url, camera=str(clip), folder=tmp_path)
    by_name = {each.check: each for each in found}
    assert by_name["network"].facts["round_trip_ms"] > 0
    assert abs(by_name["clock"].facts["offset_s"]) < 1
    assert by_name["clock"].status == "ok"
    gone = await checks.all_checks(server=server.url, camera=str(clip), folder=tmp_path)
    assert {each.check: each.status for each in gone}["network"] == "mend"


async def test_an_exam_s_rules_are_checked_by_its_link_and_nothing_is_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "displays", lambda: 2)
    clip = str(write_clip(tmp_path / "clip.avi", 4, lambda _at: grey(100)))

    async def found(link: str) -> dict[str, checks.Check]:
        of = parse_link(link) if link else None
        each = await checks.all_checks(server=None, camera=clip, folder=tmp_path, link=of)
        return {one.check: one for one in each}

    async with serving() as server:
        told = await found(server.link)
        assert told["network"].status == "ok"
        assert (told["system"].status, told["displays"].status) == ("ok", "mind")
        assert told["displays"].do == "This exam allows one: unplug the others."

        server.refused, server.displays_most = ["a tablet", "Windows before 10"], 2
        told = await found(server.link)
        assert (told["system"].status, told["displays"].status) == ("mend", "ok")
        assert "This exam refuses it: a tablet; Windows before 10." in told["system"].says
        assert told["system"].do

        assert "link" not in told
        told = await found(f"{server.url}/join/another")
        assert next(iter(told)) == "link"
        assert (told["link"].status, checks.ready(list(told.values()))) == ("mend", False)
        assert "knows no such link" in told["link"].says
        assert "invitation" in told["link"].do
        assert told["system"].status == "not-tried"
        assert "knows no such link" in told["system"].says
        link = server.link
        assert server.device is None
    told = await found(link)
    assert "can't be reached" in told["system"].says
    told = await found("")
    assert told["system"].status == "not-tried"
    assert "give your join link" in told["system"].says


@pytest.mark.parametrize(
    ("between", "says"),
    [
        # 307: whoever follows it sends the token along, and would be told of a fit.
        pytest.param(
            web.HTTPTemporaryRedirect("/api/v1/computer?login"), "was not understood", id="a login"
        ),
        pytest.param(web.HTTPNotFound(), "was not understood", id="a page that is not there"),
        pytest.param(
            web.HTTPNotFound(text='{"type": "about:blank"}'), "answered 404", id="another problem"
        ),
        pytest.param(web.HTTPOk(text='{"login": "please"}'), "was not understood", id="JSON"),
    ],
)
async def test_what_is_no_exam_server_is_not_followed_and_tells_of_no_link(
    tmp_path: Path, between: web.HTTPException, says: str
) -> None:
    clip = str(write_clip(tmp_path / "clip.avi", 4, lambda _at: grey(100)))
    async with serving() as server:
        server.between = between
        found = await checks.all_checks(
            server=None, camera=clip, folder=tmp_path, link=parse_link(server.link)
        )
    (system,) = [each for each in found if each.check == "system"]
    assert system.status == "not-tried"
    assert says in system.says


@pytest.mark.parametrize(
    ("offset_s", "status"),
    [
        pytest.param(0.2, "ok", id="right"),
        pytest.param(-60.0, "mind", id="a minute ahead"),
        pytest.param(3600.0, "mend", id="an hour behind"),
    ],
)
def test_a_clock_far_off_must_be_mended(offset_s: float, status: str) -> None:
    check = checks._clock_check(offset_s)
    assert check.status == status
    assert bool(check.do) == (status != "ok")


def test_a_key_in_a_file_is_its_owners_alone_and_comes_back(tmp_path: Path) -> None:
    key = device_key(tmp_path, use_keyring=False)
    assert re.fullmatch("d_[a-z2-7]{10}", key.name)
    assert (tmp_path / "device.json").stat().st_mode & 0o777 == 0o600
    assert device_key(tmp_path, use_keyring=False).verifier == key.verifier
    assert device_key(tmp_path, use_keyring=True).verifier == key.verifier


def test_a_key_that_was_changed_or_left_in_a_keyring_that_is_gone_is_said(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    path.write_text("{")
    with pytest.raises(SpoolDamaged):
        device_key(tmp_path, use_keyring=False)
    path.write_text('{"device": "d_aaaaaaaaaa", "key": null}')
    with pytest.raises(KeyMissing):
        device_key(tmp_path, use_keyring=False)


class Memory(KeyringBackend):
    """A keyring that works."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own
        self.kept: dict[str, str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[f"{service}/{username}"] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get(f"{service}/{username}")

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[f"{service}/{username}"]


def test_a_working_keyring_holds_the_secret_and_the_file_does_not(tmp_path: Path) -> None:
    before = keyring.get_keyring()
    ring = Memory()
    keyring.set_keyring(ring)
    try:
        key = device_key(tmp_path, use_keyring=True)
        assert device_key(tmp_path, use_keyring=False).verifier == key.verifier
    finally:
        keyring.set_keyring(before)
    assert list(ring.kept) == [f"proctor-client/{key.name}"]
    assert json.loads((tmp_path / "device.json").read_bytes())["key"] is None
