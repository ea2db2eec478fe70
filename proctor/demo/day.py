"""One exam day on this machine: a real server, three learners with the real client, real pictures.

proctor demo --once     plays it, has a verdict given, exports and verifies, exits 0 or 1
proctor demo            plays it, and stays up for people to look around
"""

import asyncio
import json
import os
import secrets
import shlex
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from rich import box
from rich.console import Console
from rich.table import Table

from proctor import config
from proctor.adapters import models
from proctor.adapters.keys import KeyFileUnsafe
from proctor.adapters.store import DatabaseUnusable
from proctor.config import FolderInUse, Settings
from proctor.demo import clips
from proctor.demo.cut import network_to
from proctor.demo.stories import LEARNERS, Cast, Learner, Outcome, StoryFailed, flags, spooled
from proctor.evidence.bundle import LOGS, SESSION, unpack
from proctor.evidence.note import VerifierKey
from proctor.evidence.verify import verify
from proctor.services.logins import NameTaken, StaffRole, add_staff
from proctor.web.app import Parts, build
from proctor.web.serve import CannotListen, listening

SERVER = "proctor.demo"
SERVER_DATA = "server"  # the folder of its database, in that of the demonstration
EXAMS = Path(__file__).parent / "exams"
EXAM, SHOWCASE = "short", "sds-capstone"
STAFF = (
    ("proctor", StaffRole.PROCTOR),
    ("second-proctor", StaffRole.PROCTOR),
    ("lead", StaffRole.LEAD),
    ("course-team", StaffRole.COURSE_TEAM),
    ("administrator", StaffRole.ADMINISTRATOR),
)
# After the last learner handed in, the machine has the last pictures to look at.
ANALYSED_WITHIN_S = 30

say = Console(highlight=False)
trouble = Console(stderr=True, highlight=False, markup=False, soft_wrap=True, style="red")


class StoryBroken(Exception):
    """What must work did not. The message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One learner's session, played to its end."""

    learner: Learner
    session: str
    folder: Path
    link: str  # that was joined with


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table at the end."""

    learner: str
    sections: int
    snapshots: int
    conduct: int
    quality: int
    gaps: int
    verdict: str
    bundle: Path
    problems: list[str]


def run(*, data: Path, once: bool, port: int) -> int:
    """Play the day. Return the exit status: 0 if every session is what its story says."""
    try:
        return asyncio.run(_day(data.resolve(), once=once, port=0 if once else port))
    except (DatabaseUnusable, KeyFileUnsafe) as no:
        trouble.print(f"{no}; or play it in another folder: --data FOLDER")
    except (CannotListen, FolderInUse, StoryBroken, StoryFailed, models.ModelError) as no:
        trouble.print(str(no))
    except KeyboardInterrupt:
        return 0
    return 1


async def _day(data: Path, *, once: bool, port: int) -> int:
    began = time.monotonic()
    models.fetch(
        ["yunet", "sface", "astronaut"],
        progress=lambda line: say.print(line, style="dim", markup=False),
    )
    passwords = _passwords(data)
    settings = Settings(data=data / SERVER_DATA, server=SERVER, workers=2)
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(config.open_parts(settings))
        for folder in sorted(EXAMS.iterdir()):
            if (folder / "exam.toml").is_file():
                await config.publish(parts.store, folder)  # type: ignore[arg-type]
        await _make_staff(parts, passwords)
        url = await stack.enter_async_context(listening(build(parts), host="127.0.0.1", port=port))
        http = await stack.enter_async_context(aiohttp.ClientSession(url))
        say.print(f"Proctor serves [bold]{url}[/]; everything is kept in {data}")
        team = await _sign_in(http, "course-team", passwords)
        try:
            played = await _play_all(stack, url, team, data)
        except* StoryFailed as failed:
            raise StoryBroken("\n".join(str(each) for each in failed.exceptions)) from None
        if not once:
            await _stay(url, team, data, passwords, flagged=played[1])
            return 0
        proctor = await _sign_in(http, "proctor", passwords)
        rows = [await _close(proctor, each, data / "bundles") for each in played]
        _show(
            rows,
            seconds=time.monotonic() - began,
            bundles=data / "bundles",
            key=parts.key.verifier.encode(),
        )
        return 1 if any(row.problems for row in rows) else 0


async def _make_staff(parts: Parts, passwords: dict[str, str]) -> None:
    for name, role in STAFF:
        with suppress(NameTaken):  # of an earlier run, with the same password
            await add_staff(
                parts.logins,
                parts.passwords,
                name=name,
                role=role,
                password=passwords[name],
                now=parts.now(),
            )


def _passwords(data: Path) -> dict[str, str]:
    """Return the staff's passwords, made at the first run and kept in a 0600 file."""
    path = data / "staff.json"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        made = {name: secrets.token_urlsafe(9) for name, _ in STAFF}
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(made, file, indent=1)
    try:
        kept: dict[str, str] = json.loads(path.read_text())
        return {name: kept[name] for name, _ in STAFF}
    except (ValueError, TypeError, KeyError):
        why = "is not as this version writes it; play it in another folder: --data FOLDER"
        raise StoryBroken(f"{path} {why}") from None


@dataclass(frozen=True, slots=True)
class _Staff:
    """Somebody of the staff, signed in."""

    http: aiohttp.ClientSession
    token: str

    async def call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.request(method, path, headers=headers, **options) as response:
            if response.content_type == "application/zip":
                return await response.read()
            found = await response.json(content_type=None)
            if not response.ok:
                raise StoryBroken(f"{method} {path}: {found.get('detail', found)}")
            return found


async def _sign_in(http: aiohttp.ClientSession, name: str, passwords: dict[str, str]) -> _Staff:
    body = {"name": name, "password": passwords[name]}
    async with http.post("/api/v1/login", json=body) as response:
        found = await response.json()
        if not response.ok:
            raise StoryBroken(f"{name} can't sign in: {found.get('detail')}")
        return _Staff(http, found["token"])


async def _play_all(stack: AsyncExitStack, url: str, team: _Staff, data: Path) -> list[Played]:
    """Invite the three learners and let all play at once."""
    host, port = url.removeprefix("http://").split(":")
    played = []
    async with asyncio.TaskGroup() as group:
        for number, learner in enumerate(LEARNERS, 1):
            body = {"learner": learner.name}
            made = await team.call("POST", f"/api/v1/exams/{EXAM}/sessions", json=body)
            folder = data / "learners" / made["session"]
            folder.mkdir(parents=True)
            surname = learner.name.split()[-1].upper()
            given = learner.name.split()[0].upper()
            clips.id_document(folder / "document.jpg", surname=surname, given_names=given)
            network = await stack.enter_async_context(network_to(host, int(port)))
            say.print(f"Learner {number}, {learner.name}, {learner.does}.")
            cast = Cast(
                link=f"{network.url}/join/{made['join_token']}",
                folder=folder,
                answers=EXAMS / EXAM / "answers.json",
                network=network,
                tell=lambda line, name=learner.name: say.print(f"  {name}: {line}"),  # type: ignore[misc]
            )
            group.create_task(_play(learner, cast))
            played.append(
                Played(learner=learner, session=made["session"], folder=folder, link=cast.link)
            )
    return played


async def _play(learner: Learner, cast: Cast) -> None:
    try:
        await learner.play(cast)
    except StoryFailed as no:
        raise StoryFailed(f"{learner.name}: {no}") from None
    cast.tell("handed in")


async def _close(proctor: _Staff, played: Played, bundles: Path) -> Row:
    """Have the verdict given, export the bundle, verify it, and hold it against the story."""
    path = f"/api/v1/sessions/{played.session}"
    try:
        async with asyncio.timeout(ANALYSED_WITHIN_S):
            timeline = await _analysed(proctor, path)
    except TimeoutError:
        raise StoryBroken(
            f"{played.learner.name}: after {ANALYSED_WITHIN_S} s the machine had not looked at "
            "every picture; is this computer busy? Close what it is busy with, and play it again"
        ) from None
    verdict = {
        "outcome": "clear",
        "reasons": "Demonstration: looked at every flag; nothing in them is a breach.",
        "flags": [
            {
                "flag": flag["flag"],
                "outcome": "not-upheld",
                "reason": "Demonstration: part of the story that is played.",
            }
            for flag in timeline["flags"]
            if flag["flag_class"] == "conduct"
        ],
        "flags_seen": [flag["flag"] for flag in timeline["flags"]],
    }
    decided = await proctor.call("POST", f"{path}/verdicts", json=verdict)
    keys = await proctor.call("GET", "/.well-known/proctor-keys.json")
    bundle = await proctor.call("GET", f"{path}/bundle")
    bundles.mkdir(exist_ok=True)
    file = bundles / f"{played.session}.zip"
    file.write_bytes(bundle)
    report = verify(bundle, server_key=VerifierKey.parse(keys["keys"][0]))
    problems = [f"verify: {step.detail}" for step in report.steps if not step.held]
    outcome = Outcome(
        timeline=timeline,
        spooled=spooled(played.folder),
        bundled=_device_lines(bundle),
        missing=_facts(bundle)["missing"],
    )
    problems += played.learner.problems(outcome)
    return Row(
        learner=played.learner.name,
        sections=sum(each["state"] == "closed" for each in timeline["session"]["sections"]),
        snapshots=len(timeline["snapshots"]),
        conduct=len(flags(outcome, "conduct")),
        quality=len(flags(outcome, "quality")),
        gaps=len(timeline["gaps"]),
        verdict=decided["review"]["outcome"] or decided["review"]["state"],
        bundle=file,
        problems=problems,
    )


async def _analysed(proctor: _Staff, path: str) -> Any:
    """Return the timeline once the machine has looked at every picture."""
    while True:
        timeline = await proctor.call("GET", f"{path}/timeline")
        if timeline["analysed"]:
            return timeline
        await asyncio.sleep(0.3)


def _device_lines(bundle: bytes) -> list[bytes]:
    data = memoryview(bundle)
    lines: list[bytes] = []
    for name, member in unpack(data).members.items():
        if name.startswith(f"{LOGS}d_") and name.endswith(".jsonl"):
            lines += bytes(member.of(data)).split(b"\n")[:-1]
    return lines


def _facts(bundle: bytes) -> Any:
    data = memoryview(bundle)
    return json.loads(bytes(unpack(data).members[SESSION].of(data)))


def _show(rows: Iterable[Row], *, seconds: float, bundles: Path, key: str) -> None:
    # In two lines what needs not be one: it fits a terminal of 80 columns.
    title = f"One exam day, played in {seconds:.0f} s"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    widths = {"learner": 10, "sections": 8, "snapshots": 9, "flags": 9, "gaps": 4, "verdict": 7}
    for heading, width in widths.items():
        table.add_column(heading, min_width=width)
    table.add_column("bundle", no_wrap=True)
    problems, example = [], ""
    for row in rows:
        example = example or row.bundle.name
        table.add_row(
            row.learner,
            str(row.sections),
            str(row.snapshots),
            f"{row.conduct} conduct\n{row.quality} quality",
            str(row.gaps),
            row.verdict,
            f"{'verifies' if not row.problems else 'see below'}\n{row.bundle.name}",
        )
        problems += [f"{row.learner}: {problem}" for problem in row.problems]
    say.print(table)
    say.print("The bundles can be verified anywhere, without a network; the first of them:")
    command = shlex.join(["proctor", "verify", str(bundles / example), "--key", key])
    say.print(f"  .venv/bin/{command}", soft_wrap=True, markup=False)
    for problem in problems:
        say.print(problem, style="red", markup=False)
    say.print("Every session is what its story says." if not problems else "The story is broken.")


def invitation(url: str, data: Path) -> str:
    """Return the command that invites another learner to the exam that was played."""
    words = ["proctor", "invite", EXAM, "Your Name", "--data", str(data / SERVER_DATA)]
    return shlex.join([*words, "--url", url])


async def _stay(
    url: str, team: _Staff, data: Path, passwords: dict[str, str], *, flagged: Played
) -> None:
    """Print the links and serve until stopped."""
    made = await team.call(
        "POST", f"/api/v1/exams/{SHOWCASE}/sessions", json={"learner": "You, the visitor"}
    )
    link = f"{url}/join/{made['join_token']}"
    say.print()
    say.print("[bold]Proctor[/]      watch and help; look at what was flagged, and decide:")
    for page in ("", "/identity", "/review"):
        say.print(f"  {url}/console{page}", soft_wrap=True)
    for name in ("proctor", "second-proctor", "lead"):
        say.print(f"  sign in as {name} with {passwords[name]}", markup=False)
    say.print("  All three wear one face and show one picture of a document: the ID desk says so.")
    say.print("[bold]Learner[/]      sit the capstone yourself, with your own camera:")
    say.print(f"  {link}", soft_wrap=True, markup=False)
    say.print(f"  .venv/bin/proctor-client take {link}", soft_wrap=True, markup=False)
    say.print("  Its check-in waits until the proctor accepts it, at /console/identity.")
    say.print(f"  What {flagged.learner.name} reads afterwards, and answers once it is decided:")
    folder = str(flagged.folder / "sessions")
    after = shlex.join(["proctor-client", "after", flagged.link, "--data", folder])
    say.print(f"  .venv/bin/{after}", soft_wrap=True, markup=False)
    say.print("[bold]Course team[/]  results, and how far reviewers agree; the API's document:")
    say.print(f"  {url}/console/agreement", soft_wrap=True)
    say.print(f"  {url}/api/v1/openapi.json", soft_wrap=True)
    say.print(f"  sign in as course-team with {passwords['course-team']}", markup=False)
    say.print("Another learner, invited in another terminal:")
    say.print(f"  .venv/bin/{invitation(url, data)}", soft_wrap=True, markup=False)
    say.print(f"Everything is kept in {data}, and the server's database in", markup=False)
    say.print(f"{data / SERVER_DATA}: commands take it as --data. Stop with Ctrl-C.", markup=False)
    await asyncio.Event().wait()
