from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from proctor.domain.devices import (
    MAX_ASKS,
    AskDecided,
    AskState,
    Decision,
    DeviceNameTaken,
    Devices,
    KnownDevice,
    NoSuchAsk,
    TooManyAsks,
    ask,
    decide,
)
from proctor.domain.session import ExamSession, State, asks_open

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)


def known(id_: str, key: str = "") -> KnownDevice:
    return KnownDevice(id=id_, key=key or f"{id_}+key", kind="browser")


FIRST, SECOND, THIRD = known("d_1"), known("d_2"), known("d_3")
ALONE = Devices(admitted=(FIRST,))
ASKED = ask(ALONE, SECOND, now=NOW)


def test_nobody_has_a_session_that_nobody_joined() -> None:
    assert Devices().used is None
    assert Devices().latest("any") is None


def test_who_asks_waits_and_changes_nothing_for_who_works() -> None:
    assert [(each.device, each.asked_at) for each in ASKED.waiting] == [(SECOND, NOW)]
    assert ASKED.used == FIRST


@pytest.mark.parametrize(
    ("devices", "device"),
    [
        pytest.param(ASKED, SECOND, id="it waits"),
        pytest.param(ASKED, replace(SECOND, kind="desktop"), id="it waits, and says another kind"),
        pytest.param(ALONE, FIRST, id="it has the session"),
    ],
)
def test_asking_again_changes_nothing(devices: Devices, device: KnownDevice) -> None:
    assert ask(devices, device, now=NOW + timedelta(seconds=1)) is devices


def test_what_was_asked_before_the_end_waits_anew_once_it_is_asked_again() -> None:
    over_at = NOW + timedelta(minutes=5)
    later, third = over_at + timedelta(days=1), ask(ASKED, THIRD, now=NOW)
    anew = ask(third, SECOND, now=later, over_at=over_at)
    assert [(each.device, each.asked_at) for each in anew.waiting] == [
        (SECOND, later),
        (THIRD, NOW),
    ]
    assert ask(anew, SECOND, now=later + timedelta(days=1), over_at=over_at) is anew


@pytest.mark.parametrize("taken", ["d_1", "d_2"])
def test_a_name_is_of_one_key(taken: str) -> None:
    with pytest.raises(DeviceNameTaken):
        ask(ASKED, known(taken, "another"), now=NOW)


def test_who_is_admitted_has_the_session() -> None:
    after = decide(ASKED, "d_2", Decision.ADMIT)
    assert after.used == SECOND
    assert after.waiting == ()
    assert decide(after, "d_2", Decision.ADMIT) is after
    last = after.latest(SECOND.key)
    assert last is not None
    assert last.state is AskState.ADMITTED


def test_the_first_may_ask_to_come_back() -> None:
    after = decide(ASKED, "d_2", Decision.ADMIT)
    back = decide(ask(after, FIRST, now=NOW), "d_1", Decision.ADMIT)
    assert back.used == FIRST
    assert [each.id for each in back.admitted] == ["d_1", "d_2", "d_1"]


def test_who_was_refused_may_ask_again() -> None:
    refused = decide(ask(ASKED, THIRD, now=NOW), "d_2", Decision.REFUSE)
    assert refused.used == FIRST
    assert [each.device for each in refused.waiting] == [THIRD]
    again = ask(refused, SECOND, now=NOW)
    assert decide(again, "d_2", Decision.ADMIT).used == SECOND


def test_what_was_decided_stays() -> None:
    refused = decide(ASKED, "d_2", Decision.REFUSE)
    assert decide(refused, "d_2", Decision.REFUSE) is refused
    with pytest.raises(AskDecided) as no:
        decide(refused, "d_2", Decision.ADMIT)
    assert (no.value.device, no.value.state) == ("d_2", "refused")


def test_who_never_asked_is_not_let_in() -> None:
    with pytest.raises(NoSuchAsk):
        decide(ASKED, "d_3", Decision.ADMIT)


@pytest.mark.parametrize(
    "phone",
    [
        pytest.param(SECOND, id="the very phone"),
        pytest.param(known("d_phone", SECOND.key), id="its key under another name"),
        pytest.param(known("d_2", "another"), id="its name with another key"),
    ],
)
def test_a_phone_that_was_a_second_camera_does_not_ask_for_the_session(
    phone: KnownDevice,
) -> None:
    with pytest.raises(DeviceNameTaken):
        ask(ALONE, SECOND, now=NOW, phones=(THIRD, phone))
    assert ask(ALONE, SECOND, now=NOW, phones=(THIRD,)).waiting[0].device == SECOND


def test_a_phone_that_asked_is_not_given_the_session_and_may_be_refused() -> None:
    with pytest.raises(NoSuchAsk):
        decide(ASKED, "d_2", Decision.ADMIT, phones=(SECOND,))
    assert decide(ASKED, "d_2", Decision.REFUSE, phones=(SECOND,)).used == FIRST
    assert decide(ASKED, "d_2", Decision.ADMIT, phones=(THIRD,)).used == SECOND


def test_a_learner_is_asked_so_often_and_no_more() -> None:
    devices = ALONE
    for number in range(MAX_ASKS):
        devices = ask(devices, known(f"d_a{number}"), now=NOW)
    with pytest.raises(TooManyAsks):
        ask(devices, SECOND, now=NOW)


def test_the_end_answers_who_asked_to_work_and_not_who_asks_to_look() -> None:
    over_at = NOW + timedelta(minutes=5)
    devices = ask(ASKED, THIRD, now=over_at, over_at=over_at)
    session = ExamSession(
        id="s_1",
        exam="e",
        exam_sha256="",
        policy_sha256="",
        learner="Ada",
        made_at=NOW,
        sections=(),
        in_order=True,
        devices=devices,
    )
    assert [each.device for each in asks_open(session)] == [SECOND, THIRD]
    over = replace(session, state=State.SUBMITTED, closed_at=over_at)
    assert [each.device for each in asks_open(over)] == [THIRD]
