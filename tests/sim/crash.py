"""Kill -9 at random points under load, then hold the server to every word it said.

    python -m tests.sim.crash N [--seed S] [--folder F]

N times the server, the devices that load it, or a real client is killed and started again on the
folder it left. In the end all are killed, and everything is rebuilt from the bytes: every receipted
record is there, every tree and every signature verifies, every picture that is not owed is held and
is the one named, and each session's bundle verifies. Exit status 0 only then.
"""

import argparse
import asyncio
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from proctor import config
from proctor.config import Settings
from tests.sim.believe import Found, Rebuilt, client_folders, export_and_verify
from tests.sim.load import RECEIPTS, load
from tests.sim.serving import EXAM, HOST, SERVER, free_port, publish_and_invite, serve

ROOT = Path(__file__).parent.parent.parent
AT_ONCE = 8  # devices that send side by side
SESSIONS_A_KILL = 2
# Between two kills: under load, and short enough that a hundred take two minutes.
LEAST_S, MOST_S = 0.05, 0.7
# A start takes longer where the log of a killed one is read again; this is when it has failed.
PROGRESS_S = 30.0
CLIENT_EVERY = 25  # kills for each real client that begins


class NoProgress(Exception):
    """After a start nothing was receipted any more."""


class Running:
    """A process that is started again whenever it was killed."""

    def __init__(self, start: Callable[[], BaseProcess]) -> None:
        self._start = start
        self._process = start()

    def kill_and_restart(self) -> None:
        self.kill()
        self._process = self._start()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def assert_alive(self) -> None:
        assert self._process.is_alive(), f"it ended by itself: {self._process.exitcode}"


class RealClient:
    """`proctor-client take`, on a clip: one exam after the other, killed in between."""

    def __init__(self, folder: Path, url: str, tokens: list[str]) -> None:
        self._folder = folder
        self._url = url
        self._tokens = tokens
        self._finished = 0
        self._clip = folder / "clip.avi"
        _write_clip(self._clip)
        self._log = (folder / "clients.log").open("ab")
        self._process = self._start()

    @property
    def finished(self) -> int:
        return self._finished

    def kill_and_restart(self) -> None:
        """Kill it, and start it again with the same link; one that is done makes room."""
        self.kill()
        if self._process.returncode == 0:
            self._finished += 1
        if self._finished < len(self._tokens):
            self._process = self._start()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self._log.close()

    def _start(self) -> subprocess.Popen[bytes]:
        link = f"{self._url}/join/{self._tokens[self._finished]}"
        document = self._clip.with_suffix(".jpg")
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "proctor_client.cli", "take", link, "--accept"),
                *("--camera", str(self._clip), "--document", str(document)),
                *("--answers", str(EXAM / "answers.json"), "--pace", "0.2", "--hold", "1"),
                *("--data", str(self._folder / "clients")),
            ],
            cwd=ROOT,
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "client")]),
                "PROCTOR_CLIENT_KEYRING": "off",
            },
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )


def _write_clip(path: Path) -> None:
    chance = np.random.default_rng(1)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 4, (320, 240))
    frame = np.zeros((240, 320, 3), np.uint8)
    for _ in range(240):
        frame = chance.integers(60, 200, (240, 320, 3), np.uint8)
        writer.write(cv2.blur(frame, (9, 9)))
    writer.release()
    cv2.imwrite(str(path.with_suffix(".jpg")), frame)


def crash(
    kills: int, *, seed: int, folder: Path, real_client: bool
) -> tuple[Found, dict[str, int]]:
    """Kill so many times; return what was found afterwards, and what was killed."""
    chance = random.Random(seed)
    data, sent = folder / "server", folder / "devices"
    sent.mkdir(parents=True)
    sessions = AT_ONCE + kills * SESSIONS_A_KILL
    clients = 1 + kills // CLIENT_EVERY if real_client else 0
    tokens = asyncio.run(publish_and_invite(data, sessions + clients))
    port = free_port()
    url = f"http://{HOST}:{port}"
    # Forked from a process that has imported everything already: a start costs no two seconds.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.sim.load", "tests.sim.serving"])
    server = Running(lambda: _begin(processes.Process(target=serve, args=(data, port))))
    starts = iter(range(10**9))
    devices = Running(
        lambda: _begin(
            processes.Process(
                target=load,
                args=(sent, url, tokens[:sessions], AT_ONCE, f"{seed}/{next(starts)}"),
            )
        )
    )
    client = RealClient(folder, url, tokens[sessions:]) if real_client else None
    victims: dict[str, Running | RealClient] = {"server": server, "devices": devices}
    if client:
        victims["client"] = client
    killed = dict.fromkeys(victims, 0)
    receipts = sent / RECEIPTS
    try:
        _wait_for_more(receipts, 0)
        for _ in range(kills):
            time.sleep(chance.uniform(LEAST_S, MOST_S))
            before = receipts.stat().st_size
            name = chance.choices(list(victims), [6, 3, 1][: len(victims)])[0]
            victims[name].kill_and_restart()
            killed[name] += 1
            if chance.random() < 0.8:  # and now and then before it has come up again
                _wait_for_more(receipts, before)
        _wait_for_more(receipts, receipts.stat().st_size)
        server.assert_alive()
        devices.assert_alive()
    finally:
        for each in (devices, server):
            each.kill()
        if client:
            client.close()
    if client:
        killed["exams a real client finished"] = client.finished
    return _believe(data, sent, folder), killed


def _begin(process: BaseProcess) -> BaseProcess:
    process.start()
    return process


async def _start_once(data: Path) -> None:
    """Start as a server does after the last crash: rows that it left unwritten are written."""
    async with config.open_store(Settings(data=data, server=SERVER), alone=True) as (store, _):
        await store.unfinished()


def _believe(data: Path, sent: Path, folder: Path) -> Found:
    asyncio.run(_start_once(data))
    rebuilt = Rebuilt(data, SERVER)
    rebuilt.read()
    logs = {
        f"d_crash{path.stem}": path.read_bytes().split(b"\n")[:-1]
        for path in sent.glob("[0-9]*.jsonl")
    }
    rebuilt.hold_to(sent / RECEIPTS, logs)
    for client in client_folders(folder / "clients"):
        rebuilt.hold_to_client(client)
    if not rebuilt.found.wrong:  # what is wrong already has been said more plainly
        asyncio.run(export_and_verify(data, rebuilt))
    return rebuilt.found


def _wait_for_more(receipts: Path, size: int) -> None:
    until = time.monotonic() + PROGRESS_S
    while not receipts.exists() or receipts.stat().st_size <= size:
        if time.monotonic() > until:
            raise NoProgress
        time.sleep(0.005)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.crash", description=__doc__)
    parser.add_argument("kills", type=int, metavar="N")
    parser.add_argument("--seed", type=int, default=None, help="another run of the same kills")
    parser.add_argument("--folder", type=Path, help="to keep what was found wrong")
    asked = parser.parse_args()
    seed = random.randrange(2**32) if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    with TemporaryDirectory(prefix="crash-") as folder:
        found, killed = crash(
            asked.kills, seed=seed, folder=asked.folder or Path(folder), real_client=True
        )
    print(", ".join(f"{name}: {count}" for name, count in killed.items()), end="; ")
    print(f"{time.monotonic() - began:.0f} s in all")
    print(
        f"{found.records} records, {found.receipts} receipts, {found.pictures} pictures and "
        f"{found.bundles} bundles looked into"
    )
    for wrong in found.wrong:
        print(f"WRONG: {wrong}")
    if not found.wrong:
        print("Every receipted record is there, and every tree verifies.")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
