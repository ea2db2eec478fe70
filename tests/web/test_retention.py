"""What the notice promises about pictures, kept by a real server as its clock goes on."""

from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from proctor.evidence.note import VerifierKey
from proctor.evidence.record import Kind, parse
from proctor.evidence.verify import verify
from proctor.services import retention
from proctor.services.logins import StaffRole
from tests.conftest import OpenServer, Server, analysed, check_in_read, until
from tests.device import JPEG, Device

DAY_S = 86_400
# closed-book, which the demo's policy extends.
DOCUMENT_DAYS, SNAPSHOT_DAYS = 30, 90
FILE = b"the essay that was handed in"


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the background look all the time."""
    monkeypatch.setattr("proctor.web.app.RETAIN_EVERY_S", 0.02)


async def sat(server: Server, *, pictures: tuple[bytes, ...] = (b"one",)) -> str:
    """Have a learner sit the whole exam, and return the session."""
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        await device.check_in()
        opened = await device.open("part-a")
        for n, end in enumerate(pictures):
            picture = JPEG + b"%d" % n + end
            server.clock.pass_(1)
            device.at_ms = int(server.clock.now().timestamp() * 1000) - 1000
            line = device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
            await device.send([line], [picture])
        file = device.add(Kind.SNAPSHOT, blob=FILE, purpose="file")
        await device.send([file], [FILE])
        await device.answer("part-a", opened["items"][0]["id"], "a")
        for section in ("part-a", "part-b", "part-c"):
            await device.open(section) if section != "part-a" else None
            await device.call("POST", f"/api/v1/session/sections/{section}/close")
        assert (await device.submit())["state"] == "submitted"
    proctor = await server.as_staff(StaffRole.PROCTOR)
    await analysed(proctor, f"/api/v1/sessions/{invited['session']}")
    await check_in_read(server, invited["session"])  # the log holds what machines found
    return str(invited["session"])


async def pictures(server: Server, session: str) -> dict[str, set[str]]:
    """Return what the timeline says of the blobs: purpose to states."""
    # Days later every login has ended: a new one each time.
    name = f"proctor-{len(server.staff)}"
    proctor = await server.as_staff(StaffRole.PROCTOR, name)
    async with proctor.get(f"/api/v1/sessions/{session}/timeline") as answer:
        assert answer.status == 200, await answer.text()
        timeline = await answer.json()
    found: dict[str, set[str]] = {}
    for each in timeline["snapshots"]:
        found.setdefault(each["purpose"], set()).add(each["blob"])
    return found


def becomes(server: Server, session: str, **states: str) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return await pictures(server, session) == {key: {each} for key, each in states.items()}

    return holds


async def bundle_holds(server: Server, session: str) -> str:
    """Verify the bundle with the published key; return what it says of the blobs."""
    proctor = await server.as_staff(StaffRole.PROCTOR, f"proctor-{len(server.staff)}")
    bundle = await (await proctor.get(f"/api/v1/sessions/{session}/bundle")).read()
    keys = await (await proctor.get("/.well-known/proctor-keys.json")).json()
    report = verify(bundle, server_key=VerifierKey.parse(keys["keys"][0]))
    assert report.holds, report.steps
    return report.steps[5].detail


async def erased_records(server: Server, session: str) -> list[dict[str, Any]]:
    records = map(parse, await server.store.server_lines(session))
    return [dict(each.facts) for each in records if each.kind is Kind.ERASED]


@pytest.mark.usefixtures("at_once")
async def test_each_picture_goes_at_its_term_and_the_bundle_verifies_all_along(
    server: Server,
) -> None:
    session = await sat(server)
    assert await bundle_holds(server, session) == "4 held, 0 erased, 0 never arrived"

    server.clock.pass_(DOCUMENT_DAYS * DAY_S - 1)
    assert await becomes(
        server, session, face="held", document="held", periodic="held", file="held"
    )()
    server.clock.pass_(1)
    await until(
        becomes(server, session, face="held", document="erased", periodic="held", file="held")
    )
    assert await bundle_holds(server, session) == "3 held, 1 erased, 0 never arrived"

    server.clock.pass_((SNAPSHOT_DAYS - DOCUMENT_DAYS) * DAY_S)
    await until(
        becomes(server, session, face="erased", document="erased", periodic="erased", file="held")
    )
    assert await bundle_holds(server, session) == "1 held, 3 erased, 0 never arrived"
    assert await server.store.blob(session, sha256(FILE).hexdigest()) == FILE
    whys = [record["why"] for record in await erased_records(server, session)]
    assert whys == ["pictures of documents are kept 30 days", "snapshots are kept 90 days"]


@pytest.mark.usefixtures("at_once")
async def test_an_open_review_keeps_its_pictures_until_it_is_decided(server: Server) -> None:
    flagged = await sat(server, pictures=(b"", b"two", b"two", b"two", b"two", b""))
    quiet = await sat(server)

    server.clock.pass_(SNAPSHOT_DAYS * DAY_S)
    # The other session shows that somebody has looked.
    erased = {"face": "erased", "document": "erased", "periodic": "erased", "file": "held"}
    await until(becomes(server, quiet, **erased))
    assert await becomes(server, flagged, **dict.fromkeys(erased, "held"))()

    for name, outcome in (("one", "breach"), ("two", "breach")):
        assert await erased_records(server, flagged) == []
        proctor = await server.as_staff(StaffRole.PROCTOR, name)
        async with proctor.get(f"/api/v1/sessions/{flagged}/timeline") as answer:
            raised = [each["flag"] for each in (await answer.json())["flags"]]
        flags = [{"flag": flag, "outcome": "upheld", "reason": "two people"} for flag in raised]
        verdict = {"outcome": outcome, "reasons": "they wrote it together", "flags": flags}
        async with proctor.post(f"/api/v1/sessions/{flagged}/verdicts", json=verdict) as answer:
            assert answer.status == 200, await answer.text()
    # The verdict came late: its learner has the whole term, counted from it, to see the evidence.
    assert await becomes(server, flagged, **dict.fromkeys(erased, "held"))()
    server.clock.pass_(SNAPSHOT_DAYS * DAY_S)
    await until(becomes(server, flagged, **erased))
    assert await bundle_holds(server, flagged) == "1 held, 8 erased, 0 never arrived"


async def test_what_the_log_says_was_erased_is_erased_after_a_crash(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise ConnectionError

    server = await open_server()
    session = await sat(server)
    server.clock.pass_(SNAPSHOT_DAYS * DAY_S)
    monkeypatch.setattr("proctor.web.app.RETAIN_EVERY_S", 0.02)
    crashed = await open_server(clock=server.clock)
    monkeypatch.setattr(crashed.store, "erase", crash)
    await until(lambda: erased_records(crashed, session))
    assert len(await crashed.store.held(session)) == 4
    said = await crashed.store.server_lines(session)

    last = await open_server(clock=server.clock)
    file = {sha256(FILE).hexdigest(): len(FILE)}

    async def done() -> bool:
        return await last.store.held(session) == file

    await until(done)
    # Said once: the run that did it adds nothing to the log.
    assert await last.store.server_lines(session) == said
    assert await bundle_holds(last, session) == "1 held, 3 erased, 0 never arrived"


@pytest.mark.usefixtures("at_once")
async def test_many_pictures_are_told_in_records_that_each_fit(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MAX_ERASED_NAMED", 2)
    session = await sat(server, pictures=(b"1", b"2", b"3", b"4"))
    server.clock.pass_(SNAPSHOT_DAYS * DAY_S)
    await until(
        becomes(server, session, face="erased", document="erased", periodic="erased", file="held")
    )
    told = [len(record["sha256"]) for record in await erased_records(server, session)]
    assert sorted(told) == [1, 1, 2, 2]


@pytest.mark.usefixtures("at_once")
async def test_a_device_that_comes_back_is_not_asked_for_what_was_erased(server: Server) -> None:
    invited = await server.invite()
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        await device.check_in()
        proctor = await server.as_staff(StaffRole.PROCTOR)
        path = f"/api/v1/sessions/{invited['session']}"
        await analysed(proctor, path)
        await server.terminate(invited["session"])
        server.clock.pass_(SNAPSHOT_DAYS * DAY_S)

        async def gone() -> bool:
            return not await server.store.held(invited["session"])

        await until(gone)
        await device.hang_up()
        assert (await device.connect())["owed"] == []


async def test_a_bundle_that_an_erasing_overtakes_breaks_off(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await sat(server)
    blobs = server.store.blobs

    async def overtaken(session_id: str) -> AsyncIterator[tuple[str, bytes]]:
        await server.store.erase(session_id, [sha256(FILE).hexdigest()])
        async for each in blobs(session_id):
            yield each

    monkeypatch.setattr(server.store, "blobs", overtaken)
    proctor = await server.as_staff(StaffRole.PROCTOR)
    with pytest.raises(aiohttp.ClientPayloadError):
        await (await proctor.get(f"/api/v1/sessions/{session}/bundle")).read()
    monkeypatch.undo()
    # Erased without a word in the log: no rule did that, and the bundle says "never arrived".
    assert await bundle_holds(server, session) == "3 held, 0 erased, 1 never arrived"
