"""The bench: `python -m tests.bench`. Exit status 1 where a goal is missed.

Its figures and what they mean stand in docs/performance.md, which it writes.
"""

import argparse
import asyncio
import json
import mmap
import os
import resource
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import uvloop

from proctor.adapters import slices
from tests.bench import bundle, vision
from tests.bench.figures import Figure, plain_table, table, write_json, write_page
from tests.bench.load import (
    UNDER_WAY,
    Learner,
    Unplaced,
    as_fast_as_it_goes,
    at_rate,
    connect,
    enrol,
    prepare,
)
from tests.bench.server import PAGE_BYTES
from tests.bench.serving import ROOT, Server, serving


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    rounds: int = 5
    learners: int = 64
    one: int = 100  # batches of one snapshot, a learner and round
    sixteen: int = 8  # batches of sixteen
    half: int = 40  # batches at half load
    limit_s: float = 1.0
    touch_bytes: int = 800 * 2**20
    idle: int = 2000
    warm: int = 200  # idle learners before the count begins: what is made once is not theirs
    bundles: int = 9
    snapshots: int = bundle.SNAPSHOTS
    others: int = bundle.OTHERS
    looked_at: int = 240  # pictures, a round
    burst: int = 10  # batches of a learner whose pictures are then looked at
    first_burst: int = 79  # the same in the first round: five thousand pictures
    # Of windows, one while pictures wait and one while they are looked at. What waits in the end
    # must fit the queue: what does not is read from the rows, while receipts are measured.
    pairs: int = 3
    walls: int = 20  # proctors
    wall_sessions: int = 2000
    wall_events: int = 1000  # a second
    wall_s: float = 10.0  # for each part of a round
    repaints: int = 20  # a round
    desk_rounds: int = 3  # one takes half a minute
    desk_snapshots: int = 1440  # of a session of two hours
    desk_records: int = 3000


SMALL = Size(
    rounds=1,
    learners=4,
    one=3,
    sixteen=1,
    half=3,
    limit_s=0.05,
    touch_bytes=2**20,
    idle=8,
    warm=2,
    bundles=1,
    snapshots=8,
    others=200,
    looked_at=12,
    burst=2,
    first_burst=3,
    pairs=1,
    walls=2,
    wall_sessions=40,
    wall_events=200,
    wall_s=0.3,
    repaints=2,
    desk_rounds=1,
    desk_snapshots=32,
    desk_records=60,
)


def touch_memory(size: int) -> None:
    """Touch as much memory as the next measurement may take, and free it.

    A virtual machine's host takes back what its guest does not use. The first touch of a page then
    costs more than hashing what it holds, and whether it falls to the bound or to the server would
    be by chance.
    """
    with mmap.mmap(-1, size) as memory:
        for at in range(0, size, PAGE_BYTES):
            memory[at] = 1


async def _stored(server: Server, count: int, *, read: int = 0) -> None:
    """Wait until so many observations are stored, and so many check-ins read."""
    while True:
        looked = await server.ask("looked", after=count)
        if looked["stored"] >= count and looked["read"] >= read:
            return
        await asyncio.sleep(0.05)


async def _queue(proctor: aiohttp.ClientSession) -> int:
    """Return how many pictures wait, as a proctor is told."""
    async with proctor.get("/api/v1/reviews") as response:
        pictures = (await response.json())["pictures"]
    assert pictures["behind"] == 0
    assert (pictures["waiting"] == 0) == (pictures["oldest_ms"] is None)
    return int(pictures["waiting"])


class Bench:
    """A run: its figures, and the times they come from."""

    def __init__(self, size: Size, folder: Path, cores: tuple[int, int]) -> None:
        self.size = size
        self.folder = folder
        self.server_core, self.load_core = cores
        cpu, clock = "per server CPU-second", "by the clock"
        self.one = [
            Figure(f"40 KB snapshots, one a batch, {how}", 0.55, "higher") for how in (cpu, clock)
        ]
        self.alone = [
            Figure(f"the same, each learner waits for the receipt, {how}", 0.55, "higher")
            for how in (cpu, clock)
        ]
        self.sixteen = [
            Figure(f"40 KB snapshots, sixteen a batch, {how}", 1.0, "higher")
            for how in (cpu, clock)
        ]
        receipt = "p50 of the receipt at half load"
        self.receipt = Figure(f"{receipt}, to a server that stores nothing", 3.0, "lower")
        self.front = Figure(f"{receipt}, to a front that answers at once", 3.0, "lower")
        self.memory = Figure("memory of an idle connected session", 25.0, "lower", " KB")
        self.verify = Figure("proctor verify, two hours, to one hashlib pass", 1.5, "lower")
        looked_at = "pictures looked at on one core"
        self.faces = Figure(f"{looked_at}, faces alone, to 80 a second", 1.0, "higher")
        self.same_person = Figure(
            f"{looked_at}, one of six compared, to 40 a second", 1.0, "higher"
        )
        self.drained = Figure(
            "pictures of a burst drained on the server's core, to 40 a second", 1.0, "higher"
        )
        self.beside = Figure(
            "p99 of the receipt while pictures are looked at, to while they wait", 1.25, "lower"
        )
        self.worker = Figure("memory of a worker that looks at pictures", 350.0, "lower", " MB")
        self.fan_out = Figure(
            "walls kept up to date, to one JSON message per event and proctor", 0.10, "lower"
        )
        self.wall_bytes = Figure("what a proctor's wall is told, a second", 20.0, "lower", " KB")
        self.wall_age = Figure("age of what a wall shows, p99", 1.0, "lower", " s")
        self.repaint = Figure("a repaint of a wall of 500 tiles", 16.0, "lower", " ms")
        self.usable = Figure(
            "two hours at the desk, opened until they can be read", 1.0, "lower", " s"
        )
        self.verified = Figure(
            "two hours at the desk, opened until their evidence is verified", 3.0, "lower", " s"
        )
        self.strip = Figure(
            "frames as their strip of thumbnails is scrolled, to 60 a second", 0.95, "higher"
        )
        self.measured: dict[str, list[float]] = {}
        self.left_out = ""  # why there is no figure of a browser

    @property
    def figures(self) -> list[Figure]:
        return [
            *self.one,
            *self.alone,
            *self.sixteen,
            self.receipt,
            self.front,
            self.memory,
            self.verify,
            self.faces,
            self.same_person,
            self.worker,
            self.drained,
            self.beside,
            self.fan_out,
            self.wall_bytes,
            self.wall_age,
            *([] if self.left_out else [self.repaint, self.usable, self.verified, self.strip]),
        ]

    def note(self, name: str, value: float) -> float:
        self.measured.setdefault(name, []).append(value)
        return value

    async def limit(self) -> tuple[float, float]:
        """Measure the bound on the server's core: snapshots a CPU-second, and a second."""
        await asyncio.to_thread(touch_memory, self.size.touch_bytes)
        done = await asyncio.to_thread(
            subprocess.run,
            [
                *(sys.executable, "-m", "tests.bench.limit"),
                *(str(self.server_core), str(self.folder), str(self.size.limit_s)),
            ],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        cpu, clock = json.loads(done.stdout)
        self.note("bound, snapshots a CPU-second", cpu)
        self.note("bound, snapshots a second", clock)
        return cpu, clock

    async def run(self) -> None:
        os.sched_setaffinity(0, {self.load_core})
        # The load keeps its core busy, and the disk's interrupts may come there.
        slices.ask(slices.SERVER_NS)
        async with AsyncExitStack() as stack:
            learners: dict[str, list[Learner]] = {}
            servers: dict[str, Server] = {}
            for which in ("real", "forgets", "nothing"):
                folder = self.folder / which
                folder.mkdir()
                server = await stack.enter_async_context(serving(which, self.server_core, folder))
                servers[which], learners[which] = server, await self._learners(which, server)
            await prepare(learners["real"], batches=self.size.one, together=1)
            await as_fast_as_it_goes(learners["real"])  # the first is not the usual
            for number in range(self.size.rounds):
                await self._round(number, servers, learners)
                rate = self.measured["half load, batches a second"][-1]
                await self._looking(number, rate)
            sent = sum(each.device.log.frontier.size for each in learners["real"])
            assert await servers["real"].ask("held") == sent, "a receipted record is not held"
        await self._idle()
        os.sched_setaffinity(0, {self.server_core, self.load_core})
        os.sync()  # what the servers wrote must not be on its way while this is measured
        path = self.folder / "two-hours.zip"
        day = bundle.write_two_hours(path, snapshots=self.size.snapshots, others=self.size.others)
        for one_pass, verify in self._bundle(path, day.server_key.verifier.encode()):
            self.note("hashlib pass, ms", one_pass * 1e3)
            self.note("proctor verify, ms", verify * 1e3)
            self.verify.rounds.append(verify / one_pass)

        self._vision()
        self._walls()
        self._repaint()
        self._desk()

    def _vision(self) -> None:
        """Measure looking at pictures: these goals are bare."""
        size = self.size
        *rounds, most_bytes = _told("vision", self.server_core, size.rounds, size.looked_at)
        for alone, compared in rounds:
            self.note("pictures a CPU-second, faces alone", alone)
            self.note("pictures a CPU-second, one of six compared", compared)
            self.faces.rounds.append(alone / 80)
            self.same_person.rounds.append(compared / 40)
        self.worker.rounds.append(most_bytes / 1e6)

    def _walls(self) -> None:
        """Measure what proctors are told, and what telling each event to each of them would cost.

        Both in one run. What is told a second, and its age, are to bare goals.
        """
        size = self.size
        how_long = size.rounds, size.wall_s
        of = size.wall_sessions, size.wall_events, size.walls
        for seen in _told("wall", self.server_core, self.load_core, *how_long, *of):
            self.note("walls kept up to date, us an event", seen["fan_out_s"] * 1e6)
            self.note("a message an event and proctor, us an event", seen["messages_s"] * 1e6)
            self.fan_out.rounds.append(seen["fan_out_s"] / seen["messages_s"])
            self.wall_bytes.rounds.append(seen["bytes_s"] / 1000)
            self.wall_age.rounds.append(seen["age_s"])

    def _repaint(self) -> None:
        """Measure what 500 tiles take of a browser, if there is one: a bare goal."""
        size, folder = self.size, self.folder / "repaint"
        folder.mkdir()
        for seen in _told("repaint", self.server_core, size.rounds, size.repaints, folder):
            if "left_out" in seen:
                self.left_out = seen["left_out"]
                return
            self.repaint.rounds.append(seen["repaint_s"] * 1e3)

    def _desk(self) -> None:
        """Measure opening a session of two hours in a browser, if there is one: bare goals."""
        size, folder = self.size, self.folder / "desk"
        folder.mkdir()
        of = size.desk_snapshots, size.desk_records
        for seen in _told("desk", self.server_core, size.desk_rounds, *of, folder):
            if "left_out" in seen:
                self.left_out = seen["left_out"]
                return
            self.usable.rounds.append(seen["usable_s"])
            self.verified.rounds.append(seen["verified_s"])
            self.strip.rounds.append(seen["frames_s"] / 60)
            self.note("a frame of the strip, p95 by the clock, ms", seen["frame_p95_s"] * 1e3)
            thread_ms = seen["frame_thread_s"] * 1e3
            self.note("a frame of the strip, of the page's own thread, ms", thread_ms)

    def _bundle(self, path: Path, key: str) -> list[tuple[float, float]]:
        """Measure verifying a bundle; for each round the seconds of a pass, and of verifying."""
        size = self.size
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.bench.bundle"),
                *(str(path), key, str(size.rounds), str(size.bundles)),
            ],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        return [(one, other) for one, other in json.loads(done.stdout)]

    async def _learners(self, which: str, server: Server) -> list[Learner]:
        count = self.size.learners
        if which == "nothing":
            learners = [Learner(Unplaced(f"d_bench{at:05d}")) for at in range(count)]
        else:
            tokens = await server.ask("invite", count=count)
            learners = await enrol(server.url, tokens, sitting=True)
        for learner in learners:
            await connect(server.url, learner)
        return learners

    async def _round(
        self, number: int, servers: dict[str, Server], learners: dict[str, list[Learner]]
    ) -> None:
        size, real = self.size, servers["real"]
        before = await self.limit()
        for figures, batches, together, under_way, name in (
            (self.one, size.one, 1, UNDER_WAY, "one a batch"),
            (self.alone, size.one, 1, 1, "one a batch and at a time"),
            (self.sixteen, size.sixteen, 16, UNDER_WAY, "sixteen a batch"),
        ):
            await prepare(learners["real"], batches=batches, together=together)
            await asyncio.to_thread(touch_memory, size.touch_bytes)
            cpu_before = await real.cpu_s()
            took_s = await as_fast_as_it_goes(learners["real"], under_way=under_way)
            cpu_s = await real.cpu_s() - cpu_before
            after = await self.limit()
            done = size.learners * batches * together
            for figure, seconds, one, other in zip(
                figures, (cpu_s, took_s), before, after, strict=True
            ):
                figure.rounds.append(done / seconds / ((one + other) / 2))
            self.note(f"server, {name}, snapshots a CPU-second", done / cpu_s)
            self.note(f"server, {name}, snapshots a second", done / took_s)
            before = after
        rate = self.measured["server, one a batch and at a time, snapshots a second"][-1] / 2
        self.note("half load, batches a second", rate)
        p50: dict[str, float] = {}
        for which in ("nothing", "real", "forgets"):
            await prepare(learners[which], batches=size.half, together=1)
            took = await at_rate(learners[which], rate, seed=number)
            p50[which] = median(took)
            self.note(f"p50 of the receipt, {which}, ms", p50[which] * 1e3)
        self.receipt.rounds.append(p50["real"] / p50["forgets"])
        self.front.rounds.append(p50["real"] / p50["nothing"])

    async def _looking(self, number: int, rate: float) -> None:
        """Measure looking at pictures beside taking them, on a server that does both."""
        size, folder = self.size, self.folder / f"looks-{number}"
        folder.mkdir()
        async with serving("looks", self.server_core, folder) as server:
            tokens = await server.ask("invite", count=size.learners)
            learners = await enrol(server.url, tokens, sitting=True, people=vision.people())
            for learner in learners:
                await connect(server.url, learner)
            await server.ask("look", on=True)
            await _stored(server, size.learners, read=size.learners)  # the faces of the check-ins
            await server.ask("look", on=False)
            burst = size.burst if number else size.first_burst
            await self._drain(server, learners, burst=burst)
            for pair in range(size.pairs):
                p99: dict[bool, float] = {}
                # In turns, so that what changes with time falls to both.
                for looks in (False, True) if pair % 2 == 0 else (True, False):
                    await prepare(learners, batches=size.half, together=1)
                    await server.ask("look", on=looks)
                    took = await at_rate(learners, rate, seed=number)
                    p99[looks] = quantiles(took, n=100)[-1]
                self.note("p99 of the receipt while pictures wait, ms", p99[False] * 1e3)
                self.note("p99 of the receipt while pictures are looked at, ms", p99[True] * 1e3)
                # Of each pair by itself: a disk that stalls for 50 ms is one in a hundred
                # receipts of two seconds, and decides what all windows together have for a p99.
                self.beside.rounds.append(p99[True] / p99[False])
            await server.ask("look", on=False)

    async def _drain(self, server: Server, learners: list[Learner], *, burst: int) -> None:
        """Send many pictures at once; measure how long it takes until all are looked at."""
        count = len(learners) * burst
        before = await server.ask("looked", after=0)
        await prepare(learners, batches=burst, together=1)
        await as_fast_as_it_goes(learners)
        headers = {"Authorization": f"Bearer {(await server.ask('proctor'))['token']}"}
        async with aiohttp.ClientSession(server.url, headers=headers) as proctor:
            # A picture is waited for and not in the queue any more: the first that came.
            assert await _queue(proctor) == count - 1, "a proctor is not told what waits"
            began, cpu_before = time.perf_counter(), await server.cpu_s()
            await server.ask("look", on=True)
            await _stored(server, before["stored"] + count)
            took_s, cpu_s = time.perf_counter() - began, await server.cpu_s() - cpu_before
            await server.ask("look", on=False)
            assert await _queue(proctor) == 0
        seen = await server.ask("looked", after=len(before["order"]))
        wanted = [each for each in await server.ask("by_age") for _ in range(burst)]
        assert sorted(seen["order"]) == sorted(wanted), "not each picture was looked at once"
        wanted.remove(seen["order"][0])
        assert seen["order"][1:] == wanted, "not the oldest exam first"
        self.note("pictures of a burst drained, a second", count / took_s)
        self.note("of which the server takes, ms a picture", cpu_s / count * 1e3)
        self.drained.rounds.append(count / took_s / 40)

    async def _idle(self) -> None:
        """Count what learners cost that are connected and do nothing."""
        folder = self.folder / "idle"
        folder.mkdir()
        async with serving("real", self.server_core, folder) as server:

            async def arrive(count: int) -> None:
                tokens = await server.ask("invite", count=count)
                learners = await enrol(server.url, tokens, sitting=False)
                for learner in learners:
                    wire = await connect(server.url, learner)
                    learner.say_hello()
                    await wire.until_answered()

            async def resident() -> float:
                await server.ask("tidy")
                return float((await server.ask("usage"))["rss_bytes"])

            await arrive(self.size.warm)
            before = await resident()
            # In as many parts as there are rounds: their spread shows what is by chance.
            each = max(1, self.size.idle // self.size.rounds)
            for _ in range(self.size.rounds):
                await arrive(each)
                after = await resident()
                self.memory.rounds.append((after - before) / each / 1000)
                before = after

    def as_measured(self) -> str:
        rows = [["", "median", "least", "most"]]
        rows += [
            [name, *(f"{value:,.4g}" for value in (median(all_), min(all_), max(all_)))]
            for name, all_ in self.measured.items()
        ]
        left_out = f"\n\nRepaint and desk were left out: {self.left_out}." if self.left_out else ""
        return plain_table(rows) + left_out


def _told(part: str, *args: object) -> list[Any]:
    """Run a part of the bench in a process of its own; return what its lines of JSON say."""
    command = [sys.executable, "-m", f"tests.bench.{part}", *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="tiny: shows that it runs, no more")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "performance.md")
    asked = parser.parse_args()
    size = SMALL if asked.small else Size()
    cores = sorted(os.sched_getaffinity(0))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16_384)), hard))
    # Beside the results, so that it is the disk of the work tree that is measured.
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=asked.json.parent) as folder:
        bench = Bench(size, Path(folder), (cores[0], cores[-1]))
        uvloop.run(bench.run())
    print(table(bench.figures))
    write_json(asked.json, bench.figures)
    write_page(
        asked.page,
        bench.figures,
        measured=bench.as_measured(),
        learners=size.learners,
        idle=size.idle,
        burst=size.burst,
        first_burst=size.first_burst,
        walls=size.walls,
        wall_sessions=size.wall_sessions,
        wall_events=size.wall_events,
        day=datetime.now(UTC).date(),
    )
    if bench.left_out:
        print(f"Repaint and desk were left out: {bench.left_out}.")
    if len(cores) == 1:
        print("There is one core only: server and load shared it.")
    missed = [figure for figure in bench.figures if not figure.holds]
    for figure in missed:
        print(f"missed: {figure.name}: {figure.ratio:.2f}{figure.unit}, not {figure.words}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
