"""The bound: what one snapshot costs a core that does the least that must be done, and no more.

    python -m tests.bench.limit CORE FOLDER SECONDS

One Ed25519 verification of a checkpoint, the SHA-256 of 40 KB, and a sixteenth of an append of
sixteen snapshots (writev and fdatasync), in a bare loop. Prints snapshots a processor second and
by the clock.

The file is left where it is, as segments are: a loop that wrote the same pages of memory over and
over would be spared what the kernel, and a virtual machine's host, do for pages that are new.
"""

import json
import os
import sys
import time
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SNAPSHOT_BYTES = 40_000
TOGETHER = 16


def bound(folder: Path, seconds: float) -> tuple[float, float]:
    """Return snapshots per processor second and per second."""
    private = Ed25519PrivateKey.generate()
    # As long as a checkpoint's text is.
    text = b"proctor.bench/short/s_abcdefghij/d_abcdefghij\n1234\n" + b"x" * 44 + b"\n"
    signature, public = private.sign(text), private.public_key()
    snapshot = os.urandom(SNAPSHOT_BYTES)
    path = folder / f"limit-{os.getpid()}"
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        done = 0
        began, cpu_began = time.perf_counter(), time.process_time()
        while time.perf_counter() - began < seconds:
            for _ in range(TOGETHER):
                public.verify(signature, text)
                sha256(snapshot).digest()
            os.writev(file, [snapshot] * TOGETHER)
            os.fdatasync(file)
            done += TOGETHER
        cpu_s, wall_s = time.process_time() - cpu_began, time.perf_counter() - began
    finally:
        os.close(file)
    return done / cpu_s, done / wall_s


def main() -> None:
    core, folder, seconds = int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    os.sched_setaffinity(0, {core})
    print(json.dumps(bound(folder, seconds)))


if __name__ == "__main__":
    main()
