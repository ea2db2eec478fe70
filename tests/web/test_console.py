"""What staff ask over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from proctor.evidence.note import VerifierKey
from proctor.evidence.record import Kind
from proctor.evidence.verify import verify
from proctor.services.logins import StaffRole
from tests.conftest import Server, until
from tests.device import JPEG, Device


@dataclass
class Desk:
    """A session in its first section, and the staff around it."""

    server: Server
    session: str
    device: Device

    async def ask(
        self,
        role: StaffRole,
        method: str,
        path: str,
        status: int = 200,
        name: str = "",
        **more: Any,
    ) -> Any:
        client = await self.server.as_staff(role, name)
        address = path.replace("{session}", f"/api/v1/sessions/{self.session}")
        async with client.request(method, address, **more) as response:
            found = await response.json(content_type=None)
            assert response.status == status, found
            if status >= 400:
                assert response.content_type == "application/problem+json"
            return found

    async def proctor(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        return await self.ask(StaffRole.PROCTOR, method, path, status, **more)


@pytest.fixture
async def desk(server: Server) -> AsyncIterator[Desk]:
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        server.clock.pass_(5)  # each record of a test's device is a second later
        await device.check_in()
        await device.open("part-a")
        yield Desk(server, invited["session"], device)


def code_of(problem: dict[str, Any]) -> str:
    return str(problem["type"]).removeprefix("urn:proctor:problem:")


async def test_exams_are_listed_with_their_sessions(desk: Desk) -> None:
    (exam,) = await desk.ask(StaffRole.COURSE_TEAM, "GET", "/api/v1/exams")
    assert (exam["id"], exam["policy"], exam["sections"], exam["sessions"]) == (
        "short",
        "demo",
        3,
        1,
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"learner": ""}, id="no name"),
        pytest.param({"learner": "Ada", "time_factor": "0.5"}, id="less time"),
        pytest.param({"learner": "Ada", "time_factor": "NaN"}, id="a factor that is no number"),
        pytest.param({"learner": "Ada", "time_factor": "Infinity"}, id="all the time"),
        pytest.param({"learner": "Ada", "time_factor": "1e400"}, id="a factor beyond bounds"),
        pytest.param({"learner": "Ada", "extra_s": -1}, id="time taken away"),
        pytest.param({"learner": "Ada", "extra_s": 10**30}, id="time without end"),
        pytest.param({"learner": "Ada", "why": "medical"}, id="a key that is not known"),
        pytest.param({"learner": "\x00" * 201}, id="a name too long"),
        pytest.param({"learner": "Ada", "account": "a" * 201}, id="an account too long"),
        pytest.param([], id="no object"),
    ],
)
async def test_an_invitation_out_of_bounds_is_refused(server: Server, body: Any) -> None:
    team = await server.as_staff(StaffRole.COURSE_TEAM)
    async with team.post("/api/v1/exams/short/sessions", json=body) as response:
        assert response.status == 422, await response.text()
        assert response.content_type == "application/problem+json"
    assert await server.store.cases(None) == []


async def test_what_does_not_exist_is_not_found(server: Server) -> None:
    proctor = await server.as_staff(StaffRole.PROCTOR)
    team = await server.as_staff(StaffRole.COURSE_TEAM)
    asks: list[tuple[aiohttp.ClientSession, str, str, Any]] = [
        (proctor, "GET", "/api/v1/sessions/s_none", None),
        (proctor, "GET", "/api/v1/sessions/s_none/timeline", None),
        (proctor, "GET", "/api/v1/sessions/s_none/bundle", None),
        (proctor, "GET", "/api/v1/sessions/s_none/looks", None),
        (proctor, "POST", "/api/v1/sessions/s_none/acts", {"act": "resume"}),
        (proctor, "POST", "/api/v1/sessions/s_none/id-check", {"event": "accepted", "seen": {}}),
        (
            proctor,
            "POST",
            "/api/v1/sessions/s_none/verdicts",
            {"outcome": "clear", "reasons": "x"},
        ),
        (team, "GET", "/api/v1/sessions/s_none/result", None),
        (team, "POST", "/api/v1/exams/none/sessions", {"learner": "Ada"}),
    ]
    for client, method, path, body in asks:
        async with client.request(method, path, json=body) as response:
            problem = await response.json(content_type=None)
            assert (response.status, code_of(problem)) == (404, "not-found"), path


async def test_a_session_is_read_and_acted_on(desk: Desk) -> None:
    assert (await desk.proctor("GET", "{session}"))["state"] == "running"
    pause = {"act": "pause", "code": "environment/disturbance", "note": "a fire alarm"}
    paused = await desk.proctor("POST", "{session}/acts", json=pause)
    assert paused["session"]["state"] == "paused"
    again = await desk.proctor("POST", "{session}/acts", 409, json=pause)
    assert code_of(again) == "illegal-move"
    desk.server.clock.pass_(60)
    resume = {"act": "resume", "note": "a drill"}
    resumed = await desk.proctor("POST", "{session}/acts", json=resume)
    assert [entry["cause"] for entry in resumed["session"]["ledger"]] == ["pause"]
    nothing = {"act": "terminate", "code": "learner/behaviour", "note": " "}
    refused = await desk.proctor("POST", "{session}/acts", 422, json=nothing)
    assert code_of(refused) == "act-reason-missing"
    no_time = {"act": "extra-time", "code": "environment/noise", "note": "noise"}
    refused = await desk.proctor("POST", "{session}/acts", 422, json=no_time)
    assert code_of(refused) == "bad-grant"


async def test_an_id_check_is_decided(desk: Desk) -> None:
    shown = await desk.proctor("GET", "{session}/id-check")
    seen = {"seen": {each: shown[each]["sha256"] for each in ("face", "document")}}
    refused = await desk.proctor(
        "POST", "{session}/id-check", 422, json=seen | {"event": "refused"}
    )
    assert code_of(refused) == "id-reason-missing"
    captured = {"event": "captured"}
    refused = await desk.proctor("POST", "{session}/id-check", 403, json=captured)
    assert code_of(refused) == "not-their-event"
    accepted = await desk.proctor("POST", "{session}/id-check", json=seen | {"event": "accepted"})
    assert (accepted["state"], accepted["by"]) == ("accepted", "proctor")
    found = await desk.proctor("GET", "{session}")
    assert found["id_check"]["state"] == "accepted"
    assert found["id_check"]["assurance"][-1] == "Accepted by proctor (person)"


async def test_a_whole_review_over_http(desk: Desk) -> None:
    device, server = desk.device, desk.server
    for n in range(4):
        server.clock.pass_(1)
        device.at_ms = int(server.clock.now().timestamp() * 1000) - 1000
        picture = JPEG + b"%d" % n + b"two"
        line = device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
        await device.send([line], [picture])
    await device.answer("part-a", "two-dice", "c")
    early = {"outcome": "clear", "reasons": "too early"}
    refused = await desk.proctor("POST", "{session}/verdicts", 409, json=early)
    assert code_of(refused) == "session-goes-on"
    server.clock.pass_(1)
    await device.submit()

    async def looked_at() -> Any:
        shown = await desk.proctor("GET", "{session}/timeline")
        return shown if shown["analysed"] else None

    shown = await until(looked_at)
    (flag,) = shown["flags"]
    assert (shown["me"], shown["may_decide"], shown["why_not"]) == ("proctor", True, None)
    unknown = {"outcome": "clear", "reasons": "x", "flags": [{"flag": "x", "outcome": "upheld"}]}
    assert code_of(await desk.proctor("POST", "{session}/verdicts", 409, json=unknown)) == (
        "unknown-flag"
    )
    empty = {"outcome": "breach", "reasons": ""}
    assert code_of(await desk.proctor("POST", "{session}/verdicts", 422, json=empty)) == (
        "reasons-missing"
    )
    breach = {
        "outcome": "breach",
        "reasons": "somebody whispers",
        "flags": [{"flag": flag["flag"], "outcome": "upheld", "reason": "a second voice"}],
        "flags_seen": [flag["flag"]],
    }
    first = await desk.proctor("POST", "{session}/verdicts", json=breach)
    assert (first["review"]["state"], first["review"]["outcome"]) == ("second-needed", None)
    refused = await desk.proctor("POST", "{session}/verdicts", 403, json=breach)
    assert code_of(refused) == "another-person-needed"
    second = await desk.proctor("POST", "{session}/verdicts", json=breach, name="second")
    assert second["review"]["outcome"] == "breach"

    (row,) = (await desk.proctor("GET", "/api/v1/reviews?exam=short"))["reviews"]
    assert (row["session"], row["state"], row["conduct"]) == (desk.session, "decided", 1)
    assert (await desk.proctor("GET", "/api/v1/reviews?exam=other"))["reviews"] == []
    result = await desk.ask(StaffRole.COURSE_TEAM, "GET", "{session}/result")
    assert result["points"] == 1
    view = await device.call("GET", "/api/v1/session")
    assert view["verdict"]["outcome"] == "breach"

    proctor = await server.as_staff(StaffRole.PROCTOR)
    async with proctor.get(f"/api/v1/sessions/{desk.session}/bundle") as response:
        assert response.content_type == "application/zip"
        assert f'filename="{desk.session}.zip"' in response.headers["Content-Disposition"]
        bundle = await response.read()
    key = VerifierKey.parse(device.joined["server_keys"][0])
    report = verify(bundle, server_key=key)
    assert report.holds, report.steps


async def test_the_course_team_marks_an_answer_and_corrects_the_mark(desk: Desk) -> None:
    async def team(method: str, path: str, status: int = 200, **more: Any) -> Any:
        return await desk.ask(StaffRole.COURSE_TEAM, method, path, status, **more)

    def mark(points: float | str, was: float | None) -> dict[str, Any]:
        return {"item": "randomise", "points": points, "was": was}

    going_on = await team("GET", "{session}/marks", 409)
    assert code_of(going_on) == "session-goes-on"
    for before, section in (("part-a", "part-b"), ("part-b", "part-c")):
        await desk.device.call("POST", f"/api/v1/session/sections/{before}/close")
        await desk.device.open(section)
    desk.server.clock.pass_(1)
    await desk.device.answer("part-c", "randomise", "So that only chance differs.")
    desk.server.clock.pass_(1)
    await desk.device.submit()

    (answer,) = (await team("GET", "{session}/marks"))["answers"]
    assert (answer["item"], answer["marks"]) == ("randomise", [])
    assert answer["text"]
    for wrong in (answer["possible"] + 1, "0.0001", -1, "NaN"):
        await team("POST", "{session}/marks", 422, json=mark(wrong, None))
    first = await team("POST", "{session}/marks", json=mark(0.5, None))
    assert first["points"] == 0.5
    # Sent again it is given once; on what is no more there, nothing is done.
    await team("POST", "{session}/marks", json=mark(0.5, None))
    stale = await team("POST", "{session}/marks", 409, json=mark(1, None))
    assert (code_of(stale), stale["points"], stale["by"]) == ("mark-changed", 0.5, "course-team")
    found = await team("POST", "{session}/marks", json=mark(1, 0.5))
    assert [each["points"] for each in found["answers"][0]["marks"]] == [0.5, 1]
    listed = await team("GET", "/api/v1/exams/short/marks")
    assert [(row["session"], row["marked"]) for row in listed["sessions"]] == [(desk.session, 1)]
    assert (await team("GET", "{session}/result"))["awaiting"] == []


@pytest.mark.parametrize(
    ("file", "status"),
    [
        pytest.param(b"<script>My notes.</script>", 200, id="a file"),
        pytest.param(JPEG + b"face", 404, id="a picture of check-in that is called a file"),
    ],
)
async def test_who_marks_reads_the_file_that_is_an_answer_and_that_is_written_down(
    desk: Desk, file: bytes, status: int
) -> None:
    async def get(item: str, wanted: int, role: StaffRole = StaffRole.COURSE_TEAM) -> Any:
        staff = await desk.server.as_staff(role)
        path = f"/api/v1/sessions/{desk.session}/marks/{item}/file"
        async with staff.get(path) as response:
            assert response.status == wanted, await response.text()
            return response.headers, await response.read()

    device = desk.device
    await get("work", 409)  # the session goes on
    for before, section in (("part-a", "part-b"), ("part-b", "part-c")):
        await device.call("POST", f"/api/v1/session/sections/{before}/close")
        await device.open(section)
    desk.server.clock.pass_(1)
    response = {"name": "notes.txt", "size": len(file), "sha256": sha256(file).hexdigest()}
    await device.send([device.add(Kind.SNAPSHOT, blob=file, purpose="file")], [file])
    await device.answer("part-c", "work", response)
    await device.answer("part-c", "randomise", "So that only chance differs.")
    desk.server.clock.pass_(1)
    await device.submit()

    headers, body = await get("work", status)
    if status == 200:
        assert body == file
        # A page among them is kept, never shown.
        assert headers["Content-Type"] == "application/octet-stream"
        assert (headers["Content-Disposition"], headers["Cache-Control"]) == (
            "attachment",
            "no-store",
        )
    await get("randomise", 404)
    await get("work", 403, StaffRole.PROCTOR)
    looks = await desk.proctor("GET", "{session}/looks")
    seen = [("course-team", "file", "marking", True)] if status == 200 else []
    assert [(look["by"], look["what"], look["why"], look["allowed"]) for look in looks] == [
        *seen,
        ("proctor", "file", "", False),
    ]


async def test_health_and_metrics(desk: Desk) -> None:
    async with desk.device.http.get("/healthz") as response:
        assert (await response.json()) == {"status": "ok", "failing": []}
    administrator = await desk.server.as_staff(StaffRole.ADMINISTRATOR)
    async with administrator.get("/metrics") as response:
        text = await response.text()
    assert "proctor_uplinks 1.0" in text
    assert "proctor_records_accepted_total 3.0" in text


async def test_a_proctor_reads_what_holds_in_a_session(desk: Desk) -> None:
    told = await desk.proctor("GET", "{session}/policy")
    assert all(chapter["lines"] for chapter in told["chapters"])
    assert "person-count" in {each["rule"] for each in told["rules"]}
