"""The figures of a bench run: on the terminal, for machines, and as a page."""

import json
import os
import platform
import sqlite3
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Literal

LIBRARIES = ("aiohttp", "uvloop", "cryptography", "sqlalchemy", "opencv-python")


@dataclass
class Figure:
    """One figure: a value for each round, and what the median should be."""

    name: str
    goal: float
    better: Literal["higher", "lower"]
    unit: str = ""  # of the ratio: none but for memory
    rounds: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return median(self.rounds)

    @property
    def holds(self) -> bool:
        return self.ratio >= self.goal if self.better == "higher" else self.ratio <= self.goal

    @property
    def words(self) -> str:
        bound = "at least" if self.better == "higher" else "at most"
        return f"{bound} {self.goal:g}{self.unit}"


def write_json(path: Path, figures: Sequence[Figure]) -> None:
    rows = [
        {
            "name": figure.name,
            "ratio": round(figure.ratio, 4),
            "goal": figure.goal,
            "better": figure.better,
            "spread": [round(min(figure.rounds), 4), round(max(figure.rounds), 4)],
        }
        for figure in figures
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of Markdown, which reads well on a terminal too."""
    rows = [("figure", "median", "least to most", "goal", "holds")]
    rows += [
        (
            figure.name,
            f"{figure.ratio:.2f}{figure.unit}",
            f"{min(figure.rounds):.2f} to {max(figure.rounds):.2f}",
            figure.words,
            "yes" if figure.holds else "NO",
        )
        for figure in figures
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def plain_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows, of which the first is the head, as a table of Markdown."""
    head, *rest = rows
    lines = [head, ["---"] * len(head), *rest]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> list[str]:
    """Name the machine and the versions, and nothing that says whose it is."""
    cores = len(os.sched_getaffinity(0))
    return [
        f"processor: {_processor()}, {cores} cores",
        f"kernel: {platform.system()} {platform.release()}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{ssl.OPENSSL_VERSION}",
        ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


PAGE = """# Performance

Written by `make bench` on {day}; run it again to see it on your machine. Nothing here is a bare
time to believe: each figure is a ratio to a limit that was measured in the same run, on the same
core, before and after each round; but those of memory, of pictures looked at, of what a wall is
told and when, of a repaint, and of the desk, which are to a goal.

- {machine}

{table}

## What is measured

The server is the real application with the real store (SQLite and segment files on the disk of
this machine) in a process of its own, which has one core; the load has another, and sends batches
that were made and signed before the clock started, of {learners} learners at once. Where nothing
else is said nobody looks at the pictures: they wait in the queue of the analysis. Another server,
made anew for each round, does both: **Burst** and **Beside**.

- **Snapshots**: pictures of 40 KB that were verified, hashed, encrypted, made durable and
  receipted, against the bound: a bare loop that does one Ed25519 verification and one SHA-256 of
  40 KB a snapshot, and appends sixteen with one `writev` and one `fdatasync`. The bound neither
  reads from a socket nor encrypts, cosigns or answers, and has no database. Per processor second
  of the server's, and by the clock. Before each of them memory is touched and freed, so that
  neither pays for pages that a virtual machine's host has first to find. Each learner has eight
  batches under way, as the client has when it catches up; those that wait at the server are taken
  together, verified by the last one's signature, which is over the records of them all, and
  answered by one receipt. Then once more where nobody sends before the last receipt came, so that
  none wait together.
- **Receipt**: from the instant a batch was due, to its receipt, at half of what the round had just
  shown to be possible where each learner waits for the receipt; batches are due at random
  instants, like those of learners who know nothing of each other. The same batches at the same
  rate go to two servers that store nothing: one is the application itself with a store that
  forgets, which verifies and signs; the other is the bare front, which answers each batch at once.
- **Memory**: how much the server's resident memory grew over {idle} learners who joined, connected
  and said hello, divided by them. It holds everything: the connection, the session, its log's end,
  caches.
- **Verify**: `proctor verify` of a bundle of two hours (1,440 snapshots of 40 KB, 3,000 other
  records of the device), against one pass of `hashlib` over the same file; both from the page
  cache, in turns, in a process that does nothing else.
- **Pictures**: four portraits as a webcam of 640 x 480 sees them, JPEG 85, looked at as in a
  worker: decoded, measured, faces found, compared with those before; of one in six the face is
  compared with that of the check-in too. Goals in pictures per processor second of one core. An
  empty room takes longer, because it is turned and looked at again. A worker's memory is the
  most that one took which had compared two faces and then decoded the largest picture there may
  be, a progressive JPEG of 16 megapixels.
- **Burst**: the same four people send {burst} pictures each ({first_burst} in the first round),
  {learners} of them, which all wait;
  then one worker, started as `proctor serve` starts it, may look. The clock runs until the last
  observation is stored, and everything is in it: the picture is read from the disk, decrypted,
  handed to the worker, measured, one in six compared, the observation committed, flags and what
  learners are asked for found meanwhile. Server and worker share one core, so that it is a figure a
  core. The run stops if a picture is not looked at exactly once, if they are not looked at in the
  order in which their exams were begun, or if a proctor is told another length of the queue.
- **Beside**: the 99th percentile of the receipt at half load, measured as above, while the worker
  looks at pictures without a pause, to the same while they wait; one server, one rate, the same
  pictures, in turns: wait, look, look, wait. Each two neighbours are a pair of its own and the
  figure is the median of the pairs: a disk or a host that stalls for 50 ms is one in a hundred
  receipts of two seconds, and would decide for all the windows it did not fall into. The worker
  shares the server's core. That is harder than `proctor serve` has it on two cores, where the
  worker takes whichever is free; but the other core belongs to the load, which spins, and a load
  held up by the worker would be taken for a late
  receipt. Workers run when nobody else wants the core (Linux's SCHED_IDLE; nice 19 where that is
  not to be had), here as there: where the server wants it too, a worker has a three-hundredth of
  it. What is left is the server's own part: reading,
  decrypting, storing, finding flags. Sessions are as long as the run; finding flags in two hours
  takes longer, and is not in this figure.
- **Walls**: {walls} proctors watch {wall_sessions} sessions over real sockets, each with 120 tiles
  before their eyes, while {wall_events} events a second happen. Nine of ten are batches that
  devices sent, a fifth of those with a snapshot; of the others four fifths change the state of a
  session and one raises a flag. The processor time of the server's process, less what the same
  events cost while nobody watches, to that of one JSON message per event and proctor, sent over
  the same kind of sockets at a fifth of the rate (more would be too many for a core); each an
  event, in one run. The bytes are those of the messages. Age is from the instant the server heard
  of a device to that at which a proctor's program has read so.
- **Repaint**: the wall in Chromium with 500 tiles, which is told news of 40 of them four times a
  second; a fourth of those in sight have a new still each time, each a picture of its own. What the
  page's own thread takes from message to paint, by that thread's clock: its code, style, layout,
  what is in sight, paint, of all the frames in which it is done. Each round is the mean of its
  turns.
- **Desk**: a session as a device sent it, 1,440 pictures of 50 KB and 3,000 records in all, each
  a batch of its own, while the exam's clock was moved on by two hours; four times two people were
  seen. A proctor who is signed in opens it by its address, in Chromium, in a browser that is new
  in each round; the server has a core, and the browser what is left of both. From the beginning of
  the navigation, by the page's own clock, until the timeline is drawn and keys are obeyed; and
  until the badge says that the page has fetched all evidence and verified it, which takes the
  server's own export of 74 MB: read, decrypted, sealed and sent. Then the strip of thumbnails is
  scrolled from end to end, three of them a frame, while their sheets are made and come: how many
  frames there were, to 60 a second; a twentieth of them may belong to whoever else uses the cores.

## As measured

{measured}
"""


def write_page(
    path: Path,
    figures: Sequence[Figure],
    *,
    measured: str,
    learners: int,
    idle: int,
    burst: int,
    first_burst: int,
    walls: int,
    wall_sessions: int,
    wall_events: int,
    day: date,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = PAGE.format(
        day=day.isoformat(),
        machine="\n- ".join(machine()),
        table=table(figures),
        learners=learners,
        idle=f"{idle:,}",
        burst=burst,
        first_burst=first_burst,
        walls=walls,
        wall_sessions=f"{wall_sessions:,}",
        wall_events=f"{wall_events:,}",
        measured=measured,
    )
    path.write_text(text, encoding="utf-8")
