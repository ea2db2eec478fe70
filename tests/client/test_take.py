"""One exam, from the link to the receipt, whatever happens on the way."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from proctor_client import agent, checkin, clock
from proctor_client.agent import Plan, take
from proctor_client.camera import Camera, opener
from proctor_client.errors import (
    BadInput,
    BadLink,
    CameraLost,
    CannotReach,
    ComputerRefused,
    NotAccepted,
    Refused,
    SessionEnded,
)
from proctor_client.screen import Script, Sitting, Terminal
from proctor_client.server import parse_link

from proctor.evidence.record import Kind
from tests.client.clips import grey, write_clip
from tests.client.exam_server import ExamServer, Fault, serving

ROOT = Path(__file__).parents[2]
ENV = os.environ | {
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "client")]),
    "PROCTOR_CLIENT_KEYRING": "off",
}
_GO_ON = "You can go on answering."
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
    async with asyncio.timeout(120):
        return await take(plan, screen)


async def test_an_exam_is_taken_and_the_receipt_covers_all_of_it(clip: Path) -> None:
    screen = Watcher(ANSWERS)
    async with serving() as server:
        receipt = await taking(plan_for(server, clip, hold_s=1.5), screen)

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


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("camera-lost", "We can't read the camera's pictures: is there another camera to use?"),
        ("covered", "The camera sees almost nothing: is something in front of it?"),
        ("dark", "We can't see you well: is the lamp off?"),
        ("no-face", "We can't see your face: is the camera turned to you?"),
        ("frozen", "The camera's picture stands still: is another program using it?"),
    ],
)
async def test_what_the_camera_s_pictures_lack_is_said_once_in_the_room_s_words_and_when_it_is_over(
    clip: Path, kind: str, words: str
) -> None:
    async with serving() as server:
        server.asks = [{"kind": "dark", "since_ms": 1, "until_ms": 2, "seconds": 0.001}]

        async def ask() -> None:
            await server.answered(1)
            server.asks.append({"kind": kind, "since_ms": 3, "until_ms": None, "seconds": 1.0})
            await server.push()
            server.asks[-1]["seconds"] = 2.0  # it lasts
            await server.push()
            await server.answered(2)
            server.asks[-1]["until_ms"] = 4
            await server.push()

        asking = asyncio.create_task(ask())
        screen = Watcher(ANSWERS)
        screen._pace_s = 0.3
        await taking(plan_for(server, clip), screen)
        await asking
    told = [said for said in screen.said if said.endswith((_GO_ON, "of your camera."))]
    assert told == [f"{words} {_GO_ON}", "Nothing more is asked of your camera."]
    room = (ROOT / "client" / "web" / "src" / "text" / "room.ts").read_text()
    assert (words in room, _GO_ON in room) == (True, True)


async def test_pictures_that_are_asked_for_in_mid_section_are_taken_beside_it(clip: Path) -> None:
    async with serving() as server:

        async def ask() -> None:
            await server.answered(1)
            await server.ask_again("It was blurred.")

        asking = asyncio.create_task(ask())
        screen = Watcher(ANSWERS)
        screen._pace_s = 0.3
        await taking(plan_for(server, clip), screen)
        await asking
    purposes = [record.facts["purpose"] for record in server.records(Kind.SNAPSHOT)]
    assert (purposes.count("face"), purposes.count("document")) == (2, 2)
    assert (server.id_check, server.state) == ("captured", "submitted")
    assert server.answers() == ANSWERS
    (told,) = [said for said in screen.said if said.startswith("New pictures are needed")]
    assert told.startswith("New pictures are needed: It was blurred. They are taken now.")
    assert "Your new pictures were received. A person looks at them." in screen.said
    # By then the learner was asked no other question because of it.
    assert screen.said.index(told) < screen.said.index("Part a is handed in.")


async def test_pictures_of_a_person_before_the_camera_wait_for_the_next_prompt(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The camera of a computer: nobody's picture is taken while they type."""
    monkeypatch.setattr(agent, "opener", lambda _camera, **more: opener(str(clip), **more))
    shown: list[str] = []

    class Person(Watcher):
        async def ready(self, purpose: str, *, may_wait: bool) -> bool:
            shown.append(f"{purpose} after {len(server.answers())}")
            return await super().ready(purpose, may_wait=may_wait)

    async with serving() as server:

        async def asks_after(count: int) -> None:
            await server.answered(count)
            await server.ask_again("")

        asking = asyncio.create_task(asks_after(1))
        screen = Person(ANSWERS)
        screen._pace_s = 0.3
        await taking(plan_for(server, clip, camera="0"), screen)
        await asking
    before, again = shown[:2], shown[2:]
    assert before == ["face after 0", "document after 0"]
    assert [each.split()[0] for each in again] == ["face", "document"]
    assert server.id_check == "captured"
    assert server.answers() == ANSWERS


async def test_pictures_are_asked_for_in_a_pause_too(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "opener", lambda _camera, **more: opener(str(clip), **more))
    async with serving() as server:
        pushes: list[asyncio.Task[None]] = []

        def hook(text: str) -> None:
            if "A proctor paused" in text:
                pushes.append(asyncio.create_task(server.ask_again("Is it you?")))
            if "were received" in text:
                assert server.state == "paused"
                server.id_check, server.reason = "accepted", ""
                pushes.append(asyncio.create_task(server.push()))
            if text == "A person accepted your new pictures.":
                server.state = "running"
                pushes.append(asyncio.create_task(server.push()))

        async def pause() -> None:
            await server.answered(1)
            server.state = "paused"
            await server.push()

        pausing = asyncio.create_task(pause())
        screen = Watcher(ANSWERS, hook)
        screen._pace_s = 0.3
        await taking(plan_for(server, clip, camera="0"), screen)
        await pausing
    assert (server.id_check, server.state) == ("accepted", "submitted")
    assert server.answers() == ANSWERS


async def test_a_camera_that_is_gone_when_pictures_are_asked_for_ends_no_exam(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkin, "_CAMERA_PAUSE_S", 0.05)
    monkeypatch.setattr(checkin, "_SENT_S", 0.1)
    async with serving() as server:

        async def ask() -> None:
            await server.answered(1)
            await server.ask_again("Is it you?")

        async def gone(_self: object, _size: object) -> None:
            raise CameraLost("it is gone")

        def hook(text: str) -> None:
            if text.startswith("New pictures are needed"):
                monkeypatch.setattr(Camera, "still", gone)

        asking = asyncio.create_task(ask())
        screen = Watcher(ANSWERS, hook)
        screen._pace_s = 0.3
        await taking(plan_for(server, clip), screen)
        await asking
    assert (server.id_check, server.state) == ("retake", "submitted")
    assert server.answers() == ANSWERS
    (lost,) = [said for said in screen.said if "it is gone" in said and "goes on" in said]
    assert lost.endswith("The exam goes on meanwhile.")


class Asked(Watcher):
    """Somebody before a camera, who is asked for new pictures as the first section begins."""

    def __init__(self, server: ExamServer, *, puts_off: bool) -> None:
        super().__init__(ANSWERS, self._hear)
        self.asked_after: list[int] = []  # answers
        self._server = server
        self._puts_off = puts_off  # until everything is answered
        self._given: Mapping[str, Any] = {}
        self._heard = asyncio.Event()

    async def ready(self, purpose: str, *, may_wait: bool) -> bool:
        if may_wait:
            self.asked_after.append(len(self._given))
            if self._puts_off and len(self._given) < len(ANSWERS):
                return False
        return await super().ready(purpose, may_wait=may_wait)

    async def work(self, sitting: Sitting) -> None:
        self._given = sitting.given
        if sitting.section == "a":
            await self._server.ask_again("Is it you?")
            await self._heard.wait()
        await super().work(sitting)

    def _hear(self, text: str) -> None:
        if text.startswith("New pictures are needed"):
            self._heard.set()


async def test_with_a_dead_camera_no_question_waits_for_new_pictures(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "opener", lambda _camera, **more: opener(str(clip), **more))

    async def gone(_self: object, _size: object) -> None:
        raise CameraLost("it is gone")

    async with serving() as server:
        server.snapshot_every_s = 600

        class Unplugged(Asked):
            async def begin(self, title: str, limit_s: int) -> None:
                monkeypatch.setattr(Camera, "still", gone)
                await super().begin(title, limit_s)

        screen = Unplugged(server, puts_off=False)
        await taking(plan_for(server, clip, camera="0"), screen)
    # At the first question, before the second section, and before the exam was handed in.
    assert screen.asked_after == [0, 3, 6]
    assert (server.id_check, server.answers()) == ("retake", ANSWERS)


async def test_pictures_that_are_put_off_are_asked_for_when_no_time_passes(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "opener", lambda _camera, **more: opener(str(clip), **more))
    async with serving() as server:
        screen = Asked(server, puts_off=True)
        await taking(plan_for(server, clip, camera="0"), screen)
    # The last two are the face and the document, before the exam was handed in.
    assert screen.asked_after == [0, 3, 6, 6]
    assert (server.id_check, server.answers()) == ("captured", ANSWERS)
    assert any(said.startswith("You are asked for them before the next") for said in screen.said)


async def test_pictures_that_are_never_taken_are_said_to_be_missing_at_the_end(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "opener", lambda _camera, **more: opener(str(clip), **more))
    async with serving() as server:

        class Unwilling(Asked):
            async def ready(self, purpose: str, *, may_wait: bool) -> bool:
                return await super().ready(purpose, may_wait=may_wait) and not may_wait

        screen = Unwilling(server, puts_off=True)
        await taking(plan_for(server, clip, camera="0"), screen)
    assert (server.id_check, server.state) == ("retake", "submitted")
    said = [each for each in screen.said if "them" in each and "picture" not in each]
    assert [each.startswith("The exam is handed in without them") for each in said] == [
        False,
        False,
        True,
    ]


async def test_where_a_person_needs_no_new_pictures_any_more_none_is_said_to_be_accepted(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "opener", lambda _camera, **more: opener(str(clip), **more))
    async with serving() as server:

        class Spared(Asked):
            async def work(self, sitting: Sitting) -> None:
                await super().work(sitting)
                if sitting.section == "a":
                    server.id_check = "accepted"
                    await server.push()

        screen = Spared(server, puts_off=True)
        await taking(plan_for(server, clip, camera="0"), screen)
    assert "No new pictures are needed any more." in screen.said
    assert "A person accepted your new pictures." not in screen.said


@pytest.mark.parametrize(
    ("said", "may_wait", "ready"),
    [
        pytest.param("", True, True, id="Enter"),
        pytest.param("Later", True, False, id="later, where that can be"),
        pytest.param("later", False, True, id="later, where nothing goes on without it"),
    ],
)
async def test_a_picture_is_put_off_by_a_word(said: str, may_wait: bool, ready: bool) -> None:
    screen = Terminal(accepts=True)
    screen._lines = asyncio.Queue()
    screen._lines.put_nowait(said)
    assert await screen.ready("face", may_wait=may_wait) is ready


async def test_a_refusal_that_may_pass_is_asked_about_once_more(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkin, "_AGAIN_S", 0.05)
    async with serving() as server:

        async def ask() -> None:
            await server.answered(1)
            server.no_check_in.extend(["conflict", "conflict"])
            await server.ask_again("Is it you?")

        asking = asyncio.create_task(ask())
        screen = Watcher(ANSWERS)
        screen._pace_s = 0.3
        await taking(plan_for(server, clip), screen)
        await asking
    assert (server.id_check, server.answers()) == ("captured", ANSWERS)
    (refused,) = [said for said in screen.said if "(conflict)" in said]
    assert refused.endswith("It is tried again. The exam goes on meanwhile.")


async def test_where_the_session_is_closed_no_picture_is_asked_for_any_more(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkin, "_AGAIN_S", 0.05)
    monkeypatch.setattr(checkin, "_SENT_S", 0.1)
    async with serving() as server:

        async def ask() -> None:
            await server.answered(5)
            server.no_check_in.extend(["session-closed"] * 9)
            await server.ask_again("Is it you?")

        asking = asyncio.create_task(ask())
        screen = Watcher(ANSWERS)
        screen._pace_s = 0.3
        await taking(plan_for(server, clip), screen)
        await asking
    assert server.state == "submitted"
    # What the session tells of otherwise (a section that closed) is looked at as ever.
    assert 0 < 9 - len(server.no_check_in) < 9
    assert not any("tried again" in said for said in screen.said)


async def test_a_file_that_is_gone_when_pictures_are_asked_for_ends_no_exam(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkin, "_CAMERA_PAUSE_S", 0.05)
    monkeypatch.setattr(checkin, "_SENT_S", 0.1)
    path = clip.parent / "id.png"
    cv2.imwrite(str(path), np.zeros((200, 300, 3), np.uint8))
    async with serving() as server:

        async def ask() -> None:
            await server.answered(1)
            path.unlink()
            await server.ask_again("Is it you?")

        asking = asyncio.create_task(ask())
        screen = Watcher(ANSWERS)
        screen._pace_s = 0.3
        await taking(plan_for(server, clip, document=path), screen)
        await asking
    assert (server.id_check, server.state) == ("retake", "submitted")
    assert server.answers() == ANSWERS
    (gone,) = [said for said in screen.said if "can't be read" in said]
    assert gone.endswith("The exam goes on meanwhile.")


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
        pytest.param("empty.txt", -1, id="empty"),
    ],
)
async def test_with_a_file_that_may_not_be_uploaded_its_section_is_not_handed_in(
    clip: Path, name: str, bytes_: int
) -> None:
    if bytes_:
        (clip.parent / name).write_bytes(b"x" * max(0, bytes_))
    async with serving() as server:
        server.items["a"] = [
            {"id": "a0", "kind": "file-upload", "suffixes": [".txt"], "max_bytes": 10}
        ]
        screen = Watcher({"a0": name, "b0": "yes"})
        with pytest.raises(BadInput, match="is not handed in"):
            await taking(plan_for(server, clip, answers_folder=clip.parent), screen)
        assert not server.records(Kind.ANSWER)
        plan = plan_for(server, clip, resume=True, answers_folder=clip.parent)
        await taking(plan, Watcher({"b0": "yes"}))
    assert server.answers() == {"b0": "yes"}
    (said,) = [said for said in screen.said if "is not sent" in said]
    assert said.endswith("Needed: a file that ends in .txt, of 1 to 10 bytes.")


async def test_an_answer_over_64_kib_is_said_and_the_others_are_saved(clip: Path) -> None:
    screen = Watcher(ANSWERS | {"a1": '"' * 33_000})  # each takes two bytes
    async with serving() as server:
        # A kind that this program does not know, nor what bounds it has.
        server.items["a"][1]["kind"] = "essay"
        with pytest.raises(BadInput, match="is not handed in"):
            await taking(plan_for(server, clip), screen)
        without = {item: ANSWERS[item] for item in ANSWERS if item != "a1"}
        await taking(plan_for(server, clip, resume=True), Watcher(without))
    assert server.answers() == {item: ANSWERS[item] for item in ANSWERS if item != "a1"}
    (said,) = [said for said in screen.said if "not sent" in said]
    assert said.startswith('Your answer to "a1" is not sent: This answer can\'t be saved: ')


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


async def test_who_could_not_join_is_not_told_that_answers_are_saved(clip: Path) -> None:
    async with serving() as server:
        link = parse_link(f"{server.url}/join/another")
        with pytest.raises(Refused) as no:
            await taking(plan_for(server, clip, link=link), Watcher(ANSWERS))
    assert no.value.safe == ""


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
