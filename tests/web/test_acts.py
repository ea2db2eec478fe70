"""Acts over HTTP: one, many, announcements; and what the pages are told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proctor.services.logins import StaffRole
from tests.conftest import OpenServer, Server, StillClock
from tests.device import Device

CODE = "technical/network"


@pytest.fixture
async def device(server: Server) -> AsyncIterator[Device]:
    """A learner in the first section."""
    invited = await server.invite(group="Boston")
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        await device.check_in()
        await device.open("part-a")
        yield device


async def ask(
    server: Server, path: str, body: dict[str, Any] | None = None, *, by: str = "bo"
) -> tuple[int, Any]:
    proctor = await server.as_staff(StaffRole.PROCTOR, by)
    method = "GET" if body is None else "POST"
    async with proctor.request(method, f"/api/v1{path}", json=body) as response:
        return response.status, await response.json(content_type=None)


def body(act: str, **more: Any) -> dict[str, Any]:
    return {"act": act, "code": CODE, "note": "the line", **more}


def code_of(problem: dict[str, Any]) -> str:
    return str(problem["type"]).rpartition(":")[2]


async def test_the_reasons_are_listed_for_any_staff(server: Server) -> None:
    for role in StaffRole:
        async with (await server.as_staff(role)).get("/api/v1/act-reasons") as response:
            assert response.status == 200, role
    _, told = await ask(server, "/act-reasons")
    technical = next(each for each in told if each["category"] == "technical")
    assert {"code": CODE, "words": "network"} in technical["reasons"]


async def test_an_act_is_answered_with_what_was_done_and_told_to_the_learner(
    server: Server, device: Device
) -> None:
    path = f"/sessions/{device.joined['session']}/acts"
    status, answer = await ask(server, path, body("pause"))
    assert status == 200
    act = answer["act"]
    assert (act["id"], act["act"], act["code"], act["by"]) == ("a1", "pause", CODE, "bo")
    assert (act["undone"], act["undoable"]) == (False, True)
    session = answer["session"]
    assert (session["state"], session["version"], session["group"]) == ("paused", 1, "Boston")
    while not (told := (await device.hear("session"))["session"])["acts"]:
        pass
    (mine,) = told["acts"]
    assert mine["words"] == "A proctor paused your exam: network."
    assert (mine["note"], mine["by"], mine["undoable"]) == ("the line", "", False)
    assert (told["state"], told["termination"], told["group"]) == ("paused", None, "")


async def test_the_learner_hears_of_an_end_only_when_it_happens(
    server: Server, device: Device
) -> None:
    path = f"/sessions/{device.joined['session']}/acts"
    _, proposed = await ask(server, path, body("terminate"))
    assert proposed["session"]["termination"]["by"] == "bo"
    own = await device.call("GET", "/api/v1/session")
    assert (own["acts"], own["termination"], own["version"]) == ([], None, 0)
    of = proposed["session"]["termination"]["act"]
    assert of == proposed["act"]["id"]
    status, problem = await ask(server, path, body("confirm-terminate", of=of))
    assert (status, code_of(problem)) == (403, "another-person-needed")
    _, over = await ask(server, path, {"act": "confirm-terminate", "of": of}, by="cy")
    assert over["session"]["state"] == "terminated"
    own = await device.call("GET", "/api/v1/session")
    assert [each["words"] for each in own["acts"]] == ["A proctor ended your exam: network."]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        pytest.param({"act": "pause", "note": "x"}, 422, "act-reason-missing", id="no code"),
        pytest.param({"act": "pause", "code": CODE}, 422, "act-reason-missing", id="no note"),
        pytest.param(body("pause", code="x/y"), 422, "no-such-reason", id="another reason"),
        pytest.param(body("irregularity", of="sky"), 422, "act-incomplete", id="of what"),
        pytest.param(body("lift-rule", rule="gaze"), 422, "no-such-rule", id="no such rule"),
        pytest.param(body("restore-rule", rule="dark"), 409, "rule-unchanged", id="in force"),
        pytest.param(body("undo", of="a9"), 404, "no-such-act", id="undo of nothing"),
        pytest.param(
            body("confirm-terminate", of="a9"), 409, "nothing-proposed", id="nothing to confirm"
        ),
        pytest.param(body("confirm-terminate"), 422, "act-incomplete", id="which proposal"),
        pytest.param(body("message", request="again"), 422, "invalid-input", id="no request's id"),
        pytest.param(body("resume"), 409, "illegal-move", id="not paused"),
        pytest.param(body("admit-device", of="d_x"), 404, "no-such-ask", id="no such device"),
        pytest.param(body("expel"), 422, "invalid-input", id="no such act"),
        pytest.param(body("message", note="x" * 2001), 422, "invalid-input", id="too long"),
        pytest.param(body("pause", version=-1), 422, "invalid-input", id="no such version"),
    ],
)
async def test_what_can_t_be_done_is_refused_and_leaves_no_act(
    server: Server, device: Device, sent: dict[str, Any], status: int, code: str
) -> None:
    path = f"/sessions/{device.joined['session']}"
    refused, problem = await ask(server, f"{path}/acts", sent)
    assert (refused, code_of(problem)) == (status, code)
    assert (await ask(server, path))[1]["acts"] == []


async def test_an_act_on_a_session_that_has_ended_is_refused(
    server: Server, device: Device
) -> None:
    path = f"/sessions/{device.joined['session']}"
    await server.terminate(device.joined["session"])
    status, problem = await ask(server, f"{path}/acts", body("pause"))
    assert (status, code_of(problem), problem["state"]) == (403, "session-closed", "terminated")
    status, noted = await ask(server, f"{path}/acts", body("irregularity", of="system"))
    assert (status, noted["act"]["undoable"]) == (200, True)


async def test_a_page_that_is_old_is_told_who_did_what(server: Server, device: Device) -> None:
    path = f"/sessions/{device.joined['session']}/acts"
    assert (await ask(server, path, body("pause", version=0), by="bo"))[0] == 200
    status, problem = await ask(server, path, body("resume", version=0), by="cy")
    assert (status, code_of(problem)) == (409, "stale-page")
    assert (problem["by"], problem["act"], problem["version"]) == ("bo", "pause", 1)


REQUEST = "6fb5a34c-1df5-4f24-a2a1-d7dbb2bb8f1a"


async def test_a_request_that_comes_again_is_done_once(server: Server, device: Device) -> None:
    here = device.joined["session"]
    one = (f"/sessions/{here}/acts", body("extra-time", seconds=60, request=REQUEST, version=0))
    many = ("/exams/short/acts", body("message", sessions=[here], request=REQUEST.upper()))
    all_ = ("/exams/short/announcements", {"note": "Hello.", "request": REQUEST})
    for number, (path, sent) in enumerate((one, many, all_)):
        sent["request"] = sent["request"].replace("6fb5a34c", f"{number}fb5a34c")
        first = await ask(server, path, sent)
        again = await ask(server, path, sent)
        assert first[0] == again[0] == 200, again
        for answer in (first[1], again[1]):
            # What else there is of a session may move meanwhile: its pictures are looked at.
            answer["version"] = answer.pop("session", {}).get("version")
        assert first[1] == again[1]
    _, shown = await ask(server, f"/sessions/{here}")
    assert [each["act"] for each in shown["acts"]] == ["extra-time", "message", "message"]
    assert [each["seconds"] for each in shown["ledger"]] == [60]


async def test_a_requests_id_is_that_of_one_act(server: Server, device: Device) -> None:
    path = f"/sessions/{device.joined['session']}/acts"
    await ask(server, path, body("message", request=REQUEST))
    status, problem = await ask(server, path, body("message", note="other", request=REQUEST))
    assert (status, code_of(problem), problem["act"]) == (409, "request-reused", "a1")
    # Another proctor's is another.
    assert (await ask(server, path, body("message", request=REQUEST), by="cy"))[0] == 200


async def test_who_confirms_what_stands_no_more_is_told_what_became_of_it(
    server: Server, device: Device
) -> None:
    path = f"/sessions/{device.joined['session']}/acts"
    await ask(server, path, body("terminate"))
    await ask(server, path, {"act": "withdraw-terminate", "of": "a1"}, by="di")
    confirm = {"act": "confirm-terminate", "of": "a1", "version": 1}
    status, problem = await ask(server, path, confirm, by="cy")
    assert (status, code_of(problem)) == (409, "nothing-proposed")
    assert (problem["became"], problem["by"]) == ("withdrawn", "di")
    await ask(server, path, body("terminate", note="again"))
    status, problem = await ask(server, path, confirm, by="cy")
    assert (status, code_of(problem)) == (409, "stale-proposal")
    assert (problem["act"], problem["proposed_by"]) == ("a3", "bo")
    assert (problem["became"], problem["by"]) == ("withdrawn", "di")
    assert (await device.call("GET", "/api/v1/session"))["state"] == "running"


async def test_a_batch_names_those_in_which_nothing_was_done(
    server: Server, device: Device
) -> None:
    here, over = device.joined["session"], (await server.invite())["session"]
    await server.terminate(over)
    many = body("message") | {"sessions": [here, over, "s_none"]}
    status, told = await ask(server, "/exams/short/acts", many)
    assert (status, told["done"]) == (200, [{"session": here, "act": "a1", "undoable": False}])
    assert [(each["session"], each["code"]) for each in told["failed"]] == [
        (over, "session-closed"),
        ("s_none", "not-found"),
    ]
    assert all(each["detail"] for each in told["failed"])
    for wrong in ([], ["s_1"] * 501):
        status, _ = await ask(server, "/exams/short/acts", body("message") | {"sessions": wrong})
        assert status == 422
    assert (await ask(server, "/exams/none/acts", many))[0] == 404


async def test_a_batch_is_taken_back_by_what_its_answer_says(
    server: Server, device: Device
) -> None:
    here = device.joined["session"]
    await ask(server, f"/sessions/{here}/acts", body("message"))
    path, many = "/exams/short/acts", {"sessions": [here]}
    _, given = await ask(server, path, body("extra-time", seconds=60) | many)
    assert given["done"] == [{"session": here, "act": "a2", "undoable": True}]
    for wrong, code in (
        ({}, "act-incomplete"),
        ({"each": {here: {"version": -1}}}, "invalid-input"),
        ({"each": {f"s_{number}": {} for number in range(501)}}, "invalid-input"),
        ({"each": {here: {"of": "a2"}, "s_none": {"of": "a2"}}}, "act-incomplete"),
    ):
        status, problem = await ask(server, path, {"act": "undo", **many, **wrong})
        assert (status, code_of(problem)) == (422, code)
    undo = {"act": "undo", "each": {here: {"of": "a2", "version": 2}}, **many}
    status, told = await ask(server, path, undo, by="cy")
    assert (status, told["done"]) == (200, [{"session": here, "act": "a3", "undoable": False}])
    own = await device.call("GET", "/api/v1/session")
    assert own["acts"][-1]["words"] == "A proctor took back the 1 minute given by mistake."
    # Who decided on what stood there before is told so.
    late = body("pause") | many | {"each": {here: {"version": 2}}}
    _, told = await ask(server, path, late)
    assert [(each["session"], each["code"]) for each in told["failed"]] == [(here, "stale-page")]


async def test_a_decision_on_a_device_needs_an_ask_and_to_refuse_a_reason(
    server: Server, device: Device
) -> None:
    path = f"/sessions/{device.joined['session']}/devices/d_none"
    for decision, status, code in (
        ({"decision": "refuse"}, 422, "act-reason-missing"),
        ({"decision": "refuse", "code": "technical/gremlins"}, 422, "no-such-reason"),
        ({"decision": "refuse", "code": CODE}, 404, "no-such-ask"),
        ({"decision": "admit"}, 404, "no-such-ask"),
    ):
        refused, problem = await ask(server, path, decision)
        assert (refused, code_of(problem)) == (status, code), decision


async def test_an_announcement_is_read_by_who_sits_the_exam(server: Server, device: Device) -> None:
    await server.invite()
    told = await ask(server, "/exams/short/announcements", {"note": "The hall is closed."})
    assert told == (200, {"told": 1, "failed": []})
    own = await device.call("GET", "/api/v1/session")
    assert [each["note"] for each in own["acts"]] == ["The hall is closed."]
    await ask(server, f"/sessions/{device.joined['session']}/acts", body("message", code=""))
    _, shown = await ask(server, f"/sessions/{device.joined['session']}")
    own = await device.call("GET", "/api/v1/session")
    for acts in (own["acts"], shown["acts"]):
        assert [(each["words"], each["to_all"]) for each in acts] == [
            ("A proctor wrote to everybody who sits this exam.", True),
            ("A proctor wrote to you.", False),
        ]
    status, problem = await ask(server, "/exams/short/announcements", {"note": " "})
    assert (status, code_of(problem)) == (422, "act-reason-missing")


async def test_a_group_is_one_short_line(server: Server) -> None:
    team = await server.as_staff(StaffRole.COURSE_TEAM)
    for group, status in (("Boston", 201), ("a\nb", 422), ("x" * 65, 422)):
        invited = {"learner": "Ada", "group": group}
        async with team.post("/api/v1/exams/short/sessions", json=invited) as response:
            assert response.status == status, group


async def test_what_was_done_is_stored(open_server: OpenServer, tmp_path: Path) -> None:
    clock = StillClock()
    server = await open_server(tmp_path / "data", clock)
    invited = await server.invite(group="Boston")
    path = f"/sessions/{invited['session']}"
    await ask(server, f"{path}/acts", body("lift-rule", rule="person-count"))
    await ask(server, f"{path}/acts", body("terminate"))
    before = (await server.store.case(invited["session"])).session
    assert before.group == "Boston"
    assert before.termination is not None
    again = await open_server(tmp_path / "data", clock)
    after = (await again.store.case(invited["session"])).session
    assert after == before
