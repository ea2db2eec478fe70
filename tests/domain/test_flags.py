import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.domain.acts import Lift
from proctor.domain.flag_words import duration_words, rule_words
from proctor.domain.flags import (
    CLASS_OF,
    REFS_MOST,
    SEEN_CHARACTERS,
    SEEN_MOST,
    Flag,
    FlagClass,
    Happening,
    RecordRef,
    SnapshotRef,
    evaluate,
    is_unseen,
)
from proctor.domain.incidents import PICTURES, is_about
from proctor.domain.observation import Face, Measured, Model, Observation
from proctor.domain.policy import (
    WHENS,
    CaptureRules,
    FlagRule,
    Policy,
    Site,
    Software,
    SystemRules,
    Website,
    When,
)

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
SHA = "5" * 64
YUNET = Model(name="yunet", version="2023mar", sha256="8" * 64)
FACE = Face(x=1, y=2, width=3, height=4, score=0.9)
HALF = replace(FACE, height=2)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def faces(count: int) -> Measured:
    return Measured(faces=(FACE,) * count, models=(YUNET,))


def snapshots(
    *seen: Measured, first: int = 0, every: int = 10, device: str = "d"
) -> list[Observation]:
    return [
        Observation(
            device=device,
            seq=first + index,
            sha256=f"{first + index:064x}",
            at=at((first + index) * every),
            measured=measured,
        )
        for index, measured in enumerate(seen)
    ]


def policy(*rules: FlagRule) -> Policy:
    return Policy(id="p", title="P", flags=rules)


def in_a(_: datetime) -> str | None:
    return "a"


def raised(
    rule: FlagRule | Policy,
    *,
    pictures: list[Observation] | None = None,
    events: list[Happening] | None = None,
    section_at: Callable[[datetime], str | None] = in_a,
    documents: Sequence[tuple[datetime, datetime]] = (),
) -> tuple[Flag, ...]:
    whole = rule if isinstance(rule, Policy) else policy(rule)
    return evaluate(whole, SHA, pictures or [], events or [], section_at, documents=documents)


PEOPLE = FlagRule(when="person-count", above=1, for_s=20, severity=0.6)
AWAY = FlagRule(when="left-page", for_s=5)


def test_every_rule_has_a_class() -> None:
    assert set(CLASS_OF) == set(WHENS)


def test_what_light_camera_network_and_displays_do_is_never_conduct() -> None:
    conduct = {when for when, flag_class in CLASS_OF.items() if flag_class is FlagClass.CONDUCT}
    assert conduct == {
        "person-count",
        "another-person",
        "looped",
        "left-page",
        "program",
        "log-fork",
    }


# --- people ----------------------------------------------------------------------------------


def test_a_second_person_who_stays_raises_one_flag_that_names_everything() -> None:
    pictures = snapshots(faces(1), faces(2), faces(3), faces(2), faces(1))

    (flag,) = raised(PEOPLE, pictures=pictures)

    assert flag == Flag(
        id="person-count.d.1",
        when="person-count",
        rule="more than 1 person for 20 seconds",
        flag_class=FlagClass.CONDUCT,
        severity=0.6,
        policy_sha256=SHA,
        section_id="a",
        started_at=at(10),
        ended_at=at(30),
        measurement="faces",
        value=3,
        threshold=1,
        snapshots=tuple(
            SnapshotRef(device="d", seq=seq, sha256=f"{seq:064x}") for seq in (1, 2, 3)
        ),
        snapshot_count=3,
        records=(),
        models=(YUNET,),
        seen=(),
        explanation=(
            "In 3 snapshots over 20 seconds, up to 3 people could be seen; at most 1 person is "
            "expected. A person will look at it before anything is concluded."
        ),
    )


def test_a_person_seen_for_less_than_the_rule_says_raises_nothing() -> None:
    assert raised(PEOPLE, pictures=snapshots(faces(2), faces(2), faces(1))) == ()


def test_a_person_seen_in_one_snapshot_raises_nothing_even_at_once() -> None:
    at_once = replace(PEOPLE, for_s=0)
    assert raised(at_once, pictures=snapshots(faces(1), faces(2), faces(1))) == ()
    assert len(raised(at_once, pictures=snapshots(faces(1), faces(2), faces(2)))) == 1


def test_as_many_people_as_the_rule_says_raise_nothing() -> None:
    assert raised(replace(PEOPLE, above=2), pictures=snapshots(*[faces(2)] * 9)) == ()


def test_more_snapshots_make_the_incident_longer_and_keep_its_id() -> None:
    pictures = snapshots(*[faces(2)] * 6)

    (sooner,) = raised(PEOPLE, pictures=pictures[:4])
    (later,) = raised(PEOPLE, pictures=pictures)

    assert (sooner.id, sooner.started_at) == (later.id, later.started_at)
    assert sooner.ended_at < later.ended_at


@pytest.mark.parametrize(
    ("seen", "counted"),
    [
        pytest.param((FACE, HALF), 1, id="a face half as high"),
        pytest.param((HALF, FACE), 1, id="of which the detector is surer"),
        pytest.param((FACE, replace(HALF, height=3)), 2, id="one a little higher"),
        pytest.param((FACE, FACE), 2, id="one as high"),
        pytest.param((FACE, HALF, HALF), 2, id="two of them"),
        pytest.param((FACE, HALF, FACE), 2, id="besides a second person"),
        pytest.param((HALF,), 1, id="one face alone"),
        pytest.param((), 0, id="nobody"),
    ],
)
def test_one_small_face_is_a_portrait_while_a_document_is_held_up(
    seen: tuple[Face, ...], counted: int
) -> None:
    pictures = snapshots(*[Measured(faces=seen, models=(YUNET,))] * 3)
    for above in range(1, 4):
        rule = replace(PEOPLE, above=above)

        flags = raised(rule, pictures=pictures, documents=[(at(0), at(20))])

        assert [flag.value for flag in flags] == ([len(seen)] if counted > above else [])
        # And at any other time it is somebody.
        flags = raised(rule, pictures=pictures, documents=[(at(21), at(99))])
        assert len(flags) == (len(seen) > above)


def test_a_portrait_is_left_out_of_no_other_rule() -> None:
    # The learner is away, and what lies before the camera is the document.
    alone = Measured(faces=(HALF, FACE), same_person=0.1)
    rule = FlagRule(when="another-person", for_s=0)
    pictures = snapshots(*[alone] * 3)

    held = raised(rule, pictures=pictures, documents=[(at(0), at(20))])

    assert held == raised(rule, pictures=pictures)
    assert len(held) == 1


def test_neighbours_of_one_rule_are_one_incident() -> None:
    two = [faces(2)] * 3
    (flag,) = raised(PEOPLE, pictures=snapshots(*two, faces(1), *two))
    assert (flag.started_at, flag.ended_at, flag.snapshot_count) == (at(0), at(60), 6)


def test_incidents_far_apart_are_two() -> None:
    two = [faces(2)] * 3
    flags = raised(PEOPLE, pictures=snapshots(*two, *[faces(1)] * 6, *two))
    assert [flag.id for flag in flags] == ["person-count.d.0", "person-count.d.9"]


def test_two_cameras_have_incidents_of_their_own() -> None:
    two = [faces(2)] * 3
    flags = raised(PEOPLE, pictures=snapshots(*two) + snapshots(*two, device="phone"))
    assert [flag.id for flag in flags] == ["person-count.d.0", "person-count.phone.0"]


def test_a_camera_alone_does_not_break_what_another_sees() -> None:
    pictures = snapshots(*[faces(2)] * 3) + snapshots(*[faces(1)] * 3, device="phone")
    assert len(raised(PEOPLE, pictures=pictures)) == 1


def test_snapshots_far_apart_are_no_run() -> None:
    pictures = snapshots(faces(2)) + snapshots(faces(2), first=60)
    assert raised(replace(PEOPLE, for_s=0), pictures=pictures) == ()


def test_one_missing_snapshot_does_not_break_a_run() -> None:
    pictures = snapshots(*[faces(2)] * 3)
    assert len(raised(PEOPLE, pictures=[pictures[0], pictures[2]])) == 1


def test_what_was_not_measured_raises_nothing_and_ends_a_run() -> None:
    blind = Measured(unavailable=("faces: the model yunet is missing",))
    every_picture_rule = [FlagRule(when=when) for when in WHENS if when != "log-fork"]
    assert raised(policy(*every_picture_rule), pictures=snapshots(*[blind] * 50)) == ()
    pictures = snapshots(faces(2), faces(2), blind, faces(2), faces(2))
    assert raised(PEOPLE, pictures=pictures) == ()


@pytest.mark.parametrize(
    ("rules", "measured", "unseen"),
    [
        pytest.param([PEOPLE], [faces(1)] * 3, False, id="each picture was looked at"),
        pytest.param([PEOPLE], [], True, id="there is no picture"),
        pytest.param([PEOPLE], [faces(1), Measured(), faces(1)], True, id="one was given up"),
        pytest.param(
            [FlagRule(when="another-person")],
            [replace(faces(1), same_person=0.9), faces(1)],
            False,
            id="one is compared",
        ),
        pytest.param(
            [FlagRule(when="another-person")], [faces(1), faces(1)], True, id="none is compared"
        ),
        pytest.param(
            [FlagRule(when="looped")],
            [Measured(), Measured(looped=False)],
            False,
            id="once it can be",
        ),
        pytest.param(
            [FlagRule(when="dark"), AWAY],
            [Measured()],
            False,
            id="no rule of conduct goes by pictures",
        ),
    ],
)
def test_what_a_rule_of_conduct_goes_by_and_was_not_measured_is_unseen(
    rules: list[FlagRule], measured: list[Measured], unseen: bool
) -> None:
    assert is_unseen(policy(*rules), snapshots(*measured)) is unseen


@pytest.mark.parametrize(
    ("rule", "measured", "lift", "unseen"),
    [
        pytest.param(PEOPLE, [Measured()] * 3, (0, None), False, id="it never held"),
        pytest.param(PEOPLE, [faces(1), Measured(), Measured()], (10, None), False, id="from then"),
        pytest.param(PEOPLE, [Measured(), faces(1), faces(1)], (0, 10), False, id="until then"),
        pytest.param(PEOPLE, [Measured(), Measured(), faces(1)], (0, 10), True, id="too short"),
        pytest.param(PEOPLE, [], (0, None), True, id="there is no picture"),
        pytest.param(
            FlagRule(when="another-person"),
            [replace(faces(1), same_person=0.9), faces(1)],
            (0, 10),
            True,
            id="it was compared only where that says nothing",
        ),
        pytest.param(
            FlagRule(when="looped"), [Measured()] * 2, (0, None), True, id="another was lifted"
        ),
    ],
)
def test_a_rule_that_was_lifted_needs_no_measure_of_then(
    rule: FlagRule, measured: list[Measured], lift: tuple[int, int | None], unseen: bool
) -> None:
    since, until = lift
    when: When = "person-count" if rule.when == "looped" else rule.when
    lifts = [Lift(rule=when, since=at(since), until=None if until is None else at(until))]
    assert is_unseen(policy(rule), snapshots(*measured), lifts=lifts) is unseen


def test_no_snapshots_raise_nothing() -> None:
    assert raised(policy(*(FlagRule(when=when) for when in WHENS))) == ()


# --- a run begins and ends -----------------------------------------------------------------------


def test_one_good_snapshot_in_a_bad_minute_does_not_cut_an_incident() -> None:
    rule = replace(PEOPLE, for_s=40)
    pictures = snapshots(*[faces(2)] * 2, faces(1), *[faces(2)] * 2)
    (flag,) = raised(rule, pictures=pictures)
    assert (flag.started_at, flag.ended_at) == (at(0), at(40))
    # What does not show it is not shown for it.
    assert [ref.seq for ref in flag.snapshots] == [0, 1, 3, 4]


def test_two_good_snapshots_end_an_incident() -> None:
    rule = replace(PEOPLE, for_s=40)
    pictures = snapshots(*[faces(2)] * 2, *[faces(1)] * 2, *[faces(2)] * 3)
    assert raised(rule, pictures=pictures) == ()


def test_one_snapshot_in_two_does_not_begin_what_needs_two_running() -> None:
    pictures = snapshots(*[faces(2), faces(1)] * 20)
    assert raised(replace(PEOPLE, for_s=0), pictures=pictures) == ()


def test_a_good_snapshot_and_a_long_pause_end_an_incident() -> None:
    rule = replace(PEOPLE, for_s=40)
    pictures = snapshots(*[faces(2)] * 2, faces(1)) + snapshots(*[faces(2)] * 3, first=7)
    assert raised(rule, pictures=pictures) == ()


# --- another person ------------------------------------------------------------------------------


def like(same_person: float | None, count: int = 1) -> Measured:
    return replace(faces(count), same_person=same_person)


NOT_COMPARED = like(None)
ANOTHER = FlagRule(when="another-person", severity=0.8)


def compared(*likeness: float) -> list[Measured]:
    """Every sixth snapshot is compared."""
    return [seen for each in likeness for seen in (like(each), *[NOT_COMPARED] * 5)]


@pytest.mark.parametrize(
    ("likeness", "found"),
    [
        pytest.param([0.1, 0.1], [0, 6], id="two running"),
        pytest.param([0.1, 0.9, 0.1], [0, 12], id="the first and the last of three"),
        pytest.param([0.9, 0.9, 0.1, 0.1], [12, 18], id="after an hour of the learner"),
        pytest.param([0.1, 0.9, 0.9, 0.1], [], id="two of four"),
        pytest.param([0.9, 0.1, 0.9], [], id="one of three"),
        pytest.param([0.363, 0.363, 0.363], [], id="at the limit"),
        pytest.param([0.1, 0.1, 0.9, 0.1], [0, 6, 18], id="one good in between"),
    ],
)
def test_another_person_is_a_face_unlike_that_of_the_check_in_in_two_of_three_comparisons(
    likeness: list[float], found: list[int]
) -> None:
    flags = raised(ANOTHER, pictures=snapshots(*compared(*likeness)))
    assert [ref.seq for flag in flags for ref in flag.snapshots] == found
    for flag in flags:
        assert (flag.when, flag.flag_class) == ("another-person", FlagClass.CONDUCT)
        assert (flag.measurement, flag.value, flag.threshold) == ("same_person", 0.1, 0.363)
        assert "a person compares the pictures" in flag.explanation


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(replace(like(0.0), dark=True), id="in the dark"),
        pytest.param(replace(like(0.0), covered=True), id="behind a hand"),
        pytest.param(like(0.0, count=0), id="without a face"),
        pytest.param(replace(like(0.0), faces=None), id="where faces could not be counted"),
        pytest.param(NOT_COMPARED, id="not compared"),
    ],
)
def test_another_person_is_nobody_who_cannot_be_seen(seen: Measured) -> None:
    assert raised(ANOTHER, pictures=snapshots(*[seen] * 50)) == ()


def test_a_rule_may_have_a_likeness_of_its_own() -> None:
    rule = replace(ANOTHER, below=0.3)
    pictures = snapshots(like(0.31), like(0.31))
    assert raised(rule, pictures=pictures) == ()
    assert len(raised(ANOTHER, pictures=pictures)) == 1
    (flag,) = raised(rule, pictures=snapshots(like(0.2), like(0.29)))
    assert (flag.value, flag.threshold) == (0.2, 0.3)


def test_comparisons_far_apart_are_no_run() -> None:
    pictures = snapshots(like(0.1)) + snapshots(like(0.1), first=19)
    assert raised(ANOTHER, pictures=pictures) == ()


# --- sections --------------------------------------------------------------------------------


def halves(moment: datetime) -> str | None:
    if moment < at(30):
        return "a"
    return "b" if moment >= at(60) else None


def test_outside_of_sections_nothing_is_raised() -> None:
    pictures = snapshots(*[faces(2)] * 30)
    events = [Happening(device="d", seq=9, at=at(0), until=at(99), kind="focus")]
    flags = raised(
        policy(PEOPLE, AWAY), pictures=pictures, events=events, section_at=lambda _: None
    )
    assert flags == ()


def test_an_incident_ends_with_its_section() -> None:
    flags = raised(PEOPLE, pictures=snapshots(*[faces(2)] * 10), section_at=halves)
    assert [(flag.section_id, flag.started_at, flag.ended_at) for flag in flags] == [
        ("a", at(0), at(20)),
        ("b", at(60), at(90)),
    ]


def test_sections_that_touch_share_no_incident() -> None:
    flags = raised(
        PEOPLE,
        pictures=snapshots(*[faces(2)] * 6),
        section_at=lambda moment: "a" if moment < at(30) else "b",
    )
    assert [flag.section_id for flag in flags] == ["a", "b"]


def test_a_rule_for_one_section_holds_in_no_other() -> None:
    rule = replace(PEOPLE, sections=("b",))
    flags = raised(rule, pictures=snapshots(*[faces(2)] * 10), section_at=halves)
    assert [flag.section_id for flag in flags] == ["b"]


def test_time_away_after_the_section_closed_does_not_count() -> None:
    late = Happening(device="d", seq=1, at=at(27), until=at(600), kind="focus")
    assert raised(AWAY, events=[late], section_at=halves) == ()
    assert len(raised(AWAY, events=[replace(late, at=at(20))], section_at=halves)) == 1


# --- a rule that is lifted -------------------------------------------------------------------


def test_what_happens_while_a_rule_is_lifted_raises_nothing() -> None:
    away = [
        Happening(device="d", seq=seq, at=at(start), until=at(start + 8), kind="focus")
        for seq, start in enumerate((0, 100, 200))
    ]
    lifts = (Lift(rule="left-page", since=at(90), until=at(150)),)
    found = evaluate(policy(AWAY), SHA, [], away, in_a, lifts=lifts)
    assert [flag.started_at for flag in found] == [at(0), at(200)]
    still = (Lift(rule="left-page", since=at(90)),)
    found = evaluate(policy(AWAY), SHA, [], away, in_a, lifts=still)
    assert [flag.started_at for flag in found] == [at(0)]


def test_a_lifted_rule_lifts_no_other() -> None:
    pictures = snapshots(*[faces(2)] * 6)
    lifts = (Lift(rule="dark", since=START),)
    assert evaluate(policy(PEOPLE), SHA, pictures, [], in_a, lifts=lifts) == raised(
        PEOPLE, pictures=pictures
    )


def test_what_was_raised_before_a_rule_was_lifted_stays_and_grows_no_more() -> None:
    pictures = snapshots(*[faces(2)] * 10)
    lifts = (Lift(rule="person-count", since=at(45)),)
    (flag,) = evaluate(policy(PEOPLE), SHA, pictures, [], in_a, lifts=lifts)
    (whole,) = raised(PEOPLE, pictures=pictures)
    assert (flag.id, flag.ended_at) == (whole.id, at(40))
    assert whole.ended_at == at(90)


# --- light and camera ------------------------------------------------------------------------

DARK = Measured(faces=(), dark=True, covered=False, frozen=False, light_mean=20.0)
COVERED = Measured(faces=(), dark=True, covered=True, frozen=True, contrast=2.0, light_mean=3.0)
FROZEN = Measured(faces=(FACE,), dark=False, covered=False, frozen=True, change=0.2)
LOOPED = Measured(
    faces=(FACE,), dark=False, covered=False, frozen=False, looped=True, repeat=0.2, change=9.0
)
EMPTY = Measured(faces=(), dark=False, covered=False, frozen=False)
PICTURE_RULES: tuple[When, ...] = (
    "person-count",
    "another-person",
    "no-face",
    "dark",
    "covered",
    "frozen",
    "looped",
)


@pytest.mark.parametrize(
    ("measured", "when", "value"),
    [
        pytest.param(DARK, "dark", 20.0, id="a dark picture is dark alone"),
        pytest.param(COVERED, "covered", 2.0, id="a covered camera is covered alone"),
        pytest.param(FROZEN, "frozen", 0.2, id="a frozen picture"),
        pytest.param(EMPTY, "no-face", 0, id="an empty chair in good light"),
        pytest.param(
            replace(FROZEN, looped=True, repeat=0.2), "frozen", 0.2, id="frozen, hence as before"
        ),
        pytest.param(replace(DARK, looped=True), "dark", 20.0, id="dark, hence as before"),
        pytest.param(replace(EMPTY, looped=True), "no-face", 0, id="empty, hence as before"),
        pytest.param(replace(COVERED, looped=True), "covered", 2.0, id="covered, hence as before"),
    ],
)
def test_one_cause_raises_one_quality_flag(measured: Measured, when: When, value: float) -> None:
    rules = policy(*(FlagRule(when=rule, for_s=10) for rule in PICTURE_RULES))
    (flag,) = raised(rules, pictures=snapshots(measured, measured))
    assert (flag.when, flag.value, flag.flag_class) == (when, value, FlagClass.QUALITY)
    assert "not held against you" in flag.explanation


@pytest.mark.parametrize(
    ("when", "measured", "measurement"),
    [
        pytest.param("dark", Measured(light_mean=29.9), "light_mean", id="light"),
        pytest.param("covered", Measured(contrast=29.9), "contrast", id="contrast"),
        pytest.param("frozen", Measured(change=29.9), "change", id="change"),
        pytest.param("looped", Measured(repeat=29.9), "repeat", id="repeat"),
    ],
)
def test_a_limit_of_the_rule_decides_instead_of_vision(
    when: When, measured: Measured, measurement: str
) -> None:
    rule = FlagRule(when=when, below=30)
    (flag,) = raised(rule, pictures=snapshots(measured, measured))
    assert (flag.measurement, flag.value, flag.threshold) == (measurement, 29.9, 30)
    assert raised(replace(rule, below=29.9), pictures=snapshots(measured, measured)) == ()
    not_measured = Measured(dark=True, frozen=True, looped=True)
    assert raised(rule, pictures=snapshots(not_measured)) == ()


def test_pictures_that_come_again_are_conduct_for_no_fault_replays_a_camera() -> None:
    rules = policy(*(FlagRule(when=rule) for rule in PICTURE_RULES))
    (flag,) = raised(rules, pictures=snapshots(faces(1), LOOPED, LOOPED))
    assert (flag.when, flag.flag_class) == ("looped", FlagClass.CONDUCT)
    assert (flag.measurement, flag.value, flag.threshold) == ("repeat", 0.2, None)
    # A stale picture of a driver's buffer comes once.
    assert raised(rules, pictures=snapshots(faces(1), LOOPED, faces(1))) == ()


def test_a_flag_without_a_number_has_none() -> None:
    (flag,) = raised(FlagRule(when="dark"), pictures=snapshots(Measured(dark=True)))
    assert flag.value is None
    assert flag.explanation.startswith("In 1 snapshot, there was too little light")


def test_a_long_incident_names_a_bounded_choice_of_snapshots() -> None:
    pictures = snapshots(*[COVERED] * 1000)
    (flag,) = raised(FlagRule(when="covered", for_s=60), pictures=pictures)
    assert flag.snapshot_count == 1000
    assert len(set(flag.snapshots)) == REFS_MOST
    assert (flag.snapshots[0].seq, flag.snapshots[-1].seq) == (0, 999)


# --- other records ---------------------------------------------------------------------------


def event(
    *,
    seq: int = 7,
    start: float = 0,
    length: float | None = 40,
    kind: str = "focus",
    **facts: str | int,
) -> Happening:
    return Happening(
        device="d",
        seq=seq,
        at=at(start),
        until=None if length is None else at(start + length),
        kind=kind,  # type: ignore[arg-type]  # one of the four words, from the tables below
        **facts,  # type: ignore[arg-type]  # as above
    )


UNREADABLE = Measured(unavailable=("picture: not an image that can be read",))


def test_snapshots_that_are_no_pictures_ask_for_help_and_are_nothing_else() -> None:
    others = tuple(FlagRule(when=rule, programs=("x",)) for rule in WHENS if rule != "camera-lost")
    rule = FlagRule(when="camera-lost", for_s=20, severity=0.3)
    rules = policy(rule, *others)
    pictures = snapshots(faces(1), *[UNREADABLE] * 3, faces(1), faces(1))

    (flag,) = raised(rules, pictures=pictures)

    assert (flag.when, flag.flag_class) == ("camera-lost", FlagClass.QUALITY)
    assert (flag.started_at, flag.ended_at) == (at(10), at(30))
    assert (flag.value, flag.threshold, flag.snapshot_count) == (20, 20, 3)
    assert "In 3 snapshots over 20 seconds" in flag.explanation
    assert "could not be read as pictures" in flag.explanation
    assert "not held against you" in flag.explanation
    assert raised(rules, pictures=pictures[:3]) == ()  # not for so long


@pytest.mark.parametrize(
    "unmeasured",
    [
        pytest.param("faces: the model yunet is missing", id="a model that is missing"),
        pytest.param("server: looking at it failed: OSError", id="a fault of the server's"),
        pytest.param("worker: it died with the picture, twice", id="a worker that was killed"),
    ],
)
def test_what_the_server_could_not_measure_is_no_camera_lost(unmeasured: str) -> None:
    seen = Measured(unavailable=(unmeasured,))
    assert raised(FlagRule(when="camera-lost"), pictures=snapshots(*[seen] * 9)) == ()


@pytest.mark.parametrize(
    ("gap_at", "flag_id", "began", "words"),
    [
        pytest.param(
            10,
            "camera-lost.d.99",
            10,
            "1 minute in all, 2 times",
            id="a camera that goes, then nonsense",
        ),
        pytest.param(90, "camera-lost.d.7", 70, "1 minute", id="nonsense, then a camera that goes"),
    ],
)
def test_an_outage_of_both_kinds_is_one_flag(
    gap_at: float, flag_id: str, began: float, words: str
) -> None:
    lost = event(kind="gap", cause="camera", start=gap_at, length=40, seq=99)
    pictures = snapshots(*[UNREADABLE] * 3, first=7)
    (flag,) = raised(FlagRule(when="camera-lost", for_s=20), pictures=pictures, events=[lost])
    assert (flag.id, flag.value) == (flag_id, 40)
    assert (flag.started_at, flag.ended_at) == (at(began), at(max(90, gap_at + 40)))
    assert flag.records == (RecordRef(device="d", seq=99),)
    assert [ref.seq for ref in flag.snapshots] == [7, 8, 9]
    assert f"The camera could not be read for {words}: it was lost" in flag.explanation
    assert "not held against you" in flag.explanation


@pytest.mark.parametrize(
    ("when", "happening", "value"),
    [
        pytest.param("camera-lost", event(kind="gap", cause="camera"), 40, id="a camera's gap"),
        pytest.param(
            "camera-lost", event(kind="notice", cause="camera-lost"), 40, id="a camera's notice"
        ),
        pytest.param("network-gap", event(kind="gap", cause="network"), 40, id="a network's gap"),
        pytest.param("capture-gap", event(kind="gap", cause="stopped"), 40, id="another gap"),
        pytest.param("second-display", event(kind="notice", displays=2), 2, id="two displays"),
    ],
)
def test_what_a_device_says_about_itself_asks_for_help(
    when: When, happening: Happening, value: float
) -> None:
    others = tuple(FlagRule(when=rule, programs=("x",)) for rule in WHENS)

    (flag,) = raised(policy(*others), events=[happening])

    assert (flag.when, flag.value, flag.flag_class) == (when, value, FlagClass.QUALITY)
    assert flag.records == (RecordRef(device="d", seq=7),)
    assert flag.snapshots == ()
    assert "not held against you" in flag.explanation


@pytest.mark.parametrize(
    "happening",
    [
        pytest.param(event(kind="notice", displays=1), id="one display"),
        pytest.param(event(kind="notice", cause="low battery"), id="a notice of something else"),
        pytest.param(event(kind="notice", program="backup"), id="a program nobody looks for"),
    ],
)
def test_what_no_rule_is_about_raises_nothing(happening: Happening) -> None:
    rules = tuple(FlagRule(when=rule, programs=("chatgpt",)) for rule in WHENS)
    assert raised(policy(*rules), events=[happening]) == ()


def test_displays_are_counted_against_the_policy() -> None:
    rule = FlagRule(when="second-display")
    two = replace(policy(rule), system=SystemRules(displays_most=2))
    assert raised(two, events=[event(kind="notice", displays=2)]) == ()
    (flag,) = raised(two, events=[event(kind="notice", displays=3)])
    assert (flag.value, flag.threshold) == (3, 2)


def test_a_gap_shorter_than_the_rule_raises_nothing() -> None:
    rule = FlagRule(when="network-gap", for_s=30)
    assert raised(rule, events=[event(kind="gap", cause="network", length=29)]) == ()
    assert len(raised(rule, events=[event(kind="gap", cause="network", length=30)])) == 1


def test_an_end_before_the_start_is_an_instant() -> None:
    (flag,) = raised(
        FlagRule(when="network-gap"), events=[event(kind="gap", cause="network", length=-5)]
    )
    assert (flag.started_at, flag.ended_at, flag.value) == (at(0), at(0), 0)


@pytest.mark.parametrize(
    ("when", "facts"),
    [
        pytest.param("left-page", {"kind": "focus"}, id="away from the page"),
        pytest.param("network-gap", {"kind": "gap", "cause": "network"}, id="no network"),
        pytest.param("camera-lost", {"kind": "gap", "cause": "camera"}, id="no camera"),
        pytest.param("capture-gap", {"kind": "gap", "cause": "stopped"}, id="no capture"),
    ],
)
def test_what_went_on_several_times_is_told_by_how_long_it_went_on(
    when: When, facts: dict[str, str]
) -> None:
    events = [event(seq=seq, start=60 * seq, length=6, **facts) for seq in range(2)]
    (flag,) = raised(FlagRule(when=when, for_s=5), events=events)
    assert (flag.started_at, flag.ended_at) == (at(0), at(66))
    assert (flag.times, flag.lasted) == (2, timedelta(seconds=12))
    assert " for 12 seconds in all, 2 times" in flag.explanation
    assert flag.value == 6  # the longest of them is held against the rule's limit

    (once,) = raised(FlagRule(when=when, for_s=5), events=events[:1])
    assert (once.times, once.lasted) == (1, timedelta(seconds=6))
    assert " for 6 seconds" in once.explanation
    assert "times" not in once.explanation


def test_what_two_records_tell_of_one_time_went_on_once() -> None:
    spans = [(0, 20), (5, 5), (15, 15)]  # within the first, and beyond it
    events = [
        event(seq=seq, start=start, length=length, kind="gap", cause="network")
        for seq, (start, length) in enumerate(spans)
    ]
    (flag,) = raised(FlagRule(when="network-gap"), events=events)
    assert (flag.times, flag.lasted) == (1, timedelta(seconds=30))
    assert "could not be reached for 30 seconds. " in flag.explanation


def test_pictures_of_several_times_are_told_by_how_long_they_show_it() -> None:
    dark = Measured(dark=True, faces=())
    seen = snapshots(*[dark] * 3, *[faces(1)] * 3, *[dark] * 2)
    (flag,) = raised(FlagRule(when="dark"), pictures=seen)
    assert (flag.times, flag.lasted) == (2, timedelta(seconds=30))
    assert "In 5 snapshots over 30 seconds in all, 2 times, there was" in flag.explanation


def test_a_program_is_flagged_where_it_is_not_allowed() -> None:
    rule = FlagRule(when="program", programs=("RStudio", "chatgpt"))
    both = replace(
        policy(rule), allow=(Software(name="R", programs=("rstudio",), sections=("b",)),)
    )
    seen = [event(kind="notice", program="rstudio.exe", length=None)]
    (flag,) = raised(both, events=seen)
    assert (flag.seen, flag.value, flag.flag_class) == (("rstudio",), None, FlagClass.CONDUCT)
    assert "rstudio" in flag.explanation
    assert raised(both, events=seen, section_at=lambda _: "b") == ()


def test_a_fork_is_flagged_though_no_rule_names_it() -> None:
    fork = event(kind="fork", length=None)
    (flag,) = raised(policy(), events=[fork])
    assert (flag.when, flag.flag_class, flag.severity) == ("log-fork", FlagClass.CONDUCT, 0.9)
    (own,) = raised(FlagRule(when="log-fork", severity=0.4), events=[fork])
    assert own.severity == 0.4


SITES = Website(
    choose=1,
    of=(Site(name="A", url="https://a.org"), Site(name="B", url="https://b.org")),
    sections=("a",),
)
WITH_SITES = replace(policy(AWAY), allow=(SITES, Software(name="R", programs=("Rgui",))))


@pytest.mark.parametrize(
    "away_to",
    [
        pytest.param("https://a.org/x", id="an allowed site"),
        pytest.param("Rgui.exe", id="an allowed program"),
        pytest.param("", id="not known, and something is allowed"),
    ],
)
def test_going_where_one_may_go_is_no_flag(away_to: str) -> None:
    assert raised(WITH_SITES, events=[event(away_to=away_to)]) == ()


@pytest.mark.parametrize(
    ("away_to", "seen"),
    [
        pytest.param("https://c.org/p?q=secret#x", "https://c.org/p", id="a site, its query cut"),
        pytest.param("https://me:pw@c.org/", "https://c.org/", id="a login cut"),
        pytest.param("https://[c", "an address that cannot be read", id="no address at all"),
        pytest.param("python", "python", id="a program"),
    ],
)
def test_going_elsewhere_is_a_flag_that_says_where(away_to: str, seen: str) -> None:
    (flag,) = raised(WITH_SITES, events=[event(away_to=away_to)])
    assert (flag.when, flag.seen, flag.value, flag.threshold) == ("left-page", (seen,), 40, 5)
    assert seen in flag.explanation


def test_an_unknown_place_is_a_flag_where_nothing_is_allowed() -> None:
    (flag,) = raised(AWAY, events=[event()])
    assert flag.seen == ()
    assert "which one is not known" in flag.explanation
    software = replace(WITH_SITES, allow=WITH_SITES.allow[1:])
    assert raised(software, events=[event()]) == ()
    sites = replace(WITH_SITES, allow=WITH_SITES.allow[:1])
    assert raised(sites, events=[event()]) == ()


def test_a_moment_away_is_no_flag() -> None:
    assert raised(AWAY, events=[event(length=4)]) == ()
    assert raised(AWAY, events=[event(length=None)]) == ()


def test_the_first_site_a_learner_stays_at_is_the_chosen_one() -> None:
    events = [
        event(seq=1, away_to="https://b.org", length=2),
        event(seq=2, away_to="https://a.org", start=100),
        event(seq=3, away_to="https://a.org/again", start=200),
        event(seq=4, away_to="https://b.org", start=300),
    ]
    (flag,) = raised(WITH_SITES, events=events)
    assert flag.records == (RecordRef(device="d", seq=4),)
    both = replace(WITH_SITES, allow=(replace(SITES, choose=2),))
    assert raised(both, events=events) == ()


def test_many_places_are_named_within_bounds() -> None:
    events = [
        event(seq=n, away_to=f"https://c.org/{n}/" + "x" * 500, start=n * 50) for n in range(99)
    ]
    (flag,) = raised(AWAY, events=events)
    assert len(flag.seen) == SEEN_MOST
    assert {len(word) for word in flag.seen} == {SEEN_CHARACTERS}
    assert len(flag.records) == REFS_MOST


def test_rules_of_one_kind_have_ids_of_their_own() -> None:
    rules = policy(PEOPLE, replace(PEOPLE, above=2, severity=0.9))
    flags = raised(rules, pictures=snapshots(*[faces(3)] * 3))
    assert [flag.id for flag in flags] == ["person-count-2.d.0", "person-count.d.0"]


# --- laws ------------------------------------------------------------------------------------

MEASURED = st.sampled_from(
    [
        *(*map(faces, range(4)), DARK, COVERED, FROZEN),
        *(Measured(), UNREADABLE, like(0.1), like(0.9), LOOPED),
    ]
)
EVENTS = st.builds(
    event,
    seq=st.integers(1000, 1999),
    start=st.integers(0, 300),
    length=st.none() | st.integers(0, 90),
    kind=st.sampled_from(["focus", "gap", "notice", "fork"]),
    away_to=st.sampled_from(["", "https://a.org", "https://b.org", "https://c.org", "Rgui"]),
    cause=st.sampled_from(["", "network", "camera", "camera-lost", "stopped"]),
    program=st.sampled_from(["", "chatgpt"]),
)
ALL_RULES = replace(
    WITH_SITES,
    capture=CaptureRules(snapshot_every_s=5),
    flags=tuple(FlagRule(when=when, for_s=10, programs=("chatgpt",)) for when in WHENS),
)


@given(
    st.lists(MEASURED, max_size=40),
    st.lists(EVENTS, max_size=12, unique_by=lambda happening: happening.seq),
    st.randoms(use_true_random=False),
)
def test_the_order_of_what_is_given_does_not_matter(
    seen: list[Measured], events: list[Happening], shuffler: random.Random
) -> None:
    pictures = snapshots(*seen, every=5)
    expected = raised(ALL_RULES, pictures=pictures, events=events, section_at=halves)

    shuffled, mixed = pictures[:], events[:]
    shuffler.shuffle(shuffled)
    shuffler.shuffle(mixed)

    assert raised(ALL_RULES, pictures=shuffled, events=mixed, section_at=halves) == expected
    assert len({flag.id for flag in expected}) == len(expected)


@given(st.lists(MEASURED, max_size=40), st.data())
def test_what_comes_later_takes_no_flag_back(seen: list[Measured], data: st.DataObject) -> None:
    pictures = snapshots(*seen, every=5)
    sooner = raised(ALL_RULES, pictures=pictures[: data.draw(st.integers(0, len(pictures)))])
    later = {flag.id: flag for flag in raised(ALL_RULES, pictures=pictures)}
    for flag in sooner:
        assert later[flag.id].started_at == flag.started_at
        assert later[flag.id].ended_at >= flag.ended_at


# --- words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(0, "0 seconds", id="nothing"),
        pytest.param(1, "1 second", id="one"),
        pytest.param(90.9, "1 minute 30 seconds", id="rounded down"),
        pytest.param(7200, "2 hours", id="hours"),
    ],
)
def test_a_length_of_time_is_said_in_words(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


def test_a_rule_says_its_limits() -> None:
    assert rule_words(FlagRule(when="dark", below=30.5, for_s=60)) == (
        "too dark to see (below 30.5 grey levels) for 1 minute"
    )
    assert rule_words(replace(PEOPLE, above=2, for_s=0)) == "more than 2 people"
    assert rule_words(FlagRule(when="another-person", below=0.3)) == (
        "a face unlike the one of the check-in, in two of three comparisons (likeness below 0.3)"
    )


def test_no_explanation_blames() -> None:
    blame = {"cheat", "suspicious", "suspicion", "violation", "caught", "illegal", "dishonest", "!"}
    assert get_args(When) == WHENS
    for when in WHENS:
        rule = FlagRule(when=when, programs=("chatgpt",))
        flags = raised(
            policy(rule),
            pictures=snapshots(
                *[faces(2)] * 3,
                *[EMPTY] * 3,
                *[DARK] * 3,
                *[COVERED] * 3,
                FROZEN,
                *[like(0.1)] * 2,
                *[LOOPED] * 2,
            ),
            events=[
                event(),
                event(kind="gap", cause="network"),
                event(kind="gap", cause=""),
                event(kind="gap", cause="camera"),
                event(kind="notice", displays=2),
                event(kind="notice", program="chatgpt"),
                event(kind="fork"),
            ],
        )
        explanations = [flag.explanation for flag in flags if flag.when == when]
        assert explanations
        assert not [word for word in blame for said in explanations if word in said.lower()]


MEASURED = st.builds(
    Measured,
    faces=st.sampled_from([None, (), (FACE,), (FACE, FACE)]),
    light_mean=st.none() | st.floats(0, 255),
    contrast=st.none() | st.floats(0, 20),
    change=st.none() | st.floats(0, 5),
    repeat=st.none() | st.floats(0, 5),
    same_person=st.none() | st.floats(-1, 1),
    dark=st.none() | st.booleans(),
    covered=st.none() | st.booleans(),
    frozen=st.none() | st.booleans(),
    looped=st.none() | st.booleans(),
)
ABOUT_PICTURES = st.builds(
    FlagRule,
    when=st.sampled_from(sorted(PICTURES)),
    above=st.integers(1, 2),
    below=st.none() | st.floats(0, 1),
)


@given(st.lists(ABOUT_PICTURES, max_size=3), st.lists(MEASURED, max_size=12))
def test_pictures_that_no_rule_is_about_raise_nothing(
    rules: list[FlagRule], seen: list[Measured]
) -> None:
    of = policy(*rules)
    calm = [each for each in seen if not is_about(of, each)]
    assert raised(of, pictures=snapshots(*calm)) == ()
