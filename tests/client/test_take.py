"""One exam, from the link to the receipt, whatever happens on the way."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from proctor_client import clock
from proctor_client.agent import Plan, take
from proctor_client.errors import (
    BadInput,
    BadLink,
    CannotReach,
    ComputerRefused,
    NotAccepted,
    Refused,
    SessionEnded,
    Unsaveable,
)
from proctor_client.screen import Script
from proctor_client.server import parse_link

from proctor.evidence.record import Kind
from tests.client.clips import grey, write_clip
from tests.client.exam_server import ExamServer, Fault, serving

ROOT = Path(__file__).parents[2]
ENV = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "client")]),
    "PROCTOR_CLIENT_KEYRING": "off",
}
ANSWERS = {f"{part}{at}": f"answer {part}{at}" for part in "ab" for at in range(3)}


class Watcher(Script):
    """Answers from a table; a hook sees each thing said."""

    def __init__(self, answers: dict[str, Any], hook: Callable[[str], None] | None = None) -> None:
        super().__init__(answers, accepts=True, pace_s=0.0)
        self.said: list[str] = []
        self._hook = hook

    def say(self, text: str) -> None:
        self.said.append(text)
        if self._hook:
            self._hook(text)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.avi", 8, lambda at: grey(60 + 10 * at))


def plan_for(server: ExamServer, clip: Path, **changes: Any) -> Plan:
    facts: dict[str, Any] = {
        "link": parse_link(server.link),
        "data": clip.parent / "data",
        "camera": str(clip),
        "blobs_limit_bytes": 10_000_000,
        "use_keyring": False,
    }
    return Plan(**(facts | changes))


async def taking(plan: Plan, screen: Script) -> Path:
    async with asyncio.timeout(40):
        return await take(plan, screen)


async def test_an_exam_is_taken_and_the_receipt_covers_all_of_it(clip: Path) -> None:
    screen = Watcher(ANSWERS)
    async with serving() as server:
        receipt = await taking(plan_for(server, clip, hold_s=0.4), screen)

    kinds = [record.kind for record in server.records()]
    assert kinds[0] is Kind.HELLO
    assert kinds[-1] is Kind.SUBMISSION
    purposes = [record.facts["purpose"] for record in server.records(Kind.SNAPSHOT)]
    assert purposes[:2] == ["face", "document"]
    assert purposes.count("periodic") >= 6
    assert server.answers() == ANSWERS
    assert server.state == "submitted"
    assert not server.owed()
    assert receipt.read_text().splitlines()[1] == str(len(server.lines))
    (submission,) = server.records(Kind.SUBMISSION)
    assert {each["item"] for each in submission.facts["answers"]} == ANSWERS.keys()
    assert "Submitted" in screen.said[-2]
    assert "proctor-client after LINK" in screen.said[-1]


async def test_the_same_command_after_the_end_shows_the_receipt_again(clip: Path) -> None:
    async with serving() as server:
        first = await taking(plan_for(server, clip), Watcher(ANSWERS))
        size = len(server.lines)
        again = await taking(plan_for(server, clip, resume=True), Watcher(ANSWERS))
    assert again == first
    assert len(server.lines) == size


async def test_a_token_that_was_ended_is_renewed_and_the_new_one_kept(clip: Path) -> None:
    async with serving() as server:
        plan = plan_for(server, clip)
        await taking(plan, Watcher(ANSWERS))
        path = plan.folder / "session.json"
        joined = json.loads(path.read_bytes())
        path.write_text(json.dumps(joined | {"device_token": "ended"}))
        await taking(plan, Watcher(ANSWERS))
    assert json.loads(path.read_bytes())["device_token"] == joined["device_token"]


@pytest.mark.parametrize(
    "word",
    [
        pytest.param("Taking the document", id="between the pictures"),
        pytest.param("Checked in", id="after check-in"),
        pytest.param("Opening Part b", id="between the sections"),
        pytest.param("Submitting", id="before the submission"),
    ],
)
async def test_a_client_stopped_anywhere_continues_and_asks_nothing_twice(
    clip: Path, word: str
) -> None:
    class Stop(Exception):
        pass

    def hook(text: str) -> None:
        if word in text:
            raise Stop

    async with serving() as server:
        with pytest.raises(Stop):
            await taking(plan_for(server, clip), Watcher(ANSWERS, hook))
        await taking(plan_for(server, clip, resume=True), Watcher(ANSWERS))
    assert len(server.records(Kind.ANSWER)) == len(ANSWERS)
    assert len(server.records(Kind.HELLO)) == 1
    # A gap of contact may stand beside it, when the client stopped before its receipt came.
    gaps = [gap for gap in server.records(Kind.GAP) if gap.facts["of"] == "capture"]
    assert [gap.facts["cause"] for gap in gaps] == ["client-stopped"] * ("document" not in word)


async def test_a_clock_an_hour_off_is_said_once_and_costs_nothing(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: real() + 3_600_000)
    screen = Watcher(ANSWERS)
    async with serving() as server:
        await taking(plan_for(server, clip), screen)
    (said,) = [each for each in screen.said if "computer's clock" in each]
    assert said.startswith("This computer's clock is 3600 seconds ahead of the exam server's.")
    assert server.answers() == ANSWERS
    assert not server.owed()


async def test_a_network_cut_in_mid_section_loses_no_answer_and_no_snapshot(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor_client.server._LONGEST_PAUSE_S", 0.5)
    async with serving() as server:

        async def away() -> None:
            await server.answered(2)
            await server.stop()
            await noticed.wait()
            server.faults.extend([Fault.LOST_ANSWER, Fault.LOST_REQUEST])
            await server.start()

        def hook(text: str) -> None:
            if "can't be reached" in text:
                noticed.set()

        noticed = asyncio.Event()
        cut = asyncio.create_task(away())
        screen = Watcher(ANSWERS, hook)
        await taking(plan_for(server, clip, hold_s=1.0), screen)
        await cut
    assert server.answers() == ANSWERS
    assert len(server.records(Kind.ANSWER)) == len(ANSWERS)
    assert not server.owed()


async def test_a_deadline_ends_a_section_and_the_next_one_opens(clip: Path) -> None:
    async with serving() as server:
        server.limit_ms["a"] = 300
        screen = Watcher(ANSWERS)
        screen._pace_s = 0.2
        await taking(plan_for(server, clip), screen)
    assert "a2" not in server.answers()
    assert {"b0", "b1", "b2"} <= server.answers().keys()
    assert "Part a is over. Everything you answered is saved." in screen.said


async def test_an_id_check_on_hold_is_waited_for(clip: Path) -> None:
    async with serving() as server:
        server.holds = True

        def hook(text: str) -> None:
            if "looks at your pictures" in text:
                server.state, server.id_check = "ready", "accepted"
                pushes.append(asyncio.create_task(server.push()))

        pushes: list[asyncio.Task[None]] = []
        await taking(plan_for(server, clip), Watcher(ANSWERS, hook))
    assert server.state == "submitted"


async def test_a_refused_id_check_ends_the_run_before_any_section(clip: Path) -> None:
    async with serving() as server:
        server.holds = True

        def hook(text: str) -> None:
            if "looks at your pictures" in text:
                server.id_check = "refused"
                pushes.append(asyncio.create_task(server.push()))

        pushes: list[asyncio.Task[None]] = []
        with pytest.raises(SessionEnded):
            await taking(plan_for(server, clip), Watcher(ANSWERS, hook))
    assert server.sections["a"]["state"] == "planned"


async def test_a_computer_that_the_policy_refuses_is_told_before_any_picture_is_taken(
    clip: Path,
) -> None:
    screen = Watcher(ANSWERS)
    async with serving() as server:
        server.refused = ["Microsoft Surface", "Tablets"]
        for _ in range(2):
            with pytest.raises(ComputerRefused, match=r"refuse: Microsoft Surface; Tablets\."):
                await taking(plan_for(server, clip), screen)
        assert {record.kind for record in server.records()} <= {Kind.HELLO, Kind.BEAT}
        assert not [said for said in screen.said if "picture" in said]


async def test_pictures_that_a_person_refuses_are_taken_again(clip: Path) -> None:
    async with serving() as server:
        server.holds = True

        def hook(text: str) -> None:
            if "looks at your pictures" in text:
                server.holds, server.id_check = False, "retake"
                pushes.append(asyncio.create_task(server.push()))

        pushes: list[asyncio.Task[None]] = []
        screen = Watcher(ANSWERS, hook)
        await taking(plan_for(server, clip), screen)
    purposes = [record.facts["purpose"] for record in server.records(Kind.SNAPSHOT)]
    assert (purposes.count("face"), purposes.count("document")) == (2, 2)


async def test_a_paused_exam_asks_nothing_until_it_goes_on(clip: Path) -> None:
    async with serving() as server:

        def hook(text: str) -> None:
            if "Opening Part b" in text:
                server.state = "paused"
                pushes.append(asyncio.create_task(server.push()))
            if "A proctor paused" in text:
                assert not any(item.startswith("b") for item in server.answers())
                server.state = "running"
                pushes.append(asyncio.create_task(server.push()))

        pushes: list[asyncio.Task[None]] = []
        screen = Watcher(ANSWERS, hook)
        screen._pace_s = 0.3
        await taking(plan_for(server, clip), screen)
    assert server.answers() == ANSWERS


async def test_a_picture_that_a_proctor_asks_for_is_taken_at_once_and_said_why(
    clip: Path,
) -> None:
    words = "A proctor asked for a new picture: camera."
    async with serving() as server:
        server.snapshot_every_s = 600  # none but that one
        server.acts = [{"id": "a1", "words": "A proctor wrote to you.", "note": "Welcome."}]

        async def ask() -> None:
            await server.answered(1)
            server.acts.append({"id": "a2", "words": words, "note": "Is it on?"})
            server.asked_still_ms = 1
            await server.push()

        asking = asyncio.create_task(ask())
        screen = Watcher(ANSWERS)
        screen._pace_s = 0.3
        await taking(plan_for(server, clip), screen)
        await asking
    purposes = [record.facts["purpose"] for record in server.records(Kind.SNAPSHOT)]
    assert purposes.count("periodic") == 1
    # What was said before this run of the program is not said again.
    assert [said for said in screen.said if said.startswith("A proctor")] == [f"{words} Is it on?"]


async def test_a_document_can_come_from_a_file(clip: Path) -> None:
    path = clip.parent / "id.png"
    cv2.imwrite(str(path), np.zeros((2000, 3000, 3), np.uint8))
    async with serving() as server:
        await taking(plan_for(server, clip, document=path), Watcher(ANSWERS))
    (document,) = [each for each in server.records() if each.facts.get("purpose") == "document"]
    assert (document.facts["width"], document.facts["height"]) == (1920, 1280)
    assert document.blob
    assert server.blobs[document.blob.sha256].startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("name", "bytes_"),
    [
        pytest.param("work.pdf", 7, id="another kind of file"),
        pytest.param("large.txt", 11, id="too large"),
        pytest.param("none.txt", 0, id="not there"),
    ],
)
async def test_a_file_that_may_not_be_uploaded_is_said_and_nothing_recorded(
    clip: Path, name: str, bytes_: int
) -> None:
    if bytes_:
        (clip.parent / name).write_bytes(b"x" * bytes_)
    async with serving() as server:
        server.items["a"] = [
            {"id": "a0", "kind": "file-upload", "suffixes": [".txt"], "max_bytes": 10}
        ]
        with pytest.raises(BadInput):
            await taking(plan_for(server, clip, answers_folder=clip.parent), Watcher({"a0": name}))
        assert not server.records(Kind.ANSWER)


async def test_an_answer_over_64_kib_is_said_and_the_earlier_one_counts(clip: Path) -> None:
    async with serving() as server:
        with pytest.raises(Unsaveable):
            await taking(plan_for(server, clip), Watcher(ANSWERS | {"a1": "x" * 66_000}))
        await taking(plan_for(server, clip, resume=True), Watcher(ANSWERS))
    assert server.answers() == ANSWERS


async def test_a_terminated_session_is_said_and_exits(clip: Path) -> None:
    async with serving() as server:

        def hook(text: str) -> None:
            if "Opening Part b" in text:
                server.state = "terminated"
                server.faults.append(Fault.CLOSED)

        with pytest.raises(SessionEnded):
            await taking(plan_for(server, clip), Watcher(ANSWERS, hook))


async def test_an_uploaded_file_is_a_blob_before_its_answer(clip: Path) -> None:
    (clip.parent / "work.txt").write_bytes(b"my work")
    async with serving() as server:
        server.items["b"] = [
            {"id": "b0", "kind": "file-upload", "points": 1, "text": "?", "suffixes": [".txt"]}
        ]
        plan = plan_for(server, clip, answers_folder=clip.parent)
        await taking(plan, Watcher({"b0": "work.txt"}))
    response = server.answers()["b0"]
    assert (response["name"], response["size"]) == ("work.txt", 7)
    assert server.blobs[response["sha256"]] == b"my work"
    (answer,) = server.records(Kind.ANSWER)
    (file,) = [each for each in server.records() if each.facts.get("purpose") == "file"]
    assert file.seq < answer.seq
    assert file.blob
    assert file.blob.type == "text/plain"


async def test_rules_that_are_not_accepted_begin_nothing(clip: Path) -> None:
    screen = Watcher(ANSWERS)
    screen._accepts = False
    async with serving() as server:
        with pytest.raises(NotAccepted):
            await taking(plan_for(server, clip), screen)
        assert not server.lines


async def test_a_link_that_another_computer_used_is_refused(clip: Path) -> None:
    async with serving() as server:
        await taking(plan_for(server, clip), Watcher(ANSWERS))
        with pytest.raises(Refused) as refused:
            await taking(plan_for(server, clip, data=clip.parent / "other"), Watcher(ANSWERS))
    assert refused.value.code == "join-link-used"


async def test_resume_begins_nothing(clip: Path) -> None:
    async with serving() as server:
        with pytest.raises(BadInput):
            await taking(plan_for(server, clip, resume=True), Watcher(ANSWERS))
        assert server.device is None


async def test_a_server_that_is_not_there_is_said_soon(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proctor_client.agent.JOIN_PATIENCE_S", 0.0)
    async with serving() as server:
        plan = plan_for(server, clip)
    with pytest.raises(CannotReach):
        await taking(plan, Watcher(ANSWERS))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("proctor.example/join/abc", id="no scheme"),
        pytest.param("https://proctor.example/abc", id="no join"),
        pytest.param("https://proctor.example/join/", id="no token"),
        pytest.param("ftp://proctor.example/join/abc", id="no web address"),
    ],
)
def test_a_link_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadLink):
        parse_link(text)


def test_a_link_may_lead_below_a_path() -> None:
    link = parse_link(" https://uni.example/exams/join/abc_-9\n")
    assert (link.server, link.token) == ("https://uni.example/exams", "abc_-9")
    assert "abc" not in repr(link)


async def test_the_program_killed_in_mid_section_continues_with_the_same_command(
    clip: Path,
) -> None:
    answers = clip.parent / "answers.json"
    answers.write_text(json.dumps(ANSWERS))
    async with serving() as server:
        command = [sys.executable, "-m", "proctor_client.cli", "take", server.link]
        command += ["--camera", str(clip), "--answers", str(answers), "--accept"]
        command += ["--data", str(clip.parent / "data"), "--pace", "0.1"]
        first = await asyncio.create_subprocess_exec(
            *command, env=ENV, stdout=asyncio.subprocess.DEVNULL
        )
        await server.answered(2)
        first.send_signal(signal.SIGKILL)
        await first.wait()
        second = await asyncio.create_subprocess_exec(
            *command, env=ENV, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await second.communicate()
    assert second.returncode == 0, err.decode()
    assert b"Submitted. Receipt for" in out
    assert err == b""
    assert server.answers() == ANSWERS
    assert len(server.records(Kind.ANSWER)) == len(ANSWERS)
    assert [gap.facts["cause"] for gap in server.records(Kind.GAP)] == ["client-stopped"]
    assert not server.owed()


TYPED = "yes\n\n\n" + "".join("\none\ntwo\n\n3\nthree\ndone\n" for _ in "ab") + "\n"


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        pytest.param(TYPED, 0, "This is your", id="a whole exam"),
        pytest.param(TYPED[:15], 1, "nobody at the keyboard", id="the input ends"),
        pytest.param("no\n", 1, "did not accept", id="the rules are not accepted"),
    ],
)
async def test_an_exam_is_taken_at_the_keyboard(
    clip: Path, typed: str, code: int, told: str
) -> None:
    async with serving() as server:
        command = [sys.executable, "-m", "proctor_client.cli", "take", server.link]
        command += ["--camera", str(clip), "--data", str(clip.parent / "data")]
        run = await asyncio.create_subprocess_exec(
            *command,
            env=ENV,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await run.communicate(typed.encode())
    assert run.returncode == code, out.decode()
    assert told in out.decode()
    if not code:
        names = ("one", "two", "three")
        assert server.answers() == {
            f"{part}{at}": name for part in "ab" for at, name in enumerate(names)
        }


async def test_questions_are_answered_by_letter_line_and_file(clip: Path) -> None:
    (clip.parent / "work.txt").write_bytes(b"my work")
    choices = [{"id": "yes", "text": "Yes"}, {"id": "no", "text": "No"}]
    item = {"points": 1, "text": "Is $x$ *good*?"}
    typed = "x\nb\n\nb,a\n\na line\nanother\n.\nnone.txt\nwork.txt\ndone\n"
    async with serving() as server:
        server.items = {
            "a": [
                item | {"id": "one", "kind": "single-choice", "choices": choices},
                item | {"id": "left", "kind": "fill-in"},
                item | {"id": "many", "kind": "multiple-choice", "choices": choices},
                item | {"id": "later", "kind": "short-text"},
                item | {"id": "text", "kind": "short-text"},
                item | {"id": "file", "kind": "file-upload", "suffixes": [".txt"]},
            ],
            "b": [],
        }
        command = [sys.executable, "-m", "proctor_client.cli", "take", server.link, "--accept"]
        command += ["--camera", str(clip), "--data", str(clip.parent / "data")]
        run = await asyncio.create_subprocess_exec(
            *command,
            cwd=clip.parent,
            env=ENV,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await run.communicate(f"\n\n\n{typed}\ndone\n\n".encode())
    assert run.returncode == 0, out.decode()
    answers = server.answers()
    assert answers.pop("file")["name"] == "work.txt"
    assert answers == {"one": "no", "many": ["no", "yes"], "text": "a line\nanother"}
