"""A browser that has no Ed25519: it signs with P-256, and the evidence verifies all the same."""

from base64 import b64decode
from pathlib import Path

import pytest

from proctor.evidence.note import KeyKind
from tests.e2e.room import IN_PART_A, PART_A, Room, Sit

pytestmark = pytest.mark.browser

# As browsers of 2024 answer.
WITHOUT_ED25519 = """
for (const name of ["generateKey", "importKey", "verify", "sign"]) {
  const real = crypto.subtle[name].bind(crypto.subtle);
  crypto.subtle[name] = (...asked) =>
    asked.includes("Ed25519")
      ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"))
      : real(...asked);
}
"""


async def test_a_browser_without_ed25519_signs_with_p256_and_its_bundle_verifies(
    exam_room: Room, sit: Sit, tmp_path: Path
) -> None:
    invited = await exam_room.invite()
    ada = await sit(invited.link, script=WITHOUT_ED25519)
    await ada.check_in()
    await ada.part_a()
    await ada.hand_in(PART_A)
    await ada.leave_out_the_rest()
    receipt = await ada.receipt()

    evidence = await exam_room.evidence(invited.session, tmp_path)
    evidence.assert_whole()
    assert evidence.handed_in() == IN_PART_A
    ((device, key),) = evidence.facts["devices"].items()
    assert b64decode(key.split("+", 2)[2])[0] == KeyKind.P256
    assert receipt == evidence.checkpoints[device]
