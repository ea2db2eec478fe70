"""`proctor verify BUNDLE`: what a bundle shows, step by step. Needs `cryptography` alone."""

import argparse
import gc
import json
import mmap
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from proctor.evidence.errors import MalformedNote
from proctor.evidence.note import VerifierKey
from proctor.evidence.verify import STEPS, Report, as_json, sha256_all, verify

HOLDS, REFUTED, UNREADABLE = 0, 1, 2
_THREADS = 2


def run(arguments: Sequence[str]) -> int:
    """Verify as the arguments say, print the report, and return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        key = VerifierKey.parse(asked.key) if asked.key else None
    except MalformedNote as no:
        print(
            f"--key is no key of a server: {no}. It looks like name+1a2b3c4d+BASE64.",
            file=sys.stderr,
        )
        return UNREADABLE
    try:
        report = verify_file(asked.bundle, key)
    except OSError as no:
        print(f"{asked.bundle} can't be read: {no.strerror}", file=sys.stderr)
        return UNREADABLE
    try:
        if asked.json:
            print(json.dumps({"bundle": str(asked.bundle), **as_json(report)}, indent=1))
        else:
            _print(asked.bundle, report)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it, such as `head`, has read enough; the interpreter must not try again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return HOLDS if report.holds else REFUTED


def verify_file(path: Path, key: VerifierKey | None) -> Report:
    """Verify a file, its pictures hashed on two cores.

    Raises:
        OSError: It can't be read.
    """
    with path.open("rb") as file, ThreadPoolExecutor(_THREADS) as pool:
        if path.stat().st_size == 0:  # which mmap refuses
            return verify(b"", server_key=key)

        def digests(blobs: Sequence[memoryview]) -> list[str]:
            half = len(blobs) // 2
            first = pool.submit(sha256_all, blobs[:half])
            second = sha256_all(blobs[half:])
            return first.result() + second

        # Thousands of records live until the report is made: looking for garbage among them
        # takes longer than parsing them.
        gc.disable()
        try:
            # Left to itself to be unmapped: a view of it may be alive in a failure's traceback.
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return verify(memoryview(data), server_key=key, digests=digests)
        finally:
            gc.enable()


def _print(path: Path, report: Report) -> None:
    for step in report.steps:
        print(f"{'✓' if step.held else '✗'} {step.number}. {step.title}")
        where = (
            f"{step.device}, record {step.record}: "
            if step.record is not None
            else (f"{step.device}: " if step.device else "")
        )
        print(f"     {where}{step.detail}")
    for number, (title, _) in enumerate(STEPS[len(report.steps) :], len(report.steps) + 1):
        print(f"- {number}. {title}\n     not tried, because an earlier step does not hold")
    print()
    if not report.holds:
        print(f"{path} does NOT verify. Don't rely on anything in it.")
        return
    print(f"{path} verifies: nothing in it was changed, left out or added since it was sealed.")
    if not report.key_was_given:
        print(
            "The server's key was taken from the bundle itself. Compare it with the one published\n"
            f"at the server's /.well-known/proctor-keys.json, or give it with --key:\n"
            f"  {report.server_key}"
        )
    print("Not proven by this, or by any such program:")
    for line in report.not_proven:
        print(f"  - {line}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="proctor verify",
        description="Verify a bundle of evidence, offline. Exit status: 0 it verifies, 1 it does "
        "not, 2 it can't be read.",
    )
    parser.add_argument("bundle", type=Path, help="the file, such as s_7q2m.zip")
    parser.add_argument("--key", help="the server's published key, name+hash+base64")
    parser.add_argument("--json", action="store_true", help="a report for machines")
    return parser
