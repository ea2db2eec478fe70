from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from proctor.domain.devices import DeviceNameTaken, Devices, KnownDevice
from proctor.domain.devices import ask as ask_to_go_on
from proctor.domain.second_camera import (
    MAX_PHONES,
    CameraState,
    SecondCamera,
    TooManyPhones,
    ask,
    back,
    join,
    lost,
    shown,
)

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)


def known(id_: str, kind: str = "phone") -> KnownDevice:
    return KnownDevice(id=id_, key=f"{id_}+key", kind=kind)


COMPUTER, PHONE, OTHER = known("d_1", "browser"), known("d_2"), known("d_3")
ASKED = ask(None, "a" * 64, now=NOW)
JOINED = join(ASKED, PHONE, others=[COMPUTER])
CONNECTED = shown(JOINED, now=NOW)
LOST = lost(CONNECTED, now=NOW)


def test_a_link_that_was_asked_for_waits_for_a_phone() -> None:
    assert SecondCamera(link_sha256="a" * 64, since=NOW) == ASKED
    assert ASKED.phones == ()


def test_a_phone_that_joined_is_asked_for_until_it_has_shown_something() -> None:
    assert (JOINED.phone, JOINED.state) == (PHONE, CameraState.ASKED)
    assert back(JOINED, now=LATER) == JOINED
    assert lost(JOINED, now=LATER) == JOINED
    assert (CONNECTED.state, CONNECTED.since) == (CameraState.CONNECTED, NOW)


def test_joining_again_changes_nothing() -> None:
    assert join(CONNECTED, PHONE, others=[COMPUTER]) == CONNECTED


def test_what_goes_on_changes_nothing() -> None:
    assert shown(CONNECTED, now=LATER) == CONNECTED
    assert back(CONNECTED, now=LATER) == CONNECTED
    assert lost(LOST, now=LATER) == LOST


def test_a_phone_is_lost_and_comes_back() -> None:
    assert (LOST.state, LOST.phone) == (CameraState.LOST, PHONE)
    for again in (back(LOST, now=LATER), shown(LOST, now=LATER)):
        assert (again.state, again.since) == (CameraState.CONNECTED, LATER)


def test_another_link_replaces_the_phone() -> None:
    anew = ask(CONNECTED, "b" * 64, now=LATER)
    assert (anew.phone, anew.before, anew.state) == (None, (PHONE,), CameraState.ASKED)
    assert join(anew, OTHER, others=[COMPUTER]).phones == (PHONE, OTHER)


def test_a_link_nobody_came_with_is_replaced_without_a_trace() -> None:
    assert ask(ASKED, "b" * 64, now=LATER).phones == ()


@pytest.mark.parametrize(
    ("camera", "phone"),
    [
        pytest.param(ASKED, COMPUTER, id="the computer itself"),
        pytest.param(ASKED, replace(OTHER, id="d_1"), id="the computer's name"),
        pytest.param(ask(JOINED, "b" * 64, now=NOW), PHONE, id="the phone that was replaced"),
    ],
)
def test_a_name_that_is_taken_is_no_phones(camera: SecondCamera, phone: KnownDevice) -> None:
    with pytest.raises(DeviceNameTaken) as no:
        join(camera, phone, others=[COMPUTER])
    assert no.value.device == phone.id


def test_a_phones_name_is_no_other_computers() -> None:
    alone = Devices(admitted=(COMPUTER,))
    computer = replace(OTHER, id=PHONE.id, kind="browser")
    with pytest.raises(DeviceNameTaken):
        ask_to_go_on(alone, computer, now=NOW, phones=CONNECTED.phones)


def test_phones_are_bounded() -> None:
    camera = ASKED
    for number in range(MAX_PHONES):
        camera = (
            ask(join(camera, known(f"d_p{number}"), others=[]), "b" * 64, now=NOW)
            if (number < MAX_PHONES - 1)
            else join(camera, known(f"d_p{number}"), others=[])
        )
    assert len(camera.phones) == MAX_PHONES
    with pytest.raises(TooManyPhones) as no:
        ask(camera, "c" * 64, now=NOW)
    assert no.value.at_most == MAX_PHONES
