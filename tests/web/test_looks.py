"""Pictures are shown by tickets alone, and every look is written down before anything is seen."""

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import cv2
import numpy as np
import pytest
from yarl import URL

from proctor import config
from proctor.domain.rehearsal import PRACTICE_EXAM
from proctor.evidence.record import Kind
from proctor.services.logins import StaffRole
from tests.conftest import SHORT_EXAM, OpenServer, Server
from tests.device import JPEG, Device
from tests.web.sat import sat

FACE, DOCUMENT = (sha256(JPEG + each).hexdigest() for each in (b"face", b"document"))
STILL = JPEG + b"a still"
STILL_SHA256 = sha256(STILL).hexdigest()


@dataclass
class Scene:
    """A session in its first section with one periodic snapshot, and the staff around it."""

    server: Server
    session: str
    device: Device

    async def ask(
        self, role: StaffRole, method: str, path: str, name: str = "", **more: Any
    ) -> tuple[int, str, bytes]:
        """Return status, the problem's code or "", and the body."""
        client = await self.server.as_staff(role, name)
        address = path.replace("{session}", f"/api/v1/sessions/{self.session}")
        async with client.request(method, address, **more) as response:
            body = await response.read()
            assert response.headers["Cache-Control"] == "no-store"
            code = ""
            if response.status >= 400:
                problem = await response.json(content_type="application/problem+json")
                code = problem["type"].removeprefix("urn:proctor:problem:")
            return response.status, code, body

    async def ticket(self, why: str = "review", name: str = "", exam: str = "") -> str:
        of = f"/api/v1/exams/{exam}" if exam else "{session}"
        client = await self.server.as_staff(StaffRole.PROCTOR, name)
        address = of.replace("{session}", f"/api/v1/sessions/{self.session}")
        async with client.post(f"{address}/looks", json={"why": why}) as response:
            answer = await response.json()
            assert response.status == 200, answer
        assert answer["until_ms"] == int(self.server.clock.now().timestamp() * 1000) + 300_000
        return str(answer["path"])

    async def looks(self) -> list[tuple[Any, ...]]:
        """Return what the learner reads of who looked, without the times."""
        shown = await self.device.call("GET", "/api/v1/session/looks")
        return [
            (each["by"], each["what"], each["why"], each["count"], each["allowed"])
            for each in shown
        ]


@pytest.fixture
async def scene(server: Server) -> AsyncIterator[Scene]:
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        server.clock.pass_(5)
        await device.check_in()
        await device.open("part-a")
        line = device.add(Kind.SNAPSHOT, blob=STILL, purpose="periodic")
        await device.send([line], [STILL])
        yield Scene(server, invited["session"], device)


async def test_a_picture_is_shown_to_who_has_a_ticket_and_that_is_written_down(
    scene: Scene,
) -> None:
    path = await scene.ticket()
    assert await scene.looks() == []  # a ticket is no look
    for digest, blob in ((STILL_SHA256, STILL), (FACE, JPEG + b"face")):
        shown = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{digest}")
        assert shown == (200, "", blob)
    path = await scene.ticket(why="check-in")
    await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{DOCUMENT}")
    assert sorted(await scene.looks()) == [
        ("proctor", "document", "check-in", 1, True),
        ("proctor", "face", "review", 1, True),
        ("proctor", "snapshot", "review", 1, True),
    ]


async def test_what_is_shown_is_told_by_its_bytes_and_written_down_by_its_purpose(
    scene: Scene,
) -> None:
    page, handed_in = b"<html><script>alert(1)</script>", b"%PDF and more"
    device = scene.device
    lines = [
        device.add(Kind.SNAPSHOT, blob=page, purpose="periodic"),
        device.add(Kind.SNAPSHOT, blob=handed_in, purpose="file"),
    ]
    assert (await device.send(lines, [page, handed_in]))["type"] == "receipt"
    path = await scene.ticket()
    proctor = await scene.server.as_staff(StaffRole.PROCTOR)
    kinds = {}
    for blob in (page, handed_in, STILL):
        address = f"{path}/{scene.session}/{sha256(blob).hexdigest()}"
        async with proctor.get(address) as response:
            assert await response.read() == blob
            kinds[blob] = response.content_type
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert kinds == {
        page: "application/octet-stream",
        handed_in: "application/octet-stream",
        STILL: "image/jpeg",
    }
    assert sorted(await scene.looks()) == [
        ("proctor", "file", "review", 1, True),
        ("proctor", "snapshot", "review", 2, True),
    ]


async def test_the_same_bytes_sent_twice_are_the_graver_of_the_two(scene: Scene) -> None:
    device, document = scene.device, JPEG + b"document"
    line = device.add(Kind.SNAPSHOT, blob=document, purpose="periodic")
    assert (await device.send([line]))["type"] == "receipt"
    path = await scene.ticket()
    await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{DOCUMENT}")
    assert await scene.looks() == [("proctor", "document", "review", 1, True)]


async def test_looks_within_ten_minutes_are_one_entry_that_says_when_and_how_many(
    scene: Scene,
) -> None:
    begun_ms = int(scene.server.clock.now().timestamp() * 1000)
    for _ in range(3):
        path = await scene.ticket()
        await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{STILL_SHA256}")
        scene.server.clock.pass_(60)
    (entry,) = await scene.device.call("GET", "/api/v1/session/looks")
    assert entry == {
        "by": "proctor",
        "what": "snapshot",
        "why": "review",
        "at_ms": begun_ms,
        "until_ms": begun_ms + 120_000,
        "count": 3,
        "allowed": True,
    }
    scene.server.clock.pass_(600)
    path = await scene.ticket()
    await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{STILL_SHA256}")
    assert [each[3] for each in await scene.looks()] == [3, 1]


async def test_a_ticket_is_good_for_five_minutes(scene: Scene) -> None:
    path = await scene.ticket()
    scene.server.clock.pass_(299.999)
    assert (await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{FACE}"))[0] == 200
    scene.server.clock.pass_(0.001)
    for of in (FACE, "strip/0"):
        refused = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{of}")
        assert refused[:2] == (403, "look-expired")


async def test_another_persons_ticket_shows_nothing_and_the_try_is_written_down(
    scene: Scene,
) -> None:
    path = await scene.ticket()
    for of, name in ((FACE, "second"), ("strip/0", "second")):
        refused = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{of}", name)
        assert refused[:2] == (403, "look-not-yours")
    assert sorted(await scene.looks()) == [
        ("second", "face", "", 1, False),
        ("second", "thumbnails", "", 1, False),
    ]


async def test_a_ticket_for_one_session_shows_no_other(scene: Scene) -> None:
    other = (await scene.server.invite(learner="Grace Hopper"))["session"]
    client = await scene.server.as_staff(StaffRole.PROCTOR)
    async with client.post(f"/api/v1/sessions/{other}/looks", json={"why": "help"}) as response:
        path = (await response.json())["path"]
    for of in (STILL_SHA256, "strip/0"):
        refused = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{of}")
        assert refused[:2] == (403, "look-elsewhere")
    # And nothing of this session under the other's name.
    found = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{other}/{STILL_SHA256}")
    assert found[:2] == (404, "not-found")
    assert {each[4] for each in await scene.looks()} == {False}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"), id="its end"),
        pytest.param(lambda text: ("A" if text[0] != "A" else "B") + text[1:], id="its beginning"),
        pytest.param(lambda text: text[:-4], id="cut short"),
        pytest.param(lambda _: "A", id="one letter"),
        pytest.param(lambda _: "AAAA", id="a few bytes"),
    ],
)
async def test_a_ticket_that_was_not_made_here_is_none(scene: Scene, change: Any) -> None:
    text = (await scene.ticket()).removeprefix("/api/v1/looks/")
    address = f"/api/v1/looks/{change(text)}/{scene.session}/{FACE}"
    assert (await scene.ask(StaffRole.PROCTOR, "GET", address))[:2] == (404, "not-found")
    assert await scene.looks() == []


async def test_a_ticket_outlives_a_restart(scene: Scene, open_server: OpenServer) -> None:
    path = await scene.ticket()
    again = await open_server(clock=scene.server.clock)
    token = (await scene.server.as_staff(StaffRole.PROCTOR)).headers["Authorization"]
    async with (
        aiohttp.ClientSession(again.url, headers={"Authorization": token}) as http,
        http.get(f"{path}/{scene.session}/{FACE}") as response,
    ):
        assert response.status == 200


@pytest.mark.parametrize("role", [StaffRole.COURSE_TEAM, StaffRole.ADMINISTRATOR])
async def test_who_may_not_see_pictures_is_refused_and_that_is_written_down(
    scene: Scene, role: StaffRole
) -> None:
    asks: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "{session}/looks", {"json": {"why": "audit"}}),
        ("POST", "{session}/looks", {"json": {"why": "curious"}}),
        ("GET", f"{await scene.ticket()}/{scene.session}/{FACE}", {}),
        ("GET", f"{await scene.ticket()}/{scene.session}/strip/0", {}),
        ("GET", "{session}/bundle", {}),
    ]
    for method, path, more in asks:
        refused = await scene.ask(role, method, path, **more)
        assert refused[:2] == (403, "role-not-allowed"), path
    assert sorted(await scene.looks()) == [
        (role, "bundle", "", 1, False),
        (role, "pictures", "", 2, False),
        (role, "pictures", "audit", 1, False),
        (role, "thumbnails", "", 1, False),
    ]
    # Of a session that does not exist nothing is known, and nothing said.
    client = await scene.server.as_staff(role)
    for session in ("s_none", "%ff%fe", "%00", "a" * 65):
        address = URL(f"{scene.server.url}/api/v1/sessions/{session}/looks", encoded=True)
        async with client.post(address, data=b"\xff") as response:
            assert response.status == 403, session
    assert len(await scene.looks()) == 4


@pytest.mark.parametrize("role", [StaffRole.COURSE_TEAM, StaffRole.ADMINISTRATOR])
async def test_who_may_not_watch_an_exam_is_refused_and_all_who_sit_it_read_that(
    scene: Scene, role: StaffRole
) -> None:
    address = "/api/v1/exams/short/looks"
    for _ in range(2):
        refused = await scene.ask(role, "POST", address, json={"why": "watching"})
        assert refused[:2] == (403, "role-not-allowed")
    assert await scene.looks() == [(role, "live stills", "watching", 2, False)]
    proctor = await scene.server.as_staff(StaffRole.PROCTOR)
    # Who is invited later was not asked for; nor is who has handed in.
    scene.server.clock.pass_(700)
    later = (await scene.server.invite(learner="Zoë Quinn"))["session"]
    await scene.device.submit()
    scene.server.clock.pass_(700)
    await scene.ask(role, "POST", address, json={"why": "watching"})
    read = {}
    for session in (scene.session, later):
        async with proctor.get(f"/api/v1/sessions/{session}/looks") as response:
            read[session] = [each["count"] for each in await response.json()]
    assert read == {scene.session: [2], later: [1]}
    # Of an exam that does not exist nothing is known, and nothing said.
    for exam in ("none", "%ff", "a" * 65):
        url = URL(f"{scene.server.url}/api/v1/exams/{exam}/looks", encoded=True)
        async with (await scene.server.as_staff(role)).post(url, data=b"x") as response:
            assert response.status == 403, exam


async def test_nobody_looks_at_a_rehearsal_and_who_asks_is_written_down(server: Server) -> None:
    invited = await server.invite()
    proctor = await server.as_staff(StaffRole.PROCTOR)
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        rehearse = {"token": invited["join_token"]}
        async with http.post("/api/v1/rehearsal", json=rehearse) as response:
            token = (await response.json())["join_token"]
        session = (await device.join(token))["session"]
        path = f"/api/v1/sessions/{session}"
        asks = [
            ("POST", f"{path}/looks", {"why": "help"}),
            ("GET", f"{path}/bundle", None),
            ("POST", f"/api/v1/exams/{PRACTICE_EXAM}/looks", {"why": "watching"}),
        ]
        for method, address, body in asks:
            async with proctor.request(method, address, json=body) as response:
                told = await response.json(content_type=None)
                assert (response.status, told["type"].rpartition(":")[2]) == (
                    403,
                    "look-at-rehearsal",
                ), address
        shown = await device.call("GET", "/api/v1/session/looks")
    assert sorted((each["what"], each["why"], each["allowed"]) for each in shown) == [
        ("bundle", "review", False),
        ("pictures", "help", False),
    ]


async def test_a_lead_looks_as_a_proctor_does(scene: Scene) -> None:
    lead = await scene.server.as_staff(StaffRole.LEAD)
    address = f"/api/v1/sessions/{scene.session}/looks"
    async with lead.post(address, json={"why": "audit"}) as response:
        path = (await response.json())["path"]
    shown = await scene.ask(StaffRole.LEAD, "GET", f"{path}/{scene.session}/{FACE}")
    assert shown[0] == 200
    assert await scene.looks() == [("lead", "face", "audit", 1, True)]


@pytest.mark.parametrize("role", list(StaffRole))
async def test_all_staff_read_who_looked(scene: Scene, role: StaffRole) -> None:
    path = await scene.ticket("audit")
    await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{FACE}")
    client = await scene.server.as_staff(role)
    async with client.get(f"/api/v1/sessions/{scene.session}/looks") as response:
        assert await response.json() == await scene.device.call("GET", "/api/v1/session/looks")
    assert (await scene.ask(role, "GET", "/api/v1/sessions/s_none/looks"))[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param("{session}/looks", {"why": "curious"}, 422, id="no such reason"),
        pytest.param("{session}/looks", {"why": ""}, 422, id="no reason"),
        pytest.param("{session}/looks", {"why": "watching"}, 422, id="a reason for the wall"),
        pytest.param("{session}/looks", {}, 422, id="nothing said"),
        pytest.param("/api/v1/exams/short/looks", {"why": "review"}, 422, id="one for a session"),
        pytest.param("/api/v1/sessions/s_none/looks", {"why": "help"}, 404, id="no session"),
        pytest.param("/api/v1/exams/none/looks", {"why": "watching"}, 404, id="no exam"),
    ],
)
async def test_a_ticket_needs_a_reason_and_something_to_look_at(
    scene: Scene, path: str, body: Any, status: int
) -> None:
    assert (await scene.ask(StaffRole.PROCTOR, "POST", path, json=body))[0] == status


async def test_the_live_stills_of_an_exam_are_seen_and_nothing_else(scene: Scene) -> None:
    path = await scene.ticket(exam="short", why="watching")
    shown = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{STILL_SHA256}")
    assert shown == (200, "", STILL)
    for of in (FACE, DOCUMENT, "strip/0"):
        refused = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{of}")
        assert refused[:2] == (403, "look-elsewhere")
    assert sorted(await scene.looks()) == [
        ("proctor", "document", "watching", 1, False),
        ("proctor", "face", "watching", 1, False),
        ("proctor", "live stills", "watching", 1, True),
        ("proctor", "thumbnails", "", 1, False),
    ]
    await scene.device.submit()
    over = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{STILL_SHA256}")
    assert over[:2] == (403, "look-elsewhere")
    assert len(await scene.looks()) == 4


async def test_a_still_of_earlier_is_not_told_as_a_live_one(scene: Scene) -> None:
    path = await scene.ticket(exam="short", why="watching")
    later = [STILL + b"%d" % number for number in range(8)]  # as many as are live at once
    for data in later:
        line = scene.device.add(Kind.SNAPSHOT, blob=data, purpose="periodic")
        await scene.device.send([line], [data])
    for digest in (STILL_SHA256, sha256(later[-1]).hexdigest()):
        shown = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{digest}")
        assert shown[0] == 200
    assert sorted(await scene.looks()) == [
        ("proctor", "live stills", "watching", 1, True),
        ("proctor", "snapshot", "watching", 1, True),
    ]


async def test_a_still_of_before_a_restart_is_shown_too(
    scene: Scene, open_server: OpenServer
) -> None:
    path = await scene.ticket(exam="short", why="watching")
    again = await open_server(clock=scene.server.clock)
    proctor = await scene.server.as_staff(StaffRole.PROCTOR)
    headers = {"Authorization": proctor.headers["Authorization"]}
    async with aiohttp.ClientSession(again.url, headers=headers) as http:
        for digest, status in ((STILL_SHA256, 200), (DOCUMENT, 403)):
            async with http.get(f"{path}/{scene.session}/{digest}") as response:
                assert response.status == status


async def test_a_ticket_for_one_exam_shows_no_other(scene: Scene, tmp_path: Path) -> None:
    body = (SHORT_EXAM / "exam.toml").read_text().replace('id = "short"', 'id = "other"', 1)
    folder = shutil.copytree(SHORT_EXAM, tmp_path / "other")
    (folder / "exam.toml").write_text(body)
    await config.publish(scene.server.store, folder)
    path = await scene.ticket(exam="other", why="watching")
    refused = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{STILL_SHA256}")
    assert refused[:2] == (403, "look-elsewhere")
    assert await scene.looks() == [("proctor", "snapshot", "watching", 1, False)]


async def test_a_bundle_is_a_look_for_the_reason_given(scene: Scene) -> None:
    for query in ("", "?why=audit"):
        assert (await scene.ask(StaffRole.PROCTOR, "GET", "{session}/bundle" + query))[0] == 200
    refused = await scene.ask(StaffRole.PROCTOR, "GET", "{session}/bundle?why=watching")
    assert refused[0] == 422
    assert sorted(await scene.looks()) == [
        ("proctor", "bundle", "audit", 1, True),
        ("proctor", "bundle", "review", 1, True),
    ]


def webcam(level: int) -> bytes:
    encoded = cv2.imencode(".jpg", np.full((480, 640, 3), level, np.uint8))[1]
    return encoded.tobytes()


async def test_a_strip_shows_periodic_snapshots_by_time_and_black_where_one_is_erased(
    scene: Scene,
) -> None:
    pictures = [webcam(60 + each) for each in range(64)]
    lines = [scene.device.add(Kind.SNAPSHOT, blob=p, purpose="periodic") for p in pictures]
    scene.server.clock.pass_(120)
    assert (await scene.device.send(lines, pictures))["type"] == "receipt"
    path = await scene.ticket()
    client = await scene.server.as_staff(StaffRole.PROCTOR)

    async def cells(number: int) -> list[float]:
        async with client.get(f"{path}/{scene.session}/strip/{number}") as response:
            assert (response.status, response.content_type) == (200, "image/jpeg")
            sheet = cv2.imdecode(np.frombuffer(await response.read(), np.uint8), 0)
        assert sheet is not None
        assert sheet.shape == (432, 960)
        return [float(sheet[at // 10 * 72 + 36, at % 10 * 96 + 48]) for at in range(60)]

    levels = {sha256(p).hexdigest(): 60 + at for at, p in enumerate(pictures)} | {STILL_SHA256: 0}
    async with client.get(f"/api/v1/sessions/{scene.session}/timeline") as response:
        shown = (await response.json())["snapshots"]
    in_order = [levels[each["sha256"]] for each in shown if each["purpose"] == "periodic"]
    first, second = await cells(0), await cells(1)
    assert first + second[:5] == pytest.approx(in_order, abs=2)
    # The first still of all can't be read, and is black as an absent one is.
    assert first == pytest.approx([0, *range(60, 119)], abs=2)
    assert second == pytest.approx([*range(119, 124), *[0] * 55], abs=2)
    await scene.server.store.erase(scene.session, [sha256(pictures[3]).hexdigest()])
    assert (await cells(0))[4] == pytest.approx(0, abs=2)
    refused = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/strip/2")
    assert refused[:2] == (404, "not-found")
    assert await scene.looks() == [("proctor", "thumbnails", "review", 3, True)]


async def test_an_erased_picture_is_not_found_and_no_look(scene: Scene) -> None:
    path = await scene.ticket()
    await scene.server.store.erase(scene.session, [FACE])
    found = await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{FACE}")
    assert found[:2] == (404, "not-found")
    assert await scene.looks() == []


async def test_who_has_yet_to_decide_is_not_told_who_looked_for_a_review(scene: Scene) -> None:
    path = await scene.ticket(name="first")
    await scene.ask(StaffRole.PROCTOR, "GET", f"{path}/{scene.session}/{STILL_SHA256}", "first")

    async def told(role: StaffRole, name: str) -> list[str]:
        _, _, body = await scene.ask(role, "GET", "{session}/looks", name)
        return [each["by"] for each in json.loads(body) if each["why"] == "review"]

    assert await told(StaffRole.PROCTOR, "first") == ["first"]
    assert await told(StaffRole.PROCTOR, "second") == []
    # Who leads proctors gives verdicts, too.
    assert await told(StaffRole.LEAD, "lead") == []


async def test_who_settles_a_contest_reads_all_looks_that_the_decision_rests_on(
    server: Server,
) -> None:
    async with sat(server) as here:

        async def look(name: str, why: str) -> None:
            shown = await here.ask(name, "POST", "{session}/looks", json={"why": why})
            timeline = await here.ask(name, "GET", "{session}/timeline")
            client = await server.as_staff(StaffRole.PROCTOR, name)
            sha256 = timeline["snapshots"][0]["sha256"]
            async with client.get(f"{shown['path']}/{here.session}/{sha256}") as response:
                assert response.status == 200

        async def told(name: str) -> list[tuple[str, str]]:
            looks = await here.ask(name, "GET", "{session}/looks")
            return [(each["by"], each["why"]) for each in looks]

        for name in ("ann", "bo"):
            await look(name, "review")
            await here.judge(name, "breach")
        before = [("ann", "review"), ("bo", "review")]
        assert await told("cy") == before
        server.clock.pass_(60)
        await here.device.call("POST", "/api/v1/session/contest", json={"text": "A reflection."})
        server.clock.pass_(60)
        await look("cy", "contest")
        assert await told("cy") == [*before, ("cy", "contest")]
        # Of who settles it, another who may learns nothing.
        assert await told("di") == before
        assert await told("ann") == [*before, ("cy", "contest")]
