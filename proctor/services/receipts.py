"""Receipts by mail: once an exam was handed in, one mail to its learner, where an address is known.

What waits here is in memory alone, and is found again at the next start: an address is kept until
its mail was sent, or goes with the pictures. The hand-in never waits for it, and the address stands
in no line of the log.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime

from proctor.domain.session import ExamSession, State
from proctor.evidence.record import Kind, parse
from proctor.services.cases import Cases
from proctor.services.ports import Case, DeviceLog, Mail, Mailer, MailNotSent, NotFound, Store

logger = logging.getLogger(__name__)

_MARK = f'"kind":"{Kind.SUBMISSION}"'.encode()  # most lines need not be parsed

# Session ids that wait, or wait to be tried again: all learners of the largest exam.
MAX_MAILS_WAITING = 10_000
# Mail servers answer slowly to whom they don't know, and the end of an exam brings all at once.
MAILS_AT_ONCE = 4
# From each failure to the next try; after the last there is none. Greylisting takes some minutes.
TRIED_AGAIN_AFTER_S = (30.0, 300.0, 1800.0, 7200.0)


class Receipts:
    def __init__(
        self,
        store: Store,
        cases: Cases,
        mailer: Mailer,
        *,
        server: str,
        server_key: str,
        again_after_s: tuple[float, ...] = TRIED_AGAIN_AFTER_S,
    ) -> None:
        """Take the parts, and mail from now on what is handed in.

        Args:
            store: Of the sessions, and of the addresses.
            cases: Which tells when one ends.
            mailer: Sends.
            server: The public name that receipts are signed under.
            server_key: Its public key, as `VerifierKey.encode` writes it.
            again_after_s: From each failure to the next try, in seconds.
        """
        self._store = store
        self._cases = cases
        self._mailer = mailer
        self._server = server
        self._server_key = server_key
        self._again_after_s = again_after_s
        self._waiting: set[str] = set()
        self._queue: asyncio.Queue[tuple[str, int]] = asyncio.Queue()  # bounded by `_waiting`
        cases.when_ended(self._ended)

    async def run(self) -> None:
        """Send what waits, for as long as the server runs; first what an earlier run did not."""
        for session_id in await self._store.emails_kept():
            with suppress(NotFound):  # erased meanwhile
                self._ended(await self._cases.get(session_id))
        async with asyncio.TaskGroup() as group:
            for _ in range(MAILS_AT_ONCE):
                group.create_task(self._send_all())

    def _ended(self, case: Case) -> None:
        session = case.session
        if session.state is not State.SUBMITTED or session.rehearsal_of:
            return
        if session.id in self._waiting:
            return
        if len(self._waiting) >= MAX_MAILS_WAITING:
            _not_mailed(session.id, why="too-many-waiting")
            return
        self._waiting.add(session.id)
        self._queue.put_nowait((session.id, 0))

    async def _send_all(self) -> None:
        while True:
            session_id, failed = await self._queue.get()
            again_s = None
            try:
                await self._send(session_id)
            except MailNotSent as no:
                if not no.for_good and failed < len(self._again_after_s):
                    again_s = self._again_after_s[failed]
                _not_mailed(session_id, why=no.why, smtp=no.smtp, again_s=again_s)
            except Exception as no:  # noqa: BLE001 - a mail fails alone
                # Its name and no traceback: that could quote the address.
                _not_mailed(session_id, why=type(no).__name__)
            if again_s is None:
                self._waiting.discard(session_id)
            else:
                asyncio.get_running_loop().call_later(
                    again_s, self._queue.put_nowait, (session_id, failed + 1)
                )

    async def _send(self, session_id: str) -> None:
        try:
            to = await self._store.email(session_id)
            session = (await self._cases.get(session_id)).session
        except NotFound:  # erased meanwhile
            return
        found = await self._last_log(session)
        if not to or found is None:
            return
        if not await self._is_handed_in(session):
            # The clock was faster than the learner's connection: a receipt sent now would not be
            # of what they hand in. The address stays, for the next try or the next start.
            raise MailNotSent(why="no-submission-yet")
        title = (await self._cases.published(session)).exam.title
        await self._mailer.send(self._mail(to, session, title, *found))
        # Said to the learner from here on; and nothing needs the address any more.
        await self._store.forget_email(session_id, mailed=True)
        logger.info("receipt mailed", extra={"session": session_id})

    async def _last_log(self, session: ExamSession) -> tuple[str, DeviceLog] | None:
        """Return the log of the computer that had the session last, of those that sent any."""
        for device in reversed(session.devices.admitted):
            log = await self._store.device_log(session.id, device.id)
            if log.receipt:
                return device.id, log
        return None

    async def _is_handed_in(self, session: ExamSession) -> bool:
        """Tell whether a log of the session holds its submission."""
        for device in session.devices.admitted:
            for batch in await self._store.received(session.id, device.id):
                for line in batch.lines:
                    if _MARK in line and parse(line).kind is Kind.SUBMISSION:
                        return True
        return False

    def _mail(self, to: str, session: ExamSession, title: str, device: str, log: DeviceLog) -> Mail:
        assert log.heard_at is not None
        receipt = log.receipt.decode()
        name = f"receipt-{session.id}.txt"
        size = log.frontier.size
        text = f"""\
The exam "{_line(title)}" ({session.exam}) was handed in. The exam server {self._server}
received the last of it at {_utc(log.heard_at)}.

This is the receipt: what the server signed. Keep it. It is attached too, as {name}.

{receipt}
It says that the log of the computer you worked on had {size} records then, and which.

To check it later, ask the course team for the evidence of session {session.id}, which is one
file, and on any computer that has Proctor run

    proctor verify {session.id}.zip --key {self._server_key}

In that file, logs/{device}.checkpoint is this receipt. If it is another, its second line must be
a larger number than {size}: more of your log arrived later.
"""
        return Mail(
            id=f"{session.id}.receipt",
            to=to,
            at=self._cases.now(),
            subject=f"Your receipt: {_line(title)}",
            text=text,
            attached_as=name,
            attached=log.receipt,
        )


def _not_mailed(
    session_id: str, *, why: str, smtp: int | None = None, again_s: float | None = None
) -> None:
    facts = {"session": session_id, "why": why, "smtp": smtp, "again_s": again_s}
    logger.warning("receipt not mailed", extra=facts)


def _line(title: str) -> str:
    return " ".join(title.split())


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
