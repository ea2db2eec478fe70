"""`take`: one session from the join link to the receipt.

Everything that was done stands in the log on disk and on the server, so the same command continues
after any stop: the agent looks at both and does what is next.

    rules accepted → face and document → check-in → (a person accepts) → each section → submission
    hello            snapshot, snapshot                                   answer…       submission
"""

import asyncio
import json
import mimetypes
import re
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp

from proctor.evidence.note import SigningKey
from proctor.evidence.record import MAX_BLOB_BYTES, Kind
from proctor_client import clock
from proctor_client.answers import file_name
from proctor_client.camera import Camera, opener
from proctor_client.capture import Capture
from proctor_client.checkin import CheckIn
from proctor_client.checks import CLOCK_MEND_S, clock_words, displays, system_report
from proctor_client.errors import (
    SAVED,
    BadInput,
    ClientError,
    DiskFull,
    NotAccepted,
    Refused,
    SessionEnded,
    SpoolDamaged,
)
from proctor_client.files import write_secret
from proctor_client.keys import device_key
from proctor_client.programs import displays_most, running, watched
from proctor_client.recorder import Blob, Recorder
from proctor_client.screen import Item, Receipt, Screen, Sitting
from proctor_client.server import CLIENT, JOIN_PATIENCE_S, KIND, Link, Server
from proctor_client.spool import Spool, locked
from proctor_client.standing import Memory, Standing
from proctor_client.together import first_of
from proctor_client.uplink import Uplink
from proctor_client.wire import Joined, open_receipt

_LOOK_S = 0.25  # how soon a closed section is noticed while a question is asked
_PROGRESS_S = 2.0
_COMPUTER_S = 10.0  # between two looks for programs and displays
_MEDIA_TYPE = re.compile("[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,63}")


Noticed = tuple[str, str, str | int]  # the notice, and the key and value that say of what


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `take` was asked for."""

    link: Link
    data: Path  # the folder that holds a folder for each session
    camera: str  # "0", or a clip
    camera_offset_s: float = 0.0
    document: Path | None = None  # instead of holding it in front of the camera
    answers_folder: Path = Path()  # where files that answers name are looked for
    resume: bool = False  # only continue
    hold_s: float = 0.0  # to stay in each section at least
    blobs_limit_bytes: int
    use_keyring: bool

    @property
    def folder(self) -> Path:
        """The session's; the link's token is not readable from its name."""
        return self.data / sha256(self.link.token.encode()).hexdigest()[:32]

    @property
    def joined_path(self) -> Path:
        """What the server said when this computer joined with the link; absent before."""
        return self.folder / "session.json"


async def take(plan: Plan, screen: Screen) -> Path:
    """Take an exam, or go on with it, and return the path of the receipt.

    Raises:
        ClientError: It is not submitted; the same call continues, where the error does not say
            otherwise.
    """
    began_s = clock.monotonic_s()
    open_source = opener(
        plan.camera,
        elapsed_s=lambda: clock.monotonic_s() - began_s,
        offset_s=plan.camera_offset_s,
    )
    joined_path = plan.joined_path
    if plan.resume and not joined_path.exists():
        raise BadInput(
            "There is nothing to continue on this computer.",
            do="Leave out --resume to begin, or name the folder that was used with --data.",
        )
    plan.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(plan.folder):
        key = device_key(plan.folder, use_keyring=plan.use_keyring)
        joined = joined_before(joined_path)
        async with aiohttp.ClientSession() as http:
            token = joined.device_token if joined else ""
            server = Server(
                http,
                plan.link,
                key=key,
                say=screen.say,
                device_token=token,
                keep=partial(keep_joined, joined_path),
            )
            if joined is None:
                joined = keep_joined(joined_path, await _join(server))
            spool = Spool(
                plan.folder,
                session=joined.session,
                device=joined.device,
                blobs_limit_bytes=plan.blobs_limit_bytes,
            )
            recorder = Recorder(spool, now_ms=clock.now_ms)
            camera = Camera(open_source)
            try:
                run = _Run(plan, screen, server, joined, key=key, recorder=recorder, camera=camera)
                await run.take()
            finally:
                camera.close()
                recorder.close()
            return spool.receipt_path


async def _join(server: Server) -> dict[str, Any]:
    try:
        return await server.join(patience_s=JOIN_PATIENCE_S)
    except ClientError as no:
        if no.safe == SAVED:
            no.safe = ""  # nothing was answered here yet
        raise


def joined_before(path: Path) -> Joined | None:
    """Return what the server said when this computer joined; None where it did not.

    Raises:
        SpoolDamaged: The file is not what was written.
    """
    try:
        answer = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        raise SpoolDamaged(path.name) from None
    return Joined.from_answer(answer)


def keep_joined(path: Path, answer: dict[str, Any]) -> Joined:
    """Write down what the server said when this computer joined, for whoever holds the lock.

    Raises:
        Refused: It can't be read; nothing was written.
        OSError: Nothing was written.
    """
    joined = Joined.from_answer(answer)
    write_secret(path, json.dumps(answer).encode())
    return joined


class _Run:
    """One run of the program through a session."""

    def __init__(
        self,
        plan: Plan,
        screen: Screen,
        server: Server,
        joined: Joined,
        *,
        key: SigningKey,
        recorder: Recorder,
        camera: Camera,
    ) -> None:
        self._plan = plan
        self._screen = screen
        self._server = server
        self._joined = joined
        self._key = key.verifier
        self._recorder = recorder
        self._spool = recorder.spool
        self._memory = Memory.of(recorder.spool)
        self._standing = Standing(
            server,
            asked_still=lambda: self._capture.soon(),  # noqa: PLW0108 - it is made further down
            tell=screen.say,
            changed=lambda: self._check_in.stir(),  # noqa: PLW0108 - it is made further down
        )
        self._watching = asyncio.Event()  # snapshots are to be taken
        document_asked = joined.policy.get("identity", {}).get("document") != "none"
        self._wanted = {"face", "document"} if document_asked else {"face"}
        self._capture = Capture(
            camera,
            recorder,
            size=joined.size,
            every_s=joined.snapshot_every_s,
            say=screen.say,
            # As the rules that were accepted say: while a section is open, and at no other time.
            wanted=lambda: bool(self._standing.open_section()),
        )
        self._uplink = Uplink(
            server,
            recorder,
            key=key,
            origin=joined.origin,
            server_keys=joined.server_keys,
            on_session=self._standing.see,
            on_contact=self._standing.doubt,
            say=screen.say,
        )
        self._check_in = CheckIn(
            screen=screen,
            server=server,
            standing=self._standing,
            memory=self._memory,
            uplink=self._uplink,
            capture=self._capture,
            camera=camera,
            size=joined.size,
            wanted=self._wanted,
            document=plan.document,
            # A clip shows what it shows, whoever is at the keyboard.
            at_once=not plan.camera.isdecimal(),
        )

    async def take(self) -> None:
        if self._spool.size:
            self._screen.say("Continuing where you were.")
            await self._account_for_stop()
        else:
            await self._accept()
        await first_of(
            self._flow(),
            self._deliver(),
            self._check_in.again(),
            self._watch(),
            self._watch_computer(),
        )

    async def _flow(self) -> None:
        self._standing.see(await self._server.session())
        off_s = (clock.now_ms() - self._server.clock.now_ms()) / 1000
        if abs(off_s) > CLOCK_MEND_S:
            self._screen.say(
                f"{clock_words(-off_s)} The exam goes on by the server's, and nothing is lost: let "
                "the system set its time by itself."
            )
        if self._standing.state != "submitted":
            if not self._memory.submitted:
                await self._check_in.run(self._watching)
                self._watching.set()
                for section in self._joined.exam["sections"]:
                    await self._section(str(section["id"]), str(section["title"]))
            await self._submit()
        self._show_receipt()

    # --- what goes on beside the questions ---------------------------------------------------

    async def _deliver(self) -> None:
        await self._uplink.run()
        await asyncio.Event().wait()  # whoever waits for the uplink was told that it has ended

    async def _watch(self) -> None:
        await self._watching.wait()
        await self._capture.run()
        await asyncio.Event().wait()

    async def _watch_computer(self) -> None:
        """Note what rules of the section are about: once in each section, and when it is back.

        Outside of sections nothing is looked for.
        """
        await self._watching.wait()
        where: str | None = None
        seen: frozenset[Noticed] = frozenset()
        while True:
            section = self._standing.open_section()
            if section != where:
                where, seen = section, frozenset()
            found = await asyncio.to_thread(self._noticed, section) if section else seen
            if self._standing.open_section() != section:
                continue  # it ended meanwhile: its rules say nothing of what runs now
            for each in sorted(found - seen):
                notice, key, value = each
                try:
                    await self._recorder.write(Kind.NOTICE, {"notice": notice, key: value})
                except DiskFull:
                    found -= {each}  # noted when there is room
            seen = found
            await asyncio.sleep(_COMPUTER_S)

    def _noticed(self, section: str) -> frozenset[Noticed]:
        policy = self._joined.policy
        names = watched(policy, section)
        programs = running(names) if names else names
        most = displays_most(policy, section)
        count = 0 if most is None else displays() or 0
        more = {count} if most is not None and count > most else set()
        return frozenset(
            [("program", "program", name) for name in programs]
            + [("second-display", "displays", each) for each in more]
        )

    # --- how it begins -----------------------------------------------------------------------

    async def _account_for_stop(self) -> None:
        """Say for how long nothing was captured, and capture again at once."""
        if self._memory.submitted or not self._memory.pictures >= self._wanted:
            return
        from_ms = self._spool.last_at_ms()
        facts = {
            "of": "capture",
            "cause": "client-stopped",
            "from_ms": from_ms,
            "to_ms": max(from_ms, self._recorder.now_ms()),
        }
        await self._recorder.write(Kind.GAP, facts)
        self._watching.set()

    async def _accept(self) -> None:
        self._screen.notice(str(self._joined.exam["title"]), self._joined.notice)
        if not await self._screen.accept():
            raise NotAccepted
        facts = {
            "key": self._key.encode(),
            "client": CLIENT,
            "policy_sha256": self._joined.policy_sha256,
            "system": await asyncio.to_thread(system_report),
            "device_kind": KIND,  # `kind` is the record's own
        }
        await self._recorder.write(Kind.HELLO, facts)

    # --- sections ----------------------------------------------------------------------------

    async def _section(self, section: str, title: str) -> None:
        before = self._standing.section(section)
        if before["state"] == "closed":
            return
        await self._check_in.at_prompt()
        if before["state"] == "planned":
            await self._screen.begin(title, int(before["limit_s"]))
        await self._not_paused()
        try:
            opened = await self._server.open_section(section)
        except Refused:
            if await self._is_closed(section):
                return
            raise
        self._standing.see(opened["session"])
        sitting = Sitting(
            section=section,
            title=title,
            items=list(opened["items"]),
            given=self._memory.given,
            save=lambda item, response: self._answer(section, item, response),
            ends=lambda: self._standing.ends(section),
            between=self._check_in.between,
        )
        while not await self._while_open(section, self._sit(sitting)):
            if await self._is_closed(section):
                self._screen.say(f"{title} is over. Everything you answered is saved.")
                return
            await self._not_paused()
        try:
            self._standing.see(await self._server.close_section(section))
        except Refused:
            if not await self._is_closed(section):
                raise
        self._screen.say(f"{title} is handed in.")

    async def _sit(self, sitting: Sitting) -> None:
        await self._screen.work(sitting)
        # By the server's clock, so that a client that was restarted does not begin anew.
        stay_s = self._plan.hold_s - self._standing.open_for_s(sitting.section)
        if self._plan.hold_s and stay_s > 0:
            await asyncio.sleep(stay_s)
        # Handing in closes the section: what arrives after that would be late.
        await self._uplink.receipted(self._spool.size)

    async def _answer(self, section: str, item: Item, response: Any) -> None:
        if item["kind"] == "file-upload":
            path = self._plan.answers_folder / file_name(response)
            wanted = response.get("sha256") if isinstance(response, dict) else None
            response = await self._upload(path, item, wanted=wanted)
        facts = {"section": section, "item": item["id"], "response": response}
        written = await self._recorder.write(Kind.ANSWER, facts)
        self._memory.answered(str(item["id"]), response, written)

    async def _upload(self, path: Path, item: Item, *, wanted: str | None = None) -> dict[str, Any]:
        """Record a file; where a digest is `wanted`, no other file than that."""
        most = min(int(item.get("max_bytes") or MAX_BLOB_BYTES), MAX_BLOB_BYTES)
        suffixes = [str(suffix) for suffix in item.get("suffixes") or ()]
        if suffixes and path.suffix.casefold() not in suffixes:
            raise BadInput(f"{path.name} is not one of {', '.join(suffixes)}.")
        data = await asyncio.to_thread(_read_bounded, path, most)
        digest = sha256(data).hexdigest()
        if wanted not in {None, digest}:
            raise BadInput(f"{path.name} is another file than the one that is named: {digest}.")
        found = mimetypes.guess_type(path.name)[0] or ""
        media_type = found if _MEDIA_TYPE.fullmatch(found) else "application/octet-stream"
        blob = Blob(data=data, type=media_type)
        await self._recorder.write(Kind.SNAPSHOT, {"purpose": "file"}, blob=blob)
        return {"name": path.name, "sha256": digest, "size": len(data)}

    async def _while_open(self, section: str, job: Coroutine[Any, Any, None]) -> bool:
        """Run a job; end it and return False once the section closes or the session pauses."""
        task = asyncio.ensure_future(job)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK_S)
                if task.done():
                    break
                await self._standing.refresh()
                closed = self._standing.section(section)["state"] == "closed"
                if (
                    closed
                    or self._standing.left_s(section) <= 0
                    or self._standing.state == "paused"
                ):
                    return False
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return True

    async def _is_closed(self, section: str) -> bool:
        # Contact first: an outage that has ended may have moved the deadline.
        await self._uplink.contact()
        await self._standing.ask()
        return bool(self._standing.section(section)["state"] == "closed")

    async def _not_paused(self) -> None:
        if self._standing.state == "paused":
            self._screen.say("A proctor paused your exam. Please wait: it goes on by itself.")
            await first_of(self._resumed(), self._check_in.prompts())

    async def _resumed(self) -> None:
        while self._standing.state == "paused":
            await self._standing.news()

    # --- how it ends -------------------------------------------------------------------------

    async def _submit(self) -> None:
        if not self._memory.submitted:
            await self._check_in.at_prompt(last=True)
            await self._screen.confirm_submit(self._memory.answers.keys())
            await self._check_in.sent()
            await self._capture.stop()
            answers = [
                {"item": item, "seq": written.seq, "sha256": written.sha256}
                for item, written in sorted(self._memory.answers.items())
            ]
            await self._recorder.write(Kind.SUBMISSION, {"answers": answers})
            self._memory.submitted = True
        self._uplink.beats = False
        await first_of(self._uplink.delivered(), self._progress())
        self._standing.see(await self._server.submit())
        if self._standing.state != "submitted":
            raise SessionEnded(self._standing.state)

    async def _progress(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(_PROGRESS_S)
            records, blobs = self._uplink.pending, self._uplink.blobs_pending
            now = f"Still to be received: {records} records, {blobs} pictures or files."
            if now != told:
                self._screen.say(f"{now} Please keep this computer on and connected.")
            told = now

    def _show_receipt(self) -> None:
        note, size = self._spool.receipt, self._spool.receipted
        if note is None or not self._memory.submitted:
            raise SessionEnded("submitted", "and its receipt is not on this computer")
        at_s = open_receipt(
            note,
            key=self._key,
            origin=self._joined.origin,
            server_keys=self._joined.server_keys,
            size=size,
            root=self._spool.frontier_at(size).root(),
        )
        self._screen.receipt(
            Receipt(
                path=self._spool.receipt_path,
                text=note.decode(),
                size=size,
                at=clock.wall_time(1000 * at_s),
            )
        )


def _read_bounded(path: Path, most_bytes: int) -> bytes:
    try:
        if (size := path.stat().st_size) > most_bytes:
            raise BadInput(f"{path.name} has {size} bytes; {most_bytes} are allowed.")
        if not size:
            raise BadInput(f"{path.name} is empty.")
        return path.read_bytes()
    except OSError as no:
        raise BadInput(f"{path} can't be read: {no.strerror}.") from None
