"""The timeline of a session: all that happened in it, by the server's clock.

Staff read it to review; the learner reads the same after the end.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta

from proctor.domain.exam import Exam
from proctor.domain.flag_words import decided_words
from proctor.domain.flags import Flag
from proctor.domain.help import MAX_MESSAGE_CHARS
from proctor.domain.observation import Observation
from proctor.domain.review import Verdict
from proctor.domain.session import ExamSession, is_late
from proctor.evidence.record import Kind
from proctor.services.device_time import Dated, dated
from proctor.services.journal import erased, milliseconds
from proctor.services.ports import Published, Received, Store
from proctor.services.results import sections_of_items
from proctor.services.tiles import waits_for_answer
from proctor.services.views import ActView, act_views

# Causes of what could not be measured, in one session: a device could make up many.
MOST_UNAVAILABLE = 5
# Times told of one answer: a key pressed once a second for half an hour.
MOST_SAVES_TOLD = 2000
# Of a session that goes on, the newest of each kind: whoever has it open asks for it again and
# again.
MOST_OF_STORY = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationView:
    faces: list[tuple[float, ...]] | None  # x, y, width, height in pixels, score
    dark: bool | None
    covered: bool | None
    frozen: bool | None
    light_mean: float | None
    unavailable: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnavailableView:
    """What could not be measured in pictures that were looked at."""

    why: str  # "faces: the model yunet is not there", "picture: the picture ends early"
    snapshots: int  # in how many


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotView:
    device: str
    seq: int
    at_ms: int
    sha256: str
    type: str
    blob: str  # "held", "owed" or "erased"
    purpose: str
    observation: ObservationView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefView:
    device: str
    seq: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagView:
    flag: str
    rule: str
    flag_class: str
    severity: float
    started_at_ms: int
    ended_at_ms: int
    times: int  # it went on, so often by itself
    lasted_ms: int  # all its times together
    section: str
    measurement: str
    value: float | None
    threshold: float | None
    explanation: str
    snapshots: list[RefView]
    snapshot_count: int
    policy_sha256: str
    models: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GapView:
    device: str
    seq: int
    cause: str
    of: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerView:
    section: str
    item: str
    saved: int  # how often
    last_at_ms: int
    late: bool  # the last one came when the section was not open
    at_ms: list[int]  # when it was saved, each time; the last MOST_SAVES_TOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """What the learner wrote to a proctor."""

    device: str
    seq: int
    at_ms: int
    topic: str  # "question", "hand", "fault", or whatever a device made of it
    text: str
    raised: bool | None  # of a hand: up or down; None for any other


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryMessage(MessageView):
    waits: bool  # for an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What proctors go by while a session goes on, beside its view: each kind by time."""

    messages: list[StoryMessage]
    flags: list[FlagView]  # each with the first of its snapshots
    gaps: list[GapView]
    acts: list[ActView]
    cut: bool  # there were more than MOST_OF_STORY of a kind, and these are the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamView:
    id: str
    title: str


@dataclass(slots=True, kw_only=True)
class Happened:
    """What the records of a session's devices tell, each kind by time."""

    snapshots: list[SnapshotView] = field(default_factory=list)
    gaps: list[GapView] = field(default_factory=list)
    answers: list[AnswerView] = field(default_factory=list)
    messages: list[MessageView] = field(default_factory=list)
    unavailable: list[UnavailableView] = field(default_factory=list)


async def happened(store: Store, session: ExamSession, exam: Exam) -> Happened:
    """Return what the devices of a session recorded."""
    rows = _Rows(
        received=[
            await store.received(session.id, device.id)
            for device in await store.devices(session.id)
        ],
        observations=await store.observations(session.id),
        held=await store.held(session.id),
        server_lines=await store.server_lines(session.id),
    )
    # Thousands of records are parsed: everybody else's exam goes on meanwhile.
    return await asyncio.to_thread(_read, session, exam, rows)


async def story(store: Store, session: ExamSession, published: Published) -> Story:
    """Return what has happened so far in a session, for whoever helps its learner."""
    received = [
        await store.received(session.id, device.id) for device in await store.devices(session.id)
    ]
    flags = sorted(await store.flags(session.id), key=lambda each: each.started_at)
    messages, gaps = await asyncio.to_thread(_told, session, received)
    counts = (len(messages), len(gaps), len(flags))
    return Story(
        messages=messages[-MOST_OF_STORY:],
        flags=[_with_one_picture(each) for each in flags[-MOST_OF_STORY:]],
        gaps=gaps[-MOST_OF_STORY:],
        acts=act_views(session, published, session.acts, staff=True),
        cut=max(counts) > MOST_OF_STORY,
    )


def _told(
    session: ExamSession, received: Iterable[Sequence[Received]]
) -> tuple[list[StoryMessage], list[GapView]]:
    messages, gaps = [], []
    for batches in received:
        for each in dated(batches, {Kind.MESSAGE, Kind.GAP}):
            if each.record.kind is Kind.GAP:
                gaps.append(_gap(each))
            else:
                waits = waits_for_answer(session, each.record, each.received_at)
                messages.append(StoryMessage(**asdict(_message(each)), waits=waits))
    messages.sort(key=lambda each: each.at_ms)
    gaps.sort(key=lambda each: each.from_ms)
    return messages, gaps


def _with_one_picture(flag: Flag) -> FlagView:
    shown = flag_view(flag)
    return replace(shown, snapshots=shown.snapshots[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    received: Sequence[Sequence[Received]]  # of each device
    observations: Sequence[Observation]
    held: Mapping[str, int]
    server_lines: Sequence[bytes]


def _read(session: ExamSession, exam: Exam, rows: _Rows) -> Happened:
    found = Happened()
    seen = {(each.device, each.seq): each for each in rows.observations}
    gone = erased(rows.server_lines)
    answers: dict[tuple[str, str], AnswerView] = {}
    sections = sections_of_items(exam)
    for received in rows.received:
        for each in dated(received):
            record = each.record
            match record.kind:
                case Kind.SNAPSHOT:
                    observation = seen.get((record.device, record.seq))
                    found.snapshots.append(_snapshot(each, observation, rows.held, gone))
                case Kind.GAP:
                    found.gaps.append(_gap(each))
                case Kind.MESSAGE:
                    found.messages.append(_message(each))
                case Kind.ANSWER if section := sections.get(str(record.facts.get("item"))):
                    late = is_late(session, section, received_at=each.received_at)
                    _count(answers, section, each, late=late)
                case _:
                    pass
    found.snapshots.sort(key=lambda each: each.at_ms)
    found.gaps.sort(key=lambda each: each.from_ms)
    found.messages.sort(key=lambda each: each.at_ms)
    found.answers = list(answers.values())
    found.unavailable = _unavailable(rows.observations)
    return found


def flag_view(flag: Flag, decision: Verdict | None = None) -> FlagView:
    """Return a flag as it is shown; `decision` is that on its session, once there is one."""
    return FlagView(
        flag=flag.id,
        rule=flag.rule,
        flag_class=str(flag.flag_class),
        severity=flag.severity,
        started_at_ms=milliseconds(flag.started_at),
        ended_at_ms=milliseconds(flag.ended_at),
        times=flag.times,
        lasted_ms=flag.lasted // timedelta(milliseconds=1),
        section=flag.section_id,
        measurement=flag.measurement,
        value=flag.value,
        threshold=flag.threshold,
        explanation=explained(flag, decision),
        snapshots=[
            RefView(device=ref.device, seq=ref.seq, sha256=ref.sha256) for ref in flag.snapshots
        ],
        snapshot_count=flag.snapshot_count,
        policy_sha256=flag.policy_sha256,
        models=[f"{model.name} {model.version}".strip() for model in flag.models],
    )


def explained(flag: Flag, decision: Verdict | None) -> str:
    """Return a flag's explanation: nobody will look any more at what was decided."""
    if decision is None:
        return flag.explanation
    return decided_words(flag.explanation, judged=flag.id in dict(decision.flags))


def _snapshot(
    dated: Dated,
    observation: Observation | None,
    held: Mapping[str, int],
    gone: frozenset[str],
) -> SnapshotView:
    record = dated.record
    digest = record.blob.sha256 if record.blob else ""
    state = "held" if digest in held else "erased" if digest in gone else "owed"
    return SnapshotView(
        device=record.device,
        seq=record.seq,
        at_ms=milliseconds(dated.written_at),
        sha256=digest,
        type=record.blob.type if record.blob else "",
        blob=state,
        purpose=str(record.facts.get("purpose", "")),
        observation=_observation(observation),
    )


def _unavailable(seen: Iterable[Observation]) -> list[UnavailableView]:
    causes = Counter(why for each in seen for why in each.measured.unavailable)
    return [
        UnavailableView(why=why, snapshots=count)
        for why, count in causes.most_common(MOST_UNAVAILABLE)
    ]


def _observation(observation: Observation | None) -> ObservationView | None:
    if observation is None:
        return None
    measured = observation.measured
    faces = measured.faces
    return ObservationView(
        faces=None
        if faces is None
        else [(face.x, face.y, face.width, face.height, face.score) for face in faces],
        dark=measured.dark,
        covered=measured.covered,
        frozen=measured.frozen,
        light_mean=measured.light_mean,
        unavailable=list(measured.unavailable),
    )


def _gap(dated: Dated) -> GapView:
    record, facts = dated.record, dated.record.facts
    times = [facts.get(key) for key in ("from_ms", "to_ms")]
    start, end = (dated.at(each if type(each) is int else record.at_ms) for each in times)
    return GapView(
        device=record.device,
        seq=record.seq,
        cause=str(facts.get("cause", "")),
        of=str(facts.get("of", "")),
        from_ms=milliseconds(start),
        to_ms=milliseconds(end),
    )


def _message(dated: Dated) -> MessageView:
    record, facts = dated.record, dated.record.facts
    raised = facts.get("raised")
    return MessageView(
        device=record.device,
        seq=record.seq,
        at_ms=milliseconds(dated.written_at),
        topic=str(facts.get("topic", ""))[:MAX_MESSAGE_CHARS],
        text=str(facts.get("text", ""))[:MAX_MESSAGE_CHARS],
        raised=raised if isinstance(raised, bool) else None,
    )


def _count(
    answers: dict[tuple[str, str], AnswerView], section: str, dated: Dated, *, late: bool
) -> None:
    item = str(dated.record.facts.get("item"))
    at_ms = milliseconds(dated.written_at)
    before = answers.get((section, item))
    if before is None:
        answers[section, item] = AnswerView(
            section=section, item=item, saved=1, last_at_ms=at_ms, late=late, at_ms=[at_ms]
        )
        return
    before.at_ms.append(at_ms)
    if len(before.at_ms) > MOST_SAVES_TOLD:
        before.at_ms.pop(0)
    answers[section, item] = replace(before, saved=before.saved + 1, last_at_ms=at_ms, late=late)
