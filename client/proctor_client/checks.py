"""`check`: is this computer ready for an exam? Each line says what was found and what to do."""

import asyncio
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import aiohttp
import mss
import mss.exception
import psutil

from proctor_client import clock
from proctor_client.camera import Camera, Size, light_of, opener
from proctor_client.errors import BadInput, CameraLost, Refused
from proctor_client.server import Link, told_by

_SIZE = Size(width=640, height=480, quality=85)
_WARM_UP = 3  # pictures; a webcam's first are dark while it finds its exposure
_TRIPS = 5
_ANSWER_S = 5.0
_CLOCK_MIND_S, CLOCK_MEND_S = 5.0, 300.0  # beyond, secure connections begin to fail
_TRIP_MIND_MS = 500.0
_NO_LINK = "the exam server knows no such link"
_DISK_MEND_BYTES, _DISK_MIND_BYTES = 256 * 1024**2, 2 * 1024**3  # an offline hour is about 40 MB
# SMBIOS specification, 7.4.1: the chassis types that say what kind of computer it is.
_FORMS = {
    "laptop": {8, 9, 10, 14, 31},
    "tablet": {30, 32},
    "desktop": {3, 4, 5, 6, 7, 13, 15, 16, 24, 35, 36},
}


class Status(StrEnum):
    OK = "ok"
    MIND = "mind"  # an exam is possible
    MEND = "mend"  # something must be mended before the exam
    NOT_TRIED = "not-tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line. `facts` are numbers with their units in their names, for machines."""

    check: str
    status: Status
    says: str
    do: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an exam says of this computer."""

    refused: tuple[str, ...]  # the rules that refuse it, in words
    displays_most: int


async def all_checks(
    *, server: str | None, camera: str, folder: Path, link: Link | None = None
) -> list[Check]:
    """Run all checks.

    Args:
        server: "https://proctor.example"; None is that of the link. Without either, what needs one
            is left out.
        camera: "0", a clip or a picture.
        folder: Where sessions are kept; need not exist.
        link: Of the exam whose rules hold; None: no exam's rules are held against this computer.
    """
    report = await asyncio.to_thread(system_report)
    rules = None if link is None else await _rules(link, report)
    checks = [_no_link()] if rules == _NO_LINK else []
    checks += await _camera_checks(camera)
    checks += await _server_checks(server or (link.server if link else None))
    checks.append(_disk_check(folder))
    checks.append(await asyncio.to_thread(_displays_check, rules))
    checks.append(_system_check(report, rules))
    return checks


def as_json(checks: list[Check]) -> dict[str, Any]:
    """Return checks for machines."""
    return {"ready": ready(checks), "checks": [asdict(check) for check in checks]}


def ready(checks: list[Check]) -> bool:
    return all(check.status is not Status.MEND for check in checks)


def system_report() -> dict[str, str]:
    """Return what this computer is: os, os_version, maker, model, form; "" where not known."""
    os_name = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}.get(
        platform.system(), platform.system().casefold()
    )
    versions = {"macos": platform.mac_ver()[0], "windows": platform.version()}
    maker, model, form = _machine(os_name)
    return {
        "os": os_name,
        "os_version": versions.get(os_name, platform.release()),
        "maker": maker,
        "model": model,
        "form": form or ("laptop" if _has_battery() else ""),
    }


async def _camera_checks(which: str) -> list[Check]:
    try:
        began_s = clock.monotonic_s()
        opened = opener(which, elapsed_s=lambda: clock.monotonic_s() - began_s)
    except BadInput as no:
        return _no_camera(no.happened, no.do)
    camera = Camera(opened)
    try:
        still = await camera.still(_SIZE)
        for _ in range(_WARM_UP):
            still = await camera.still(_SIZE)
    except CameraLost as no:
        return _no_camera(no.happened, no.do)
    finally:
        camera.close()
    light = light_of(still)
    measured = {
        "mean": round(light.mean, 1),
        "p95": round(light.p95, 1),
        "std": round(light.std, 1),
    }
    size = {"width": still.width, "height": still.height}
    seen = Check(check="camera", status=Status.OK, says="The camera gives pictures.", facts=size)
    if light.covered:
        says, do = "The camera sees a flat surface.", "Open its shutter, and wipe the lens."
    elif light.dark:
        says, do = "It is too dark to see you.", "Put a lamp in front of you, not behind you."
    else:
        return [seen, Check(check="light", status=Status.OK, says="Light enough.", facts=measured)]
    return [seen, Check(check="light", status=Status.MEND, says=says, do=do, facts=measured)]


def _no_camera(says: str, do: str) -> list[Check]:
    return [
        Check(check="camera", status=Status.MEND, says=says, do=do),
        Check(check="light", status=Status.NOT_TRIED, says="Not tried without a picture."),
    ]


async def _server_checks(server: str | None) -> list[Check]:
    if server is None:
        says = "Not tried: give the exam server's address with --server."
        return [
            Check(check="network", status=Status.NOT_TRIED, says=says),
            Check(check="clock", status=Status.NOT_TRIED, says=says),
        ]
    try:
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            trips = [await _trip(http, server.rstrip("/")) for _ in range(_TRIPS)]
    except (aiohttp.ClientError, OSError, ValueError) as no:
        return [
            Check(
                check="network",
                status=Status.MEND,
                says=f"The exam server {server} can't be reached ({type(no).__name__}).",
                do="Check your connection, and the address.",
            ),
            Check(check="clock", status=Status.NOT_TRIED, says="Not tried without the server."),
        ]
    trip_ms, offset_s = min(trips)
    far = trip_ms > _TRIP_MIND_MS
    network = Check(
        check="network",
        status=Status.MIND if far else Status.OK,
        says=f"The exam server answers in {trip_ms:.0f} ms.",
        do="Prefer a cable, or sit nearer to the router." if far else "",
        facts={"round_trip_ms": round(trip_ms, 1)},
    )
    return [network, _clock_check(offset_s)]


async def _trip(http: aiohttp.ClientSession, server: str) -> tuple[float, float]:
    """Return ms there and back, and by how many s this computer's clock is behind."""
    sent_s, sent_ms = clock.monotonic_s(), clock.now_ms()
    async with http.get(f"{server}/healthz") as answer:
        told = await answer.json(content_type=None)
        trip_ms = 1000 * (clock.monotonic_s() - sent_s)
        now_ms = told.get("now_ms") if isinstance(told, dict) else None
        if not isinstance(now_ms, int):
            # Every HTTP server says its time, cut to the second.
            now_ms = (
                round(1000 * parsedate_to_datetime(answer.headers.get("Date", "")).timestamp())
                + 500
            )
    return trip_ms, (now_ms - sent_ms - trip_ms / 2) / 1000


def clock_words(offset_s: float) -> str:
    """Say by how much this computer's clock is behind the server's; ahead, if it is < 0."""
    way = "behind" if offset_s > 0 else "ahead of"
    return f"This computer's clock is {abs(offset_s):.0f} seconds {way} the exam server's."


def _clock_check(offset_s: float) -> Check:
    off_s = abs(offset_s)
    if off_s > CLOCK_MEND_S:
        status = Status.MEND
    else:
        status = Status.MIND if off_s > _CLOCK_MIND_S else Status.OK
    return Check(
        check="clock",
        status=status,
        says="This computer's clock is right." if status is Status.OK else clock_words(offset_s),
        do="" if status is Status.OK else "Let the system set its time by itself.",
        facts={"offset_s": round(offset_s, 3)},
    )


def _disk_check(folder: Path) -> Check:
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    free = psutil.disk_usage(str(there)).free
    status = Status.OK
    if free < _DISK_MIND_BYTES:
        status = Status.MIND if free >= _DISK_MEND_BYTES else Status.MEND
    return Check(
        check="disk",
        status=status,
        says=f"{free / 1024**3:.1f} GiB are free for what waits to be sent.",
        do="" if status is Status.OK else "Free some space: 2 GiB are enough for any outage.",
        facts={"free_bytes": free},
    )


def displays() -> int | None:
    """Return how many displays are connected; None where that can't be known."""
    try:
        with mss.MSS() as screens:
            return len(screens.monitors) - 1  # the first of them is all together
    except (mss.exception.ScreenShotError, OSError):
        return None


async def _rules(link: Link, report: dict[str, str]) -> Rules | str:
    """Return what the link's exam says of this computer, or why that is not known."""
    body = {"token": link.token, "system": report}
    try:
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.post(
                f"{link.server}/api/v1/computer",
                json=body,
                allow_redirects=False,  # the token is for the exam server, not for a login page
            ) as answer,
        ):
            fit = (await told_by(answer))["fit"]
            return Rules(
                refused=tuple(map(str, fit["refused"])), displays_most=int(fit["displays_most"])
            )
    except Refused as no:
        if no.code == "join-link-unknown":
            return _NO_LINK
        if no.code != "not-understood":
            return f"the exam server answered {no.status}"
        return "the exam server's answer was not understood"
    except (aiohttp.ClientError, OSError):
        return "the exam server can't be reached"
    except (ValueError, TypeError, KeyError):
        return "the exam server's answer was not understood"


def _no_link() -> Check:
    """Return the line of a link that no exam can be taken with, however good the computer is."""
    return Check(
        check="link",
        status=Status.MEND,
        says="The exam server knows no such link.",
        do="Copy the whole link from your invitation, or ask your course team for it.",
    )


def _displays_check(rules: Rules | str | None) -> Check:
    count = displays()
    if count is None:
        return Check(check="displays", status=Status.NOT_TRIED, says="No display was found here.")
    most = rules.displays_most if isinstance(rules, Rules) else 1
    exam = "This exam allows" if isinstance(rules, Rules) else "Most exams allow"
    return Check(
        check="displays",
        status=Status.OK if count <= most else Status.MIND,
        says=f"{count} displays are connected." if count != 1 else "One display is connected.",
        do=f"{exam} {'one' if most == 1 else most}: unplug the others." if count > most else "",
        facts={"displays": count},
    )


def _system_check(report: dict[str, str], rules: Rules | str | None) -> Check:
    words = [report[key] for key in ("os", "os_version", "maker", "model", "form") if report[key]]
    status, says, do = Status.OK, ", ".join(words) + ".", ""
    if isinstance(rules, Rules) and rules.refused:
        status, do = Status.MEND, "Use another computer, or ask your course team."
        says += f" This exam refuses it: {'; '.join(rules.refused)}."
    elif isinstance(rules, Rules):
        says += " This exam takes it."
    else:
        status = Status.NOT_TRIED
        why = "give your join link" if rules is None else rules
        says += f" Whether your exam takes it was not checked: {why}."
    return Check(check="system", status=status, says=says, do=do, facts=dict(report))


def _machine(os_name: str) -> tuple[str, str, str]:
    """Return maker, model and form."""
    if os_name == "linux":
        chassis = _dmi("chassis_type")
        kind = int(chassis) if chassis.isdecimal() else 0
        form = next((form for form, kinds in _FORMS.items() if kind in kinds), "")
        return _dmi("sys_vendor"), _dmi("product_name"), form
    if os_name == "macos":
        model = _said("/usr/sbin/sysctl", "-n", "hw.model")
        return "Apple", model, "laptop" if "Book" in model or _has_battery() else "desktop"
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - there only

        path = r"HARDWARE\DESCRIPTION\System\BIOS"
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
                maker = str(winreg.QueryValueEx(key, "SystemManufacturer")[0])
                return maker, str(winreg.QueryValueEx(key, "SystemProductName")[0]), ""
        except OSError:
            return "", "", ""
    return "", "", ""


def _dmi(name: str) -> str:
    try:
        return Path("/sys/class/dmi/id", name).read_text(errors="replace").strip()
    except OSError:
        return ""


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603 - a fixed path
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _has_battery() -> bool:
    try:
        return psutil.sensors_battery() is not None
    except (AttributeError, OSError):
        return False
