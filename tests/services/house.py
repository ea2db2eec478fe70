"""The services on a store in memory, and a learner who speaks to them without a network."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proctor import config
from proctor.domain.acts import ActKind, Wanted
from proctor.domain.flags import Flag, FlagClass
from proctor.domain.review import FlagOutcome
from proctor.evidence.batch import split
from proctor.evidence.note import KeyKind, SigningKey, origin_of
from proctor.evidence.record import Kind
from proctor.services.acts import Acts
from proctor.services.analysis import Analysis
from proctor.services.cases import Cases
from proctor.services.export import Export
from proctor.services.id_desk import IdDesks
from proctor.services.id_waits import IdWaits
from proctor.services.identity import Identity
from proctor.services.intake import Held, Intake, Line, Receipted, Resume
from proctor.services.one_account import OneAccount
from proctor.services.ports import Case, DocumentReader, Published, Vision
from proctor.services.readings import Readings
from proctor.services.results import Results
from proctor.services.reviews import Reviews
from proctor.services.sessions import Invitation, Sessions, proof_text
from proctor.services.wall import Wall
from tests.conftest import ScriptedVision, StillClock, short_exam, until
from tests.device import JPEG, Device
from tests.memory_store import MemoryStore
from tests.services.memory_logins import MemoryLoginStore

SERVER = "proctor.test"


class House:
    """All use cases, wired as `web.app.build` wires them."""

    def __init__(
        self,
        store: MemoryStore | None = None,
        clock: StillClock | None = None,
        vision: Vision | None = None,
        reader: DocumentReader | None = None,
    ) -> None:
        self.store = store or MemoryStore()
        self.clock = clock or StillClock()
        self.key = SigningKey.generate(SERVER, KeyKind.COSIGNATURE)
        self.cases = Cases(self.store, self.clock)
        self.sessions = Sessions(self.store, self.cases, token=config.token, new_id=config.new_id)
        self.acts = Acts(self.store, self.cases)
        vision = vision or ScriptedVision()
        self.analysis = Analysis(self.store, self.cases, vision, lanes=2)
        self.waits = IdWaits(self.cases)
        self.busy = False
        self.accounts = OneAccount(
            self.store, self.cases, vision, same_face=0.6, busy=lambda: self.busy
        )
        self.readings = Readings(
            self.store, self.cases, vision, reader, self.accounts, same_person=0.363
        )
        self.identity = Identity(self.store, self.cases, captured=self.readings.add)
        self.desks = IdDesks(self.store, self.cases, self.waits)
        self.intake = Intake(
            self.store,
            self.cases,
            self.sessions,
            key=self.key,
            server=SERVER,
            seen=self.analysis.add,
        )
        self.wall = Wall(self.store, self.cases, self.intake, self.analysis)
        self.logins = MemoryLoginStore()
        self.reviews = Reviews(
            self.store, self.cases, self.analysis, self.logins, key=b"second looks"
        )
        self.results = Results(self.store, self.cases, self.analysis)
        self.export = Export(self.store, self.cases, key=self.key, server=SERVER)

    async def publish(self, policy: str = "demo") -> Published:
        exam, rules = short_exam(policy)
        return await self.store.publish(exam.body, rules.body)

    async def invite(self, learner: str = "Ada Lovelace", **more: Any) -> Invitation:
        return await self.sessions.invite("short", learner=learner, **more)

    async def seat(
        self,
        *,
        policy: str = "demo",
        connected: bool = True,
        learner: str = "Ada Lovelace",
        account: str = "",
    ) -> "Seat":
        """Let a learner join and connect."""
        await self.publish(policy)
        invited = await self.invite(learner, account=account)
        device = await self.joined(invited.join_token)
        seat = Seat(self, device, invited.session, token=invited.join_token)
        if connected:
            await seat.connect()
        return seat

    async def joined(self, token: str, device: Device | None = None) -> Device:
        device = device or Device(None)  # type: ignore[arg-type] # it has no network
        key = device.key.verifier.encode()
        proof = b64encode(device.key.sign(proof_text(token, key))).decode()
        joined = await self.sessions.join(token, key=key, proof=proof, kind="desktop")
        session = joined.case.session
        device.joined = {
            "session": session.id,
            "policy_sha256": session.policy_sha256,
            "origin": origin_of(
                server=SERVER, exam=session.exam, session=session.id, device=device.key.name
            ),
        }
        return device

    async def act(
        self,
        session_id: str,
        kind: ActKind,
        *,
        by: str = "bo",
        note: str = "a fire alarm",
        code: str = "environment/disturbance",
        **more: Any,
    ) -> Case:
        wanted = Wanted(kind=kind, code=code, note=note, **more)
        return (await self.acts.act(session_id, wanted, by=by)).case

    async def terminate(self, session_id: str, note: str = "no show") -> Case:
        """Let two proctors end a session."""
        proposed = await self.act(session_id, ActKind.TERMINATE, note=note)
        of = proposed.session.acts[-1].id
        return await self.act(session_id, ActKind.CONFIRM_TERMINATE, by="cy", note="", of=of)

    async def judged(
        self, session_id: str, outcome: FlagOutcome = FlagOutcome.NOT_UPHELD
    ) -> list[tuple[str, FlagOutcome, str]]:
        """Return the same judgement of each flag of conduct, as `Reviews.decide` takes them."""
        return [
            (flag.id, outcome, "seen")
            for flag in await self.store.flags(session_id)
            if flag.flag_class is FlagClass.CONDUCT
        ]

    async def analysed(self, session_id: str) -> Sequence[Flag]:
        """Let the machine look until it has seen all, then return the flags."""
        looking = asyncio.ensure_future(self.analysis.run())
        try:
            await until(lambda: self._is_done(session_id))
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        return await self.store.flags(session_id)

    async def _is_done(self, session_id: str) -> bool:
        # A start looks at all sessions anew: none may be left half looked at.
        every = [session_id, *(case.session.id for case in await self.store.cases(None))]
        return all(map(self.analysis.is_done, every))


@dataclass
class Seat:
    """A learner at work."""

    house: House
    device: Device
    session: str
    line: Line | None = None
    token: str = ""  # of the join link

    async def connect(self) -> Line:
        (device,) = await self.house.store.devices(self.session)
        self.line = await self.house.intake.connect(device)
        return self.line

    async def send(
        self, lines: Sequence[bytes], blobs: Sequence[bytes] = ()
    ) -> Receipted | Held | Resume:
        assert self.line is not None
        answer = await self.line.take(split(self.device.batch(lines, blobs)))
        if any(b'"kind":"focus"' in line or b'"kind":"gap"' in line for line in lines):
            self.house.analysis.touch(self.session)
        return answer

    def tick(self, seconds: float) -> None:
        """Let the server's clock and the device's move together."""
        self.house.clock.pass_(seconds)
        self.device.at_ms += int(seconds * 1000)

    def add(self, kind: Kind, *, blob: bytes | None = None, **facts: object) -> bytes:
        self.device.at_ms -= 1000  # which `Device.add` moves on
        return self.device.add(kind, blob=blob, **facts)

    async def snapshot(self, seen: bytes = b"", *, after_s: float = 1) -> bytes:
        """Take a picture after a while, and send it."""
        self.tick(after_s)
        picture = JPEG + b"%d" % self.device.log.frontier.size + seen
        line = self.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")
        await self.send([line], [picture])
        return picture

    async def show_papers(self, who: str = "", document: bytes = b"document") -> None:
        face = JPEG + b"face" + (b"who=" + who.encode() if who else b"")
        document = JPEG + document
        lines = [
            self.add(Kind.SNAPSHOT, blob=face, purpose="face"),
            self.add(Kind.SNAPSHOT, blob=document, purpose="document"),
        ]
        await self.send(lines, [face, document])

    async def check_in(self, who: str = "", document: bytes = b"document") -> None:
        await self.send([self.device.hello()])
        await self.show_papers(who, document)
        await self.house.identity.check_in(self.session, self.device.key.name)

    async def begin(self, section: str = "part-a") -> None:
        await self.check_in()
        await self.house.sessions.open_section(self.session, section)

    async def answer(self, section: str, item: str, response: object) -> None:
        self.tick(1)
        await self.send([self.add(Kind.ANSWER, section=section, item=item, response=response)])

    async def hand_in(self) -> None:
        self.tick(1)
        await self.send([self.add(Kind.SUBMISSION, answers=[])])
        await self.house.sessions.submit(self.session, self.device.key.name)
