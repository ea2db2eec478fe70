"""What verifying a two-hour bundle costs, against one pass of SHA-256 over the same bytes.

python -m tests.bench.bundle BUNDLE KEY ROUNDS TIMES
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from statistics import median

from proctor.cli.verify import verify_file
from proctor.evidence.note import VerifierKey
from proctor.evidence.record import SERVER_DEVICE, Kind
from tests.bench.limit import SNAPSHOT_BYTES
from tests.evidence.building import DESK, Day, begin

# Of two hours: a snapshot every 5 s, and what is typed and clicked meanwhile.
SNAPSHOTS, OTHERS = 1440, 3000
ITEMS = 40


def write_two_hours(path: Path, *, snapshots: int = SNAPSHOTS, others: int = OTHERS) -> Day:
    """Write the bundle of a session with as many snapshots and other records of a device."""
    day = begin()
    body = os.urandom(SNAPSHOT_BYTES - 8)
    sections = max(1, others // 100)
    for section in range(sections):
        day.write(SERVER_DEVICE, Kind.SECTION, event="opened", section=f"s{section}", by="learner")
    day.beat(DESK)
    total, taken = snapshots + others - sections - 2, 0
    for at in range(total):
        if taken < snapshots and at * snapshots >= taken * total:
            picture = body + taken.to_bytes(8, "big")
            day.write(DESK, Kind.SNAPSHOT, picture=picture, purpose="periodic")
            day.hold(picture)
            taken += 1
        elif at % 10 == 0:
            where = "https://translate.google.com/?sl=en"
            day.write(DESK, Kind.FOCUS, away_to=where, from_ms=at, to_ms=at + 4000)
        else:
            item, response = f"q{at % ITEMS}", f"a word, no. {at}"
            day.write(DESK, Kind.ANSWER, section="s0", item=item, response=response)
    path.write_bytes(day.bundle())
    return day


def pass_s(path: Path) -> float:
    """Return the seconds one pass of SHA-256 over a file takes, as hashlib does it."""
    began = time.perf_counter()
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return time.perf_counter() - began


def verify_s(path: Path, key: VerifierKey) -> float:
    """Return the seconds that verifying takes."""
    began = time.perf_counter()
    report = verify_file(path, key)
    took = time.perf_counter() - began
    assert report.holds, report.steps
    return took


def measure(path: Path, key: VerifierKey, *, times: int) -> tuple[float, float]:
    """Return the medians of a pass and of verifying, in seconds, taken in turns."""
    passes, verifies = [], []
    for _ in range(times):
        passes.append(pass_s(path))
        verifies.append(verify_s(path, key))
    return median(passes), median(verifies)


def main() -> None:
    """Measure a bundle in a process that does nothing else, as whoever verifies one has it."""
    path, key, rounds, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    verifier = VerifierKey.parse(key)
    print(json.dumps([measure(path, verifier, times=times) for _ in range(rounds)]))


if __name__ == "__main__":
    main()
