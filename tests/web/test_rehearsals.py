"""A rehearsal over HTTP: the whole way with a learner's own link, and what comes of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proctor.adapters import exams, policies
from proctor.domain.resource_words import system_rule_words
from proctor.evidence.note import VerifierKey
from proctor.evidence.record import Kind
from proctor.evidence.verify import verify
from proctor.services.cases import Cases
from proctor.services.export import Export
from proctor.services.logins import StaffRole
from tests.conftest import SHORT_EXAM, Server, until
from tests.device import JPEG, Device, Refused

ROWS = [
    {"check": "camera", "status": "ok", "facts": {"pictures": 3}},
    {"check": "clock", "status": "mend", "facts": {"offset_ms": 900_000}},
]


@pytest.fixture
async def http(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as http:
        yield http


async def rehearse(http: aiohttp.ClientSession, token: str) -> str:
    async with http.post("/api/v1/rehearsal", json={"token": token}) as response:
        told = await response.json()
        if response.status != 201:
            raise Refused(response.status, told)
        assert list(told) == ["join_token"]
        return str(told["join_token"])


async def read(server: Server, role: StaffRole, path: str) -> Any:
    staff = await server.as_staff(role)
    async with staff.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_a_learner_rehearses_the_whole_way_and_the_course_team_reads_the_report(
    server: Server, http: aiohttp.ClientSession
) -> None:
    invited = await server.invite()
    async with Device(http) as device:
        joined = await device.join(await rehearse(http, invited["join_token"]))
        assert joined["exam"]["practice"] is True
        assert joined["exam"]["title"] == "Rehearsal"
        assert joined["notice"][0]["heading"] == "This is a rehearsal"
        assert "A short exam" in joined["notice"][0]["lines"][0]
        assert joined["policy"]["id"] == "demo"
        await device.connect()
        assert (await device.check_in())["state"] == "ready"
        opened = await device.open("rehearsal")
        assert [item["kind"] for item in opened["items"]] == [
            "single-choice",
            "fill-in",
            "short-text",
        ]
        await device.answer("rehearsal", "week", "b")
        picture = JPEG + b"two"
        await device.send([device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")], [picture])

        async def looked_at() -> Any:
            told = await device.call("GET", "/api/v1/session/rehearsal")
            return told["seen"] if told["seen"]["looked_at"] == 2 else None

        seen = await until(looked_at)
        assert (seen["pictures"], seen["one_face"], seen["more_faces"]) == (2, 1, 1)
        await device.send([device.add(Kind.NOTICE, notice="readiness", rows=ROWS)])
        assert (await device.submit())["state"] == "submitted"
        session = joined["session"]

    path = "/api/v1/exams/short/readiness"
    (row,) = (await read(server, StaffRole.COURSE_TEAM, path))["learners"]
    assert row["session"] == invited["session"]
    assert (row["learner"], row["rehearsals"], row["ready"]) == ("Ada Lovelace", 1, False)
    assert (row["mend"], row["mind"], row["not_tried"]) == (["clock"], [], [])
    # Nobody is asked to look at it, and the exam is what it was.
    assert await read(server, StaffRole.PROCTOR, "/api/v1/reviews") == {
        "reviews": [],
        "pictures": {"waiting": 0, "oldest_ms": None, "behind": 0, "unavailable": []},
        "minutes": 0,
        "fits": 0,
        "done_last_day": 0,
        "reviewers": ["proctor"],
        "more": False,
    }
    exams = await read(server, StaffRole.COURSE_TEAM, "/api/v1/exams")
    assert [(exam["id"], exam["sessions"]) for exam in exams] == [("short", 1)]
    async with Device(http, name="d_real") as real:
        joined = await real.join(invited["join_token"])
        assert joined["session"] == invited["session"]
        assert joined["exam"]["practice"] is False
        assert joined["notice"][0]["heading"] != "This is a rehearsal"

    # It is evidence as any other, though no proctor looks at it.
    cases = Cases(server.store, server.clock)
    export = Export(server.store, cases, key=server.parts.key, server=server.parts.server)
    bundle = b"".join([part async for part in export.bundle(session)])
    async with http.get("/.well-known/proctor-keys.json") as response:
        keys = await response.json()
    report = verify(bundle, server_key=VerifierKey.parse(keys["keys"][0]))
    assert report.holds, report.steps


async def test_who_never_rehearsed_is_told_so(server: Server) -> None:
    await server.invite()
    path = "/api/v1/exams/short/readiness"
    (row,) = (await read(server, StaffRole.COURSE_TEAM, path))["learners"]

    assert (row["rehearsals"], row["last_at_ms"], row["ready"]) == (0, None, None)


async def test_the_twenty_first_rehearsal_of_a_day_is_refused_and_says_when_the_next_can_begin(
    server: Server, http: aiohttp.ClientSession
) -> None:
    token = (await server.invite())["join_token"]
    for _ in range(20):
        await rehearse(http, token)
    with pytest.raises(Refused) as no:
        await rehearse(http, token)

    assert (no.value.status, no.value.code) == (429, "too-many-rehearsals")
    assert no.value.problem["again_at"] == "2026-06-02T10:00:00+00:00"


async def test_a_link_that_is_not_known_rehearses_nothing(http: aiohttp.ClientSession) -> None:
    with pytest.raises(Refused) as no:
        await rehearse(http, "x" * 43)

    assert (no.value.status, no.value.code) == (404, "join-link-unknown")


async def test_in_the_exam_itself_nobody_is_told_what_the_machine_saw(
    server: Server, http: aiohttp.ClientSession
) -> None:
    async with Device(http) as device:
        await device.join((await server.invite())["join_token"])
        with pytest.raises(Refused) as no:
            await device.call("GET", "/api/v1/session/rehearsal")

    assert (no.value.status, no.value.code) == (409, "not-a-rehearsal")


async def test_the_readiness_of_an_exam_that_is_not_there_is_not_found(server: Server) -> None:
    staff = await server.as_staff(StaffRole.COURSE_TEAM)
    async with staff.get("/api/v1/exams/no-such-exam/readiness") as response:
        assert response.status == 404


async def test_whether_a_computer_is_taken_is_told_by_a_link_and_joins_nothing(
    server: Server, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    path = tmp_path / "no-old-windows.toml"
    path.write_text(
        'schema = 1\nid = "no-old-windows"\ntitle = "No old Windows"\n[system]\n'
        'refuse = [{ os = "windows", below = "10" }]\ndisplays_most = 2\n'
    )
    policy = policies.load(path)
    await server.store.publish(exams.load(SHORT_EXAM).body, policy.body)
    refuse = policy.policy.system.refuse
    invited = await server.invite()

    async def asked(token: str, **system: str) -> tuple[int, Any]:
        body = {"token": token, "system": system}
        async with http.post("/api/v1/computer", json=body) as response:
            return response.status, await response.json()

    token = invited["join_token"]
    status, told = await asked(token, os="windows", os_version="6.1")
    assert (status, told["fit"]["displays_most"]) == (200, 2)
    assert told["fit"]["refused"] == [system_rule_words(refuse[0])]
    assert (await asked(token, os="windows", os_version="10.0"))[1]["fit"]["refused"] == []
    assert (await asked(token))[1]["fit"]["refused"] == []
    assert (await asked("another"))[0] == 404
    assert (await asked(token, os="x" * 201))[0] == 422
    assert await server.store.devices(invited["session"]) == []
