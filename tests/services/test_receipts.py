import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from proctor.domain.devices import Decision
from proctor.evidence.note import Note, VerifierKey, open_checkpoint, open_cosignature
from proctor.evidence.record import Kind
from proctor.services import receipts
from proctor.services.outcomes import Outcomes
from proctor.services.ports import Mail, MailNotSent
from proctor.services.receipts import Receipts
from proctor.services.sessions import BadInvitation
from tests.conftest import until
from tests.device import Device
from tests.services.house import SERVER, House, Seat

TO = "ada.lovelace@example.edu"
LATER = MailNotSent(why="unreachable")
NEVER = MailNotSent(why="recipient-refused", smtp=550, for_good=True)


@dataclass
class Post:
    """A Mailer: what was sent, and what befalls the next ones."""

    fails: list[Exception] = field(default_factory=list)
    sent: list[Mail] = field(default_factory=list)
    tried: int = 0

    async def send(self, mail: Mail) -> None:
        self.tried += 1
        await asyncio.sleep(0)
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append(mail)

    async def close(self) -> None:
        return None


class PostOffice:
    """A house that mails, as `web.app.build` wires it."""

    def __init__(self, *fails: Exception, again_after_s: tuple[float, ...] = (0.0, 0.0)) -> None:
        self.house = House()
        self.post = Post(list(fails))
        self.receipts = Receipts(
            self.house.store,
            self.house.cases,
            self.post,
            server=SERVER,
            server_key=self.house.key.verifier.encode(),
            again_after_s=again_after_s,
        )

    async def seat(self, email: str = TO) -> Seat:
        await self.house.publish()
        invited = await self.house.invite(email=email)
        device = await self.house.joined(invited.join_token)
        seat = Seat(self.house, device, invited.session, token=invited.join_token)
        await seat.connect()
        await seat.begin()
        return seat

    async def settled(self, done: Callable[[], bool]) -> None:
        """Send until something is so, and a little longer."""
        sending = asyncio.ensure_future(self.receipts.run())

        async def is_done() -> bool:
            return done()

        try:
            await until(is_done)
            for _ in range(50):
                await asyncio.sleep(0)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def idle(self) -> None:
        await self.settled(lambda: not self.receipts._waiting)

    async def told(self, session: str) -> bool:
        house = self.house
        return (await Outcomes(house.store, house.cases, house.results).of(session)).receipt_mailed


def facts(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return what the log says of mails that were not sent; no line holds the address."""
    assert TO not in caplog.text + repr([vars(each) for each in caplog.records])
    return [
        {key: vars(each)[key] for key in ("why", "smtp", "again_s")}
        for each in caplog.records
        if each.message == "receipt not mailed"
    ]


async def test_after_the_hand_in_the_learner_gets_one_mail_with_the_receipt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    office = PostOffice()
    seat = await office.seat()
    assert office.receipts._waiting == set()
    await seat.hand_in()
    received = f"{office.house.clock.at:%Y-%m-%d %H:%M:%S} UTC"
    office.house.clock.pass_(3600)
    assert not await office.told(seat.session)
    await office.idle()

    (mail,) = office.post.sent
    key = office.house.key.verifier
    log = await office.house.store.device_log(seat.session, "d_test")
    note = Note.parse(mail.attached)
    open_cosignature(note, key)
    checkpoint = open_checkpoint(
        note, key=seat.device.key.verifier, origin=seat.device.joined["origin"]
    )
    assert (checkpoint.size, checkpoint.root) == (log.frontier.size, log.frontier.root())
    assert mail.attached_as == f"receipt-{seat.session}.txt"
    assert mail.attached.decode() in mail.text
    assert (mail.to, mail.subject) == (TO, "Your receipt: A short exam")
    assert f"received the last of it at {received}" in mail.text
    command = f"proctor verify {seat.session}.zip --key {key.encode()}"
    assert command in mail.text
    assert "Ada" not in mail.text + mail.subject
    VerifierKey.parse(command.rpartition(" ")[2])

    assert await office.told(seat.session)
    assert await office.house.store.email(seat.session) == ""
    assert facts(caplog) == []
    await seat.house.sessions.submit(seat.session, "d_test")  # sent again: no second mail
    await office.idle()
    assert office.post.tried == 1


async def test_the_bundle_holds_the_very_receipt_that_was_mailed() -> None:
    office = PostOffice()
    seat = await office.seat()
    await seat.hand_in()
    await office.idle()
    bundle = b"".join([part async for part in office.house.export.bundle(seat.session)])
    assert office.post.sent[0].attached in bundle
    assert b"logs/d_test.checkpoint" in bundle
    assert "logs/d_test.checkpoint is this receipt" in office.post.sent[0].text
    assert TO.encode() not in bundle


async def test_what_the_clock_hands_in_is_mailed_once_the_submission_is_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    office = PostOffice(again_after_s=(0.0,))
    seat = await office.seat()
    for section in ("part-a", "part-b", "part-c"):
        if section != "part-a":
            await seat.house.sessions.open_section(seat.session, section)
        await seat.house.sessions.close_section(seat.session, section)
    office.house.clock.pass_(3600)
    await office.house.cases.sweep()
    await office.idle()
    assert (office.post.tried, await office.house.store.email(seat.session)) == (0, TO)
    assert [each["why"] for each in facts(caplog)] == ["no-submission-yet"] * 2
    await seat.send([seat.add(Kind.SUBMISSION, answers=[])])  # by a connection that came back
    size = seat.device.log.frontier.size
    await office.idle()  # as the next start
    assert [mail.to for mail in office.post.sent] == [TO]
    assert f"had {size} records then" in office.post.sent[0].text
    assert await office.told(seat.session)


async def test_what_an_earlier_run_did_not_mail_is_mailed_by_the_next() -> None:
    office = PostOffice(NEVER)
    handed_in, waits, over = await office.seat(), await office.seat(), await office.seat()
    await office.house.terminate(over.session)
    await handed_in.hand_in()
    await office.idle()
    assert office.post.sent == []
    await office.settled(lambda: bool(office.post.sent))
    assert [mail.id for mail in office.post.sent] == [f"{handed_in.session}.receipt"]
    assert set(await office.house.store.emails_kept()) == {waits.session, over.session}


async def test_the_receipt_is_of_the_last_computer_that_sent_anything() -> None:
    office = PostOffice()
    seat = await office.seat()
    await seat.send([seat.add(Kind.SUBMISSION, answers=[])])
    other = Device(None, name="d_other")  # type: ignore[arg-type] # it has no network
    sessions, key = office.house.sessions, other.key.verifier.encode()
    shown = other._shown(seat.token)
    await sessions.ask(seat.token, key=key, proof=str(shown["proof"]), kind="desktop")
    await sessions.decide_device(seat.session, "d_other", Decision.ADMIT, by="learner")
    await office.house.joined(seat.token, other)
    # Nothing came from it before the time was over: what the first one sent counts.
    office.house.clock.pass_(30 * 86_400)
    for section in ("part-b", "part-c"):
        await sessions.open_section(seat.session, section)
        await sessions.close_section(seat.session, section)
    office.house.clock.pass_(86_400)
    await office.house.cases.sweep()
    await office.idle()
    (mail,) = office.post.sent
    assert mail.attached.startswith(seat.device.joined["origin"].encode() + b"\n")


async def test_without_an_address_nothing_is_mailed_or_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    office = PostOffice()
    seat = await office.seat(email="")
    await seat.hand_in()
    await office.idle()
    assert (office.post.tried, facts(caplog)) == (0, [])
    assert not await office.told(seat.session)


async def test_a_session_that_was_terminated_was_not_handed_in() -> None:
    office = PostOffice()
    seat = await office.seat()
    await office.house.terminate(seat.session)
    await office.idle()
    assert office.post.tried == 0


async def test_a_mail_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    office = PostOffice(LATER, LATER)
    seat = await office.seat()
    await seat.hand_in()
    await office.idle()
    assert (office.post.tried, len(office.post.sent)) == (3, 1)
    assert facts(caplog) == [{"why": "unreachable", "smtp": None, "again_s": 0.0}] * 2
    assert await office.told(seat.session)


@pytest.mark.parametrize(
    ("fails", "tried", "last"),
    [
        pytest.param([LATER] * 9, 3, "unreachable", id="each time"),
        pytest.param([NEVER], 1, "recipient-refused", id="for good"),
        pytest.param([ValueError(TO)], 1, "ValueError", id="by a fault"),
    ],
)
async def test_a_mail_that_fails_leaves_the_hand_in_and_the_other_mails_alone(
    caplog: pytest.LogCaptureFixture, fails: list[Exception], tried: int, last: str
) -> None:
    office = PostOffice(*fails)
    seat = await office.seat()
    await seat.hand_in()
    await office.idle()
    assert office.post.tried == tried
    said = facts(caplog)
    assert (said[-1]["why"], said[-1]["again_s"], len(said)) == (last, None, tried)
    assert not await office.told(seat.session)
    assert await office.house.store.email(seat.session) == TO
    office.post.fails.clear()
    other = await office.seat()
    await other.hand_in()
    await office.idle()
    assert await office.told(other.session)


async def test_too_many_that_wait_are_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(receipts, "MAX_MAILS_WAITING", 1)
    office = PostOffice(LATER, again_after_s=(3600.0,))
    for _ in range(2):
        await (await office.seat()).hand_in()
    assert facts(caplog) == [{"why": "too-many-waiting", "smtp": None, "again_s": None}]
    await office.settled(lambda: office.post.tried == 1)
    assert len(office.receipts._waiting) == 1  # it waits for its next try, and counts
    await (await office.seat()).hand_in()
    assert [each["why"] for each in facts(caplog)][1:] == [
        "too-many-waiting",  # by the start, which finds the second again
        "unreachable",
        "too-many-waiting",
    ]


@pytest.mark.parametrize(
    "email",
    [
        pytest.param("ada", id="no @"),
        pytest.param("@example.org", id="no name"),
        pytest.param("ada@", id="no domain"),
        pytest.param("ada@example.edu, eve@example.com", id="two"),
        pytest.param("ada@example.edu\nBcc: eve@example.com", id="a second header"),
        pytest.param("Ada <ada@example.edu>", id="with a name"),
        pytest.param("a" * 251 + "@b.c", id="too long"),
        pytest.param("ada\x7f@example.edu", id="a control character"),
    ],
)
async def test_an_address_that_is_none_is_refused_without_repeating_it(email: str) -> None:
    house = House()
    await house.publish()
    with pytest.raises(BadInvitation) as no:
        await house.invite(email=email)
    assert email not in str(no.value)


async def test_an_address_is_kept_beside_the_session_and_not_in_it() -> None:
    house = House()
    await house.publish()
    await house.invite(email="a" * 250 + "@b.c")  # as long as an address can be
    invited = await house.invite(email=f" {TO} ", extra=timedelta(seconds=1))
    assert await house.store.email(invited.session) == TO
    assert TO not in repr(await house.cases.get(invited.session))
    assert TO.encode() not in b"".join(await house.store.server_lines(invited.session))
