"""What reviewers ask over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from proctor.services.logins import StaffRole
from tests.conftest import Server
from tests.web.sat import Sat, code_of, sat

LEAD = StaffRole.LEAD


@pytest.fixture
async def here(server: Server) -> AsyncIterator[Sat]:
    async with sat(server) as found:
        yield found


# --- blindness -----------------------------------------------------------------------------------

# What each way of asking changes by itself: who looked, and how often the server was asked.
OWN_DOING = {"GET /metrics", "GET /api/v1/sessions/{session}/looks", "GET /api/v1/session/looks"}
READERS = {
    **{str(role): role for role in StaffRole},
    "yet-to-decide": StaffRole.PROCTOR,
    "another-lead": StaffRole.LEAD,
}


async def all_that_can_be_read(here: Sat) -> dict[str, bytes]:
    """Return the answer to every GET of the API, as each role and as the learner."""
    device = here.device
    document = await device.call("GET", "/api/v1/openapi.json")
    shown = await here.ask("proctor", "GET", "{session}/timeline")
    looks = await here.ask("proctor", "POST", "{session}/looks", json={"why": "review"})
    fills = {
        "session": here.session,
        "exam": "short",
        "section": "part-a",
        "device": "d_test",
        "sha256": shown["snapshots"][0]["sha256"],
        "ticket": looks["path"].rpartition("/")[2],
        "n": "0",
    }
    clients = {name: await here.server.as_staff(role, name) for name, role in READERS.items()}
    learner = {"Authorization": f"Bearer {device.joined['device_token']}"}
    found: dict[str, bytes] = {}
    for path, methods in document["paths"].items():
        if "get" not in methods or f"GET {path}" in OWN_DOING or path.endswith(("wall", "uplink")):
            continue
        for table in ("sessions", "flags", "irregularities", "verdicts"):
            address = path.replace("{table}", table)
            for name, value in fills.items():
                address = address.replace(f"{{{name}}}", value)
            for name, client in clients.items():
                async with client.get(address) as response:
                    found[f"{name} {address}"] = await response.read()
            async with device.http.get(address, headers=learner) as response:
                found[f"learner {address}"] = await response.read()
    # A ticket is good for who asked for it; another is signed anew each time.
    return {place: sent for place, sent in found.items() if "/looks/" not in place}


@pytest.mark.parametrize("outcome", ["clear", "breach"])
async def test_no_address_tells_anybody_that_somebody_has_judged(
    here: Sat, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an accusation, and of a clear verdict that is sampled: every answer is what it was."""
    monkeypatch.setattr("proctor.services.reviews.is_second_look", lambda *_, **__: True)
    await here.server.as_staff(StaffRole.PROCTOR, "ann")  # whom the queue names
    before = await all_that_can_be_read(here)
    assert (await here.judge("ann", outcome))["review"]["state"] == "second-needed"
    await here.ask("ann", "POST", "{session}/comments", json={"at_ms": 1, "text": "a phone"})

    after = await all_that_can_be_read(here)

    assert [place for place in before if before[place] != after[place]] == []
    assert len([place for place in before if "/timeline" in place]) > len(READERS)
    told = [place for place in after if b"heard a voice" in after[place]]
    assert told == []
    # Nor does being refused say more than that one has to wait.
    path = "{session}/result/release"
    refused = await here.ask("course-team", "POST", path, 409, role=StaffRole.COURSE_TEAM)
    assert (code_of(refused), refused["review"]) == ("not-decided-yet", "awaiting")

    await here.judge("bo", outcome)
    decided = await all_that_can_be_read(here)
    assert [place for place in decided if b"heard a voice" in decided[place]] != []


async def test_the_first_reads_their_own_and_no_second(here: Sat) -> None:
    await here.judge("ann", "breach")
    mine = await here.ask("ann", "GET", "{session}/timeline")
    assert (mine["review"]["state"], mine["may_decide"]) == ("second-needed", False)
    assert [each["by"] for each in mine["review"]["verdicts"]] == ["ann"]
    (row,) = (await here.ask("bo", "GET", "/api/v1/reviews"))["reviews"]
    assert (row["state"], row["outcome"], row["may_decide"]) == ("awaiting", None, True)


# --- verdicts ------------------------------------------------------------------------------------


async def test_a_flag_is_judged_with_a_reason(here: Sat) -> None:
    judged = [{"flag": here.flag, "outcome": "upheld", "reason": " "}]
    refused = await here.judge("ann", "clear", 422, flags=judged)
    assert (code_of(refused), refused["flag"]) == ("flag-reason-missing", here.flag)
    judged = [{"flag": here.flag, "outcome": "upheld"}]
    assert code_of(await here.judge("ann", "clear", 422, flags=judged)) == "flag-reason-missing"
    judged[0]["reason"] = "x" * 501
    assert code_of(await here.judge("ann", "clear", 422, flags=judged)) == "invalid-input"


async def test_a_page_without_the_newest_flag_is_stale(here: Sat) -> None:
    refused = await here.judge("ann", "clear", 409, flags_seen=["some.other.1"])
    assert (code_of(refused), refused["flags"]) == ("stale-page", [here.flag])
    await here.judge("ann", "clear", flags_seen=[here.flag, "some.other.1"])


async def test_each_flag_of_conduct_is_judged(here: Sat) -> None:
    refused = await here.judge("ann", "clear", 422, flags=[])
    assert (code_of(refused), refused["flags"]) == ("flags-not-judged", [here.flag])
    canned = "Another person helped during the exam."
    judged = [{"flag": here.flag, "outcome": "not-upheld", "reason": "a poster"}]
    refused = await here.judge("ann", "breach", 422, reasons=canned, flags=judged)
    assert code_of(refused) == "own-words-missing"
    await here.judge("ann", "breach", reasons=canned)


async def test_a_flag_of_quality_is_not_judged(server: Server) -> None:
    async with sat(server, seen=b"covered", pictures=12) as here:
        refused = await here.judge("ann", "clear", 422)
        assert (code_of(refused), refused["flag"]) == ("quality-judged", here.flag)
        await here.judge("ann", "clear", flags=[])


async def test_a_verdict_and_a_mark_sent_again_are_there_once(here: Sat) -> None:
    request = "5e0f2b0c-2f3e-4a54-9a43-0d4c0f1f6b11"
    first = await here.judge("ann", "breach", request=request)
    assert await here.judge("ann", "breach", request=request) == first
    reused = await here.judge("ann", "clear", 409, request=request)
    assert code_of(reused) == "request-reused"
    assert code_of(await here.judge("ann", "breach", 403)) == "another-person-needed"
    mark = {"at_ms": 1, "text": "a phone", "request": request}
    for _ in range(2):
        found = await here.ask("ann", "POST", "{session}/comments", json=mark)
        assert [each["text"] for each in found["comments"]] == ["a phone"]
    await here.ask("ann", "POST", "{session}/comments", 422, json=mark | {"request": "x"})


async def test_a_verdict_that_no_record_holds_is_refused_before_it_is_given(here: Sat) -> None:
    refused = await here.judge("ann", "clear", 409, flags=[
        {"flag": f"x{number}", "outcome": "upheld", "reason": "x"} for number in range(9)
    ])  # fmt: skip
    assert code_of(refused) == "unknown-flag"


async def test_who_alone_acted_on_a_session_does_not_judge_it(server: Server) -> None:
    invited = await server.invite()
    path = f"/api/v1/sessions/{invited['session']}"
    ann, bo = [await server.as_staff(StaffRole.PROCTOR, name) for name in ("ann", "bo")]
    reason = {"code": "other/other", "note": "no show"}
    for client, act in ((ann, "terminate"), (bo, "confirm-terminate")):
        async with client.post(f"{path}/acts", json={"act": act, "of": "a1", **reason}) as response:
            assert response.status == 200, await response.text()
    verdict = {"outcome": "void", "reasons": "nobody came"}
    async with ann.post(f"{path}/verdicts", json=verdict) as response:
        assert response.status == 200, await response.text()

    invited = await server.invite(learner="Grace Hopper")
    path = f"/api/v1/sessions/{invited['session']}"
    note = {"act": "irregularity", "of": "room", **reason}
    async with ann.post(f"{path}/acts", json=note) as response:
        assert response.status == 200, await response.text()
    for client, act in (
        (bo, "terminate"),
        (await server.as_staff(LEAD, "cy"), "confirm-terminate"),
    ):
        async with client.post(f"{path}/acts", json={"act": act, "of": "a2", **reason}) as response:
            assert response.status == 200, await response.text()
    async with ann.post(f"{path}/verdicts", json=verdict) as response:
        assert response.status == 200


async def test_the_only_proctor_of_a_session_is_told_that_another_judges_it(
    here: Sat,
) -> None:
    note = {"act": "irregularity", "of": "room", "code": "environment/noise", "note": "a drill"}
    await here.ask("ann", "POST", "{session}/acts", json=note)
    refused = await here.judge("ann", "clear", 403)
    assert (code_of(refused), refused["by"]) == ("acted-alone", "ann")
    shown = await here.ask("ann", "GET", "{session}/timeline")
    assert (shown["may_decide"], shown["why_not"]) == (
        False,
        "You alone acted on this session: another person judges it.",
    )
    assert [(act["act"], act["by"]) for act in shown["acts"]] == [("irregularity", "ann")]
    (row,) = (await here.ask("ann", "GET", "/api/v1/reviews"))["reviews"]
    assert not row["may_decide"]
    assert (row["why_not"], row["irregularities"]) == (shown["why_not"], 1)
    await here.judge("bo", "clear")


# --- the queue -----------------------------------------------------------------------------------


async def test_the_queue_says_what_fits_into_some_minutes(here: Sat) -> None:
    async with sat(here.server, "Grace Hopper", "d_grace"):
        found = await here.ask("ann", "GET", "/api/v1/reviews?exam=short&budget_min=4")
        assert [row["queue"] for row in found["reviews"]] == ["conduct", "conduct"]
        assert [row["reach"] for row in found["reviews"]] == [1, 1]
        assert (found["minutes"], found["fits"], found["done_last_day"]) == (6, 1, 0)
        assert (await here.ask("ann", "GET", "/api/v1/reviews"))["fits"] == 0
        await here.judge("ann", "breach")
        found = await here.ask("ann", "GET", "/api/v1/reviews?budget_min=4")
        assert (found["minutes"], found["fits"], found["done_last_day"]) == (3, 1, 1)
        found = await here.ask("bo", "GET", "/api/v1/reviews?budget_min=60")
        assert (found["minutes"], found["fits"], found["done_last_day"]) == (6, 2, 0)
    for budget in ("-1", "nan", "inf", "1441", "x"):
        await here.ask("ann", "GET", f"/api/v1/reviews?budget_min={budget}", 422)


async def test_the_clock_warns_before_a_review_is_due(here: Sat) -> None:
    names = iter(("ann", "bo", "cy", "di"))  # a login ends sooner than these days

    async def row() -> Any:
        (found,) = (await here.ask(next(names), "GET", "/api/v1/reviews"))["reviews"]
        return found

    day_s = 24 * 3600
    now_ms = int(here.server.clock.now().timestamp() * 1000)
    found = await row()
    assert found["clock"] == "ok"
    assert abs(found["due_at_ms"] - (now_ms + 5 * day_s * 1000)) < 60_000
    here.server.clock.pass_(4 * day_s + 60)
    assert (await row())["clock"] == "soon"
    here.server.clock.pass_(day_s)
    assert (await row())["clock"] == "over"
    await here.judge("di", "clear")
    assert (await row())["clock"] == "ok"


async def test_sessions_are_given_to_people_each_by_itself(here: Sat) -> None:
    await here.server.as_staff(StaffRole.PROCTOR, "bo")
    due_ms = int(here.server.clock.now().timestamp() * 1000) + 3_600_000
    asked = {"sessions": [here.session, "s_none", here.session], "to": "bo", "due_at_ms": due_ms}
    found = await here.ask("ann", "POST", "/api/v1/reviews/assign", json=asked)
    assert found["done"] == [here.session]
    assert [(no["session"], no["code"]) for no in found["failed"]] == [("s_none", "not-found")]
    (row,) = (await here.ask("ann", "GET", "/api/v1/reviews"))["reviews"]
    assert (row["assigned_to"], row["due_at_ms"], row["clock"]) == ("bo", due_ms, "soon")

    back = {"sessions": [here.session], "to": None}
    await here.ask("ann", "POST", "/api/v1/reviews/assign", json=back)
    (row,) = (await here.ask("ann", "GET", "/api/v1/reviews"))["reviews"]
    assert (row["assigned_to"], row["due_at_ms"]) == (None, due_ms)


@pytest.mark.parametrize("to", ["nobody", "course-team"])
async def test_only_who_gives_verdicts_is_asked_to(here: Sat, to: str) -> None:
    asked = {"sessions": [here.session], "to": to}
    refused = await here.ask("ann", "POST", "/api/v1/reviews/assign", 422, json=asked)
    assert code_of(refused) == "no-such-reviewer"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"sessions": [], "to": "ann"}, id="no session"),
        pytest.param({"sessions": ["s_1"] * 501, "to": "ann"}, id="too many"),
        pytest.param({"sessions": ["s_1"], "to": ""}, id="nobody's name"),
        pytest.param({"sessions": ["s_1"]}, id="to nobody said"),
        pytest.param({"sessions": ["s_1"], "to": None, "due_at_ms": 10**16}, id="due in the year"),
    ],
)
async def test_an_assignment_out_of_bounds_is_refused(server: Server, body: Any) -> None:
    ann = await server.as_staff(StaffRole.PROCTOR, "ann")
    async with ann.post("/api/v1/reviews/assign", json=body) as response:
        assert response.status == 422


# --- comments and agreement ----------------------------------------------------------------------


async def test_comments_stand_at_their_moment(here: Sat) -> None:
    said = {"at_ms": 1_780_308_000_000, "text": "  who is that? "}
    found = await here.ask("ann", "POST", "{session}/comments", json=said)
    (comment,) = found["comments"]
    assert (comment["by"], comment["at_ms"], comment["text"]) == (
        "ann",
        1_780_308_000_000,
        "who is that?",
    )
    shown = await here.ask("ann", "GET", "{session}/timeline")
    assert shown["comments"] == [comment]
    for text in ("", " ", "x" * 1001):
        await here.ask("ann", "POST", "{session}/comments", 422, json={"at_ms": 1, "text": text})
    unknown = "/api/v1/sessions/s_none/comments"
    await here.ask("ann", "POST", unknown, 404, json={"at_ms": 1, "text": "x"})


async def test_the_lead_reads_how_far_two_agree(here: Sat) -> None:
    empty = await here.ask("lead", "GET", "/api/v1/exams/short/agreement", role=LEAD)
    assert empty == {"sessions": 1, "decided": 0, "pairs": [], "rules": [], "flags": []}
    none = await here.ask("lead", "GET", "/api/v1/exams/none/agreement", 404, role=LEAD)
    assert code_of(none) == "not-found"
    await here.judge("ann", "breach")
    assert await here.ask("lead", "GET", "/api/v1/exams/short/agreement", role=LEAD) == empty
    judged = [{"flag": here.flag, "outcome": "cannot-tell", "reason": "too dark"}]
    await here.judge("bo", "breach", flags=judged)
    found = await here.ask("lead", "GET", "/api/v1/exams/short/agreement", role=LEAD)
    unsaid = {"kappa": None, "low": None, "high": None}
    assert found["pairs"] == [{"one": "ann", "other": "bo", "n": 1, "agree": 1.0, **unsaid}]
    assert (found["sessions"], found["decided"]) == (1, 1)
    (rule,) = found["rules"]
    assert (rule["rule"], rule["n"], rule["agree"], rule["kappa"]) == (
        "more than 1 person for 2 seconds",
        1,
        0.0,
        0.0,
    )
    # What stands is what the last of them said.
    (flags,) = found["flags"]
    assert (flags["rule"], flags["n"], flags["upheld"], flags["not_upheld"]) == (
        "more than 1 person for 2 seconds",
        1,
        0,
        0,
    )
    assert (flags["cannot_tell"], flags["share"], flags["low"]) == (1, 0.0, 0.0)
    assert 0.7 < flags["high"] < 0.8
