"""The desk of ID checks over HTTP: from the pictures to a decision of one person, or of two."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import aiohttp
import pytest

from proctor.adapters import exams, policies
from proctor.adapters.looks import SqlLooks
from proctor.domain.document import DocumentRead
from proctor.domain.mrz import Mrz
from proctor.domain.observation import Face
from proctor.evidence.record import Kind, parse
from proctor.evidence.verify import verify
from proctor.services.logins import StaffRole
from proctor.services.ports import StorageFull
from tests.conftest import SHORT_EXAM, OpenServer, Server, check_in_read
from tests.device import JPEG, Device, Refused

MRZ = Mrz(
    format="TD3",
    code="P",
    issuer="UTO",
    number="L898902C3",
    nationality="UTO",
    birth=date(1990, 8, 12),
    sex="F",
    expiry=date(2012, 4, 15),
    surname="LOVELACE",
    given="ADA",
    failed=(),
    lines=("P<UTOLOVELACE<<ADA", "L898902C3"),
)
SECRETS = ("L898902C3", "LOVELACE<<", "UTOPIA", "1990-08-12", "2012-04-15")


class OnePassport:
    async def read(self, picture: bytes) -> DocumentRead:
        assert picture.endswith(b"who=ada")
        portrait = Face(x=10, y=20, width=30, height=40, score=0.9)
        return DocumentRead(lines=("UTOPIA",), mrz=MRZ, portrait=portrait)

    async def close(self) -> None:
        return None


@dataclass
class Held:
    """A learner whose session waits for a person."""

    server: Server
    session: str
    device: Device

    async def ask(
        self,
        method: str,
        path: str = "/id-check",
        *,
        as_: str = "bo",
        status: int = 200,
        **more: Any,
    ) -> Any:
        staff = await self.server.as_staff(StaffRole.PROCTOR, as_)
        address = f"/api/v1/sessions/{self.session}{path}"
        async with staff.request(method, address, **more) as response:
            found = await response.json(content_type=None)
            assert response.status == status, found
            return found

    async def decide(self, event: str, *, as_: str = "bo", status: int = 200, **more: Any) -> Any:
        body = {"event": event, **more}
        if event in ("accepted", "refused") and "seen" not in body:
            desk = await self.ask("GET", as_=as_)
            body["seen"] = {each: desk[each]["sha256"] for each in ("face", "document")}
        return await self.ask("POST", as_=as_, status=status, json=body)

    async def show_again(self) -> None:
        pictures = [JPEG + b"sharper who=ada", JPEG + b"sharper document who=ada"]
        lines = [
            self.device.add(Kind.SNAPSHOT, blob=picture, purpose=purpose)
            for picture, purpose in zip(pictures, ("face", "document"), strict=True)
        ]
        await self.device.send(lines, pictures)
        await self.device.call("POST", "/api/v1/session/check-in")

    async def queue(self, **query: str) -> Any:
        staff = await self.server.as_staff(StaffRole.PROCTOR, "bo")
        async with staff.get("/api/v1/id-checks", params=query) as response:
            assert response.status == 200
            return await response.json()


@pytest.fixture
async def held(open_server: OpenServer) -> AsyncIterator[Held]:
    server = await open_server(reader=OnePassport())
    policy = policies.load(policies.builtin_folder() / "closed-book.toml")
    await server.store.publish(exams.load(SHORT_EXAM).body, policy.body)
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        await device.send([device.hello()])
        pictures = [JPEG + b"face who=ada", JPEG + b"document who=ada"]
        lines = [
            device.add(Kind.SNAPSHOT, blob=picture, purpose=purpose)
            for picture, purpose in zip(pictures, ("face", "document"), strict=True)
        ]
        await device.send(lines, pictures)
        await device.call("POST", "/api/v1/session/check-in")
        await check_in_read(server, invited["session"])
        yield Held(server, invited["session"], device)


async def test_who_reads_what_was_read_in_a_document_is_written_down(held: Held) -> None:
    for _ in range(2):
        await held.ask("GET")
    await held.ask("GET", as_="grace")
    looks = await held.device.call("GET", "/api/v1/session/looks")
    told = [(each["by"], each["what"], each["why"], each["count"]) for each in looks]
    assert sorted(told) == [("bo", "reading", "check-in", 2), ("grace", "reading", "check-in", 1)]


async def test_the_desk_shows_what_was_read_and_compared(held: Held) -> None:
    held.server.clock.pass_(90)
    desk = await held.ask("GET")
    assert (desk["state"], desk["learner"], desk["proposed"]) == ("captured", "Ada Lovelace", None)
    assert desk["asked_for"].startswith("a passport, a national ID or a driving licence")
    assert desk["portrait"] == {"x": 10, "y": 20, "width": 30, "height": 40}
    assert desk["reading"]["state"] == "read"
    assert desk["reading"]["mrz"]["expiry"] == "2012-04-15"
    results = {each["check"]: each["result"] for each in desk["checks"]}
    assert results == {
        "faces": "agrees",
        "digits": "agrees",
        "expiry": "differs",
        "kind": "agrees",
        "name": "agrees",
        "portrait": "agrees",
        "face": "agrees",
    }
    face = desk["checks"][-1]
    assert (face["value"], face["threshold"], face["by"]) == (0.9, 0.363, "machine")
    assert "Check digits of the machine-readable zone hold (machine)" in desk["assurance"]
    for each in ("face", "document"):
        assert (await held.ask("GET", "/timeline"))["snapshots"]
        assert desk[each]["device"] == held.device.key.name
    queue = await held.queue()
    (row,) = queue["waiting"]
    now_ms = int(held.server.clock.now().timestamp() * 1000)
    assert (queue["now_ms"], desk["now_ms"]) == (now_ms, now_ms)
    assert (row["session"], row["hold"], row["raised"]) == (held.session, True, 0)
    assert row["concerns"] == ["the document has expired"]
    assert (queue["waited_s_longest"], queue["waited_s_median"]) == (90, None)
    assert (await held.queue(exam="none"))["waiting"] == []


async def test_a_refusal_takes_two_people_over_http(held: Held) -> None:
    proposed = await held.decide("refused", reason="another person")
    assert (proposed["state"], proposed["may_confirm"]) == ("refusal-proposed", False)
    assert proposed["proposed"]["by"] == "bo"
    assert (await held.device.call("GET", "/api/v1/session"))["id_check"]["reason"] == ""
    no = await held.decide("refused", reason="I am sure", status=403)
    assert no["type"].endswith("another-person-needed")
    assert (await held.ask("GET", as_="cy"))["may_confirm"] is True
    refused = await held.decide("refused", as_="cy", reason="not the portrait's face")
    assert (refused["state"], refused["reason"]) == ("refused", "not the portrait's face")
    assert "Refused by bo, confirmed by cy (persons)" in refused["assurance"]
    assert (await held.queue())["waiting"] == []
    # What two refused, one accepts with a reason, and not with a click.
    no = await held.decide("accepted", status=422)
    assert no["type"].endswith("id-reason-missing")
    accepted = await held.decide("accepted", reason="a newer portrait was sent")
    assert (accepted["state"], accepted["reason"]) == ("accepted", "a newer portrait was sent")


async def test_asking_again_takes_a_code_that_is_known(held: Held) -> None:
    no = await held.decide("asked-again", status=422)
    assert no["type"].endswith("id-reason-missing")
    await held.decide("asked-again", code="ugly", status=422)
    no = await held.decide("asked-again", code="other", status=422)
    assert no["type"].endswith("id-reason-missing")
    held.server.clock.pass_(30)
    desk = await held.decide("asked-again", code="expired")
    words = {each["code"]: each["words"] for each in desk["reasons"]}
    assert (desk["state"], desk["reason"]) == ("retake", words["expired"])
    assert (await held.queue())["waited_s_median"] == 30


async def test_a_decision_on_other_pictures_than_those_that_are_there_is_refused(
    held: Held,
) -> None:
    desk = await held.ask("GET")
    seen = {each: desk[each]["sha256"] for each in ("face", "document")}
    await held.decide("asked-again", code="blurred", seen=seen)
    held.server.clock.pass_(5)
    await held.show_again()

    for other in (seen, {}, {"face": seen["face"], "document": None}):
        no = await held.decide("accepted", seen=other, status=409)
        assert no["type"].endswith("id-check-changed")
        assert no["detail"].startswith("other pictures were shown meanwhile")
    await held.decide("accepted", seen={"face": "no digest"}, status=422)
    for event in ("accepted", "refused"):
        no = await held.decide(event, reason="no", seen=None, status=422)
        assert no["type"].endswith("invalid-input")
        assert "which pictures" in str(no)
    assert (await held.ask("GET"))["state"] == "captured"
    now = await held.ask("GET")
    seen = {each: now[each]["sha256"] for each in ("face", "document")}
    assert (await held.decide("accepted", seen=seen))["state"] == "accepted"


async def test_a_decision_that_is_stored_is_said_to_be_though_no_look_can_be_written_down(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await held.ask("GET")
    assert desk["reading"]["lines"] == ["UTOPIA"]
    seen = {each: desk[each]["sha256"] for each in ("face", "document")}

    async def full(*_: object) -> None:
        raise StorageFull

    monkeypatch.setattr(SqlLooks, "add", full)
    decided = await held.decide("accepted", as_="lin", seen=seen)
    assert (decided["state"], decided["by"]) == ("accepted", "lin")
    # What was read is shown to nobody whose look is not written down.
    assert (decided["reading"]["state"], decided["reading"]["lines"]) == ("unavailable", [])
    assert decided["reading"]["mrz"] is None
    assert (await held.ask("GET", as_="lin", status=507))["type"].endswith("storage-full")


async def test_new_pictures_come_to_the_desk_beside_those_before_while_the_exam_goes_on(
    held: Held,
) -> None:
    accepted = await held.decide("accepted", as_="lin")
    assert (accepted["before"], accepted["may_ask_again"]) == (None, True)
    await held.device.call("POST", "/api/v1/session/sections/part-a/open")
    act = {"act": "ask-id", "code": "other/other", "note": "Somebody else sat there."}
    await held.ask("POST", "/acts", json=act)
    told = await held.device.call("GET", "/api/v1/session")
    assert (told["state"], told["id_check"]["state"]) == ("running", "retake")
    assert (told["id_check"]["asked_again"], told["id_check"]["reason"]) == (True, act["note"])
    no = await held.ask("POST", "/acts", json=act, status=409)
    assert no["type"].endswith("illegal-move")  # it is asked for already
    assert (await held.queue())["waiting"] == []
    held.server.clock.pass_(5)

    await held.show_again()

    (row,) = (await held.queue())["waiting"]
    assert (row["session"], row["state"], row["hold"]) == (held.session, "captured", False)
    desk = await held.ask("GET")
    before = desk["before"]
    assert (before["state"], before["by"]) == ("accepted", "lin")
    for which in ("face", "document"):
        assert before[which]["sha256"] == accepted[which]["sha256"] != desk[which]["sha256"]
    await check_in_read(held.server, held.session)
    assert (await held.ask("GET"))["reading"]["state"] == "read"  # of the new one
    told = await held.device.call("GET", "/api/v1/session")
    assert (told["state"], told["id_check"]["state"]) == ("running", "captured")
    assert "The pictures before were accepted by lin (person)" in told["id_check"]["assurance"]


async def test_of_an_exam_that_is_over_nothing_new_is_asked_for(held: Held) -> None:
    await held.decide("accepted")
    await held.device.call("POST", "/api/v1/session/sections/part-a/open")
    await held.decide("asked-again", code="blurred")
    await held.device.send([held.device.add(Kind.SUBMISSION, answers=[])])
    await held.device.call("POST", "/api/v1/session/submit")

    with pytest.raises(Refused) as over:
        await held.device.call("POST", "/api/v1/session/check-in")
    assert (over.value.status, over.value.code) == (403, "session-closed")
    (row,) = (await held.queue())["waiting"]
    assert row["state"] == "retake"
    desk = await held.decide("accepted", reason="the lamp had gone out")
    assert (desk["state"], desk["may_ask_again"]) == ("accepted", False)
    no = await held.decide("asked-again", code="blurred", status=403)
    assert no["type"].endswith("session-closed")


async def test_vouching_is_recorded_with_a_name(held: Held) -> None:
    no = await held.decide("vouched", status=422)
    assert no["type"].endswith("id-reason-missing")
    desk = await held.decide("vouched", as_="lin", reason="my student for two years")
    assert (desk["state"], desk["by"]) == ("accepted", "lin")
    assert desk["assurance"][-1] == (
        "Accepted without a matching document: vouched for by lin (person)"
    )
    assert (await held.device.call("GET", "/api/v1/session"))["state"] == "ready"


async def test_nothing_that_was_read_leaves_the_desk(
    held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    await held.decide("accepted")
    lines = await held.server.store.server_lines(held.session)
    told = [parse(line) for line in lines]
    (last,) = [each.facts for each in told if each.facts.get("state") == "accepted"]
    assert {"check": "expiry", "by": "machine", "result": "differs"} in last["checks"]
    team = await held.server.as_staff(StaffRole.ADMINISTRATOR)
    async with team.get("/metrics") as response:
        counted = await response.text()
    assert "proctor_id_checks_waiting 0.0" in counted
    assert "proctor_id_check_waited_seconds_count 1.0" in counted
    staff = await held.server.as_staff(StaffRole.PROCTOR, "bo")
    async with staff.get(f"/api/v1/sessions/{held.session}/bundle") as response:
        bundle = await response.read()
    assert verify(bundle, server_key=held.server.parts.key.verifier).holds
    data = [path.read_bytes() for path in held.server.store._segments._folder.parent.glob("*.db*")]
    for secret in SECRETS:
        for place in (*lines, bundle, counted.encode(), caplog.text.encode(), *data):
            assert secret.encode() not in place
