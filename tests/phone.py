"""What tests of second cameras share: a policy that asks for a phone."""

import json
from typing import Any

import rfc8785

from proctor.adapters import exams, policies
from proctor.evidence.record import Kind
from tests.conftest import SHORT_EXAM, Server
from tests.device import JPEG, Device


def with_phone(policy: str = "demo") -> bytes:
    """Return the body of a policy that asks for a phone besides."""
    doc = json.loads(policies.load(policies.builtin_folder() / f"{policy}.toml").body)
    doc["capture"]["second_camera"] = "phone"
    return rfc8785.dumps(doc)


async def invited_with_phone(server: Server) -> dict[str, Any]:
    await server.store.publish(exams.load(SHORT_EXAM).body, with_phone())
    return await server.invite()


def room(device: Device, seen: bytes = b"room") -> tuple[list[bytes], list[bytes]]:
    """Return a record and its picture, as a phone shows the room."""
    picture = JPEG + seen
    line = device.add(Kind.SNAPSHOT, blob=picture, purpose="room", width=640, height=480)
    return [line], [picture]


async def show_room(device: Device, seen: bytes = b"room") -> dict[str, Any]:
    lines, blobs = room(device, seen)
    return await device.send(lines, blobs)
