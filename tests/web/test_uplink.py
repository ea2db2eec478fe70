"""The uplink over real sockets: what is sent again, late, twice, wrong, or to a full disk."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from hashlib import sha256
from threading import Event
from typing import Any

import aiohttp
import pytest

from proctor.adapters.writer import Writer
from proctor.evidence.batch import MAX_BATCH_BYTES, MAX_RECORDS, join, seal
from proctor.evidence.note import Checkpoint, Note, VerifierKey, open_cosignature, sign_checkpoint
from proctor.evidence.record import MAX_RECORD_BYTES, Kind
from proctor.evidence.tree import Frontier, leaf_hash
from proctor.services.intake import MAX_OWED, Line
from proctor.services.logins import StaffRole
from proctor.web import uplink as uplinks
from tests.conftest import OpenServer, Server, StillClock, check_in_read, full_disk, until
from tests.device import JPEG, Device, Log


def digest_of(blob: bytes) -> str:
    return sha256(blob).hexdigest()


@asynccontextmanager
async def joined(server: Server, **invitation: Any) -> AsyncIterator[Device]:
    """A device that has joined and opened its uplink."""
    invited = await server.invite(**invitation)
    async with aiohttp.ClientSession(server.url) as http, Device(http) as device:
        await device.join(invited["join_token"])
        await device.connect()
        yield device


@pytest.fixture
async def device(server: Server) -> AsyncIterator[Device]:
    async with joined(server) as device:
        yield device


@pytest.fixture
async def running(device: Device) -> Device:
    """A device whose learner is in the first section."""
    await device.check_in()
    await device.open("part-a")
    return device


def snapshot(device: Device, picture: bytes) -> bytes:
    return device.add(Kind.SNAPSHOT, blob=picture, purpose="periodic")


def code_of(answer: dict[str, Any]) -> str:
    assert answer["type"] == "problem", answer
    return str(answer["problem"]["type"]).removeprefix("urn:proctor:problem:")


def rewound(device: Device, size: int) -> None:
    """Let the device forget its newest records: what it adds now is another history."""
    lines = device.log.lines[:size]
    device.log = Log(lines, Frontier().extended(map(leaf_hash, lines)))


async def timeline(server: Server, session: str) -> dict[str, Any]:
    proctor = await server.as_staff(StaffRole.PROCTOR)
    async with proctor.get(f"/api/v1/sessions/{session}/timeline") as response:
        found: dict[str, Any] = await response.json()
        assert response.status == 200, found
        return found


async def server_records(server: Server, device: Device, kind: Kind) -> list[dict[str, Any]]:
    lines = await server.store.server_lines(device.joined["session"])
    return [each for each in map(json.loads, lines) if each["kind"] == kind]


async def test_a_page_opens_its_uplink_by_subprotocol(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    token = device.joined["device_token"]
    await device.hang_up()
    asked = ["proctor-uplink", f"proctor-token.{token}"]
    device.socket = await device.http.ws_connect("/api/v1/uplink", protocols=asked)
    assert device.socket.protocol == "proctor-uplink"
    assert (await device.hear("welcome"))["size"] == 0
    assert (await device.send([device.hello()]))["type"] == "receipt"
    assert token not in caplog.text


@pytest.mark.parametrize("asked", [["proctor-token.{}"], ["x", "proctor-token.{}"]])
async def test_a_token_that_is_asked_for_with_no_uplink_is_logged_nowhere(
    device: Device, asked: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    token = device.joined["device_token"]
    with pytest.raises(aiohttp.WSServerHandshakeError) as no:
        await device.http.ws_connect(
            "/api/v1/uplink", protocols=[each.format(token) for each in asked]
        )
    assert no.value.status == 400
    assert token not in caplog.text


# --- sent again ----------------------------------------------------------------------------------


async def test_the_welcome_says_where_the_log_ends(server: Server, device: Device) -> None:
    assert device.welcome["size"] == 0
    assert device.welcome["root"] == Frontier().root().hex()
    assert device.welcome["owed"] == []
    assert device.welcome["state"] == "check-in"
    assert device.welcome["now_ms"] == int(server.clock.now().timestamp() * 1000)
    await device.send([device.hello()])
    welcome = await device.connect()
    assert welcome["size"] == 1
    assert welcome["root"] == device.log.frontier.root().hex()


async def test_a_receipt_is_the_device_s_own_note_cosigned_with_its_time(
    server: Server, device: Device
) -> None:
    answer = await device.send([device.hello()])
    note = Note.parse(answer["note"].encode())
    key = VerifierKey.parse(device.joined["server_keys"][0])
    assert open_cosignature(note, key) == int(server.clock.now().timestamp())
    assert Checkpoint.parse(note.text).root == device.log.frontier.root()
    assert answer["size"] == 1


async def test_the_same_batch_again_gives_the_same_receipt_and_adds_nothing(
    server: Server, device: Device
) -> None:
    first = await device.send([device.hello()])
    message = device.batch([snapshot(device, JPEG)], [JPEG])
    receipt = await device.send_raw(message)
    server.clock.pass_(5)
    assert await device.send_raw(message) == receipt
    assert receipt != first
    received = await server.store.received(device.joined["session"], "d_test")
    assert [len(each.lines) for each in received] == [1, 1]


async def test_after_a_lost_answer_the_same_bytes_bring_the_receipt(device: Device) -> None:
    message = device.batch([device.hello()])
    assert device.socket is not None
    await device.socket.send_bytes(message)
    await device.hang_up()  # and the answer is lost
    await until(lambda: _size_on_return(device, 1))
    receipt = await device.send_raw(message)
    assert receipt["type"] == "receipt"
    assert receipt["size"] == 1


async def _size_on_return(device: Device, size: int) -> bool:
    return bool((await device.connect())["size"] == size)


@asynccontextmanager
async def writer_busy(server: Server) -> AsyncIterator[None]:
    """Within the block nothing becomes durable: what a device sends meanwhile waits."""
    free = Event()
    job = asyncio.ensure_future(server.store.write(lambda _: free.wait(60)))
    try:
        yield
    finally:
        free.set()
        assert await job


async def send_while_busy(server: Server, device: Device, messages: list[bytes]) -> None:
    """Have the first message worked on while the others come."""
    read = 0
    next_of = aiohttp.web.WebSocketResponse.__anext__

    async def counted(socket: aiohttp.web.WebSocketResponse) -> aiohttp.WSMessage:
        nonlocal read
        message = await next_of(socket)
        read += 1
        return message

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aiohttp.web.WebSocketResponse, "__anext__", counted)
        await device.hang_up()
        await device.connect()  # so that all that is read on this line is counted
        assert device.socket is not None
        async with writer_busy(server):
            await device.socket.send_bytes(messages[0])
            await until(lambda: _is(read == 1))
            for message in messages[1:]:
                await device.socket.send_bytes(message)
            await until(lambda: _is(read == len(messages)))


async def test_batches_that_wait_together_are_answered_by_one_receipt(
    server: Server, device: Device
) -> None:
    pictures = [JPEG + bytes([n]) for n in range(3)]
    messages = [device.batch([device.hello()])]
    messages += [device.batch([snapshot(device, each)], [each]) for each in pictures]
    await send_while_busy(server, device, messages)
    answers = [await device.hear("receipt", "problem") for _ in range(2)]
    assert [answer["size"] for answer in answers] == [1, 4]
    log = await server.store.device_log(device.joined["session"], device.key.name)
    assert log.frontier == device.log.frontier
    note = Note.parse(answers[1]["note"].encode())
    assert Checkpoint.parse(note.text).root == device.log.frontier.root()
    for picture in pictures:
        assert await server.store.blob(device.joined["session"], digest_of(picture)) == picture


async def test_among_batches_that_wait_a_false_one_is_refused_alone(
    server: Server, device: Device
) -> None:
    messages = [device.batch([device.hello()])]
    good = device.batch([device.add(Kind.ANSWER, item="x")])
    flipped = bytearray(device.batch([device.log.lines[1]]))
    flipped[-20] ^= 1
    await send_while_busy(server, device, [*messages, good, bytes(flipped), b"no batch", good])
    answers = [await device.hear("receipt", "problem") for _ in range(5)]
    assert [answer.get("size") or code_of(answer) for answer in answers[:2]] == [1, 2]
    assert answers[2]["type"] == "problem"
    assert code_of(answers[3]) == "malformed-batch"
    assert answers[4] == answers[1]


async def test_a_bug_of_the_server_s_ends_the_line_instead_of_leaving_it_unanswered(
    monkeypatch: pytest.MonkeyPatch, device: Device
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(Line, "take", broken)
    assert device.socket is not None
    await device.socket.send_bytes(device.batch([device.hello()]))
    assert (await device.socket.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
    assert device.socket.close_code == 1011


async def test_a_batch_sent_again_among_others_that_wait_is_answered_as_before(
    server: Server, device: Device
) -> None:
    first = device.batch([device.hello()])
    second = device.batch([device.add(Kind.ANSWER, item="x")])
    await send_while_busy(server, device, [first, first, second])
    sizes = [(await device.hear("receipt", "problem"))["size"] for _ in range(3)]
    assert sizes == [1, 1, 2]


async def test_pictures_alone_among_batches_that_wait_have_an_answer_of_their_own(
    server: Server, device: Device
) -> None:
    messages = [
        device.batch([device.hello()]),
        device.batch([snapshot(device, JPEG)]),
        device.batch([], [JPEG]),
        device.batch([device.add(Kind.ANSWER, item="x")]),
    ]
    await send_while_busy(server, device, messages)
    answers = [await device.hear("receipt", "held", "problem") for _ in messages]
    assert [answer.get("size", answer["type"]) for answer in answers] == [1, 2, "held", 3]


async def test_a_batch_after_a_hole_is_told_where_to_go_on(device: Device) -> None:
    await device.send([device.hello()])
    lost = device.add(Kind.ANSWER, item="x")
    later = device.add(Kind.ANSWER, item="y")
    answer = await device.send([later])
    assert answer["type"] == "resume"
    assert answer["size"] == 1
    assert answer["root"] == Frontier().extended([leaf_hash(device.log.lines[0])]).root().hex()
    assert (await device.send([lost, later]))["size"] == 3


async def test_records_cut_into_other_batches_than_before_are_taken_from_the_server_s_end(
    device: Device,
) -> None:
    """A device that lost its receipts may pack anew: nothing of that looks like a fork."""
    lines = [device.hello(), *[device.add(Kind.ANSWER, item="x", n=n) for n in range(3)]]
    await device.send(lines)
    rewound(device, 2)
    answer = await device.send(lines[1:2])
    assert (answer["type"], answer["size"]) == ("resume", 4)
    # One that reaches over the end.
    for line in lines[2:]:
        device.log.lines.append(line)
        device.log.frontier = device.log.frontier.extended([leaf_hash(line)])
    more = device.add(Kind.ANSWER, item="more")
    answer = await device.send([lines[3], more])
    assert (answer["type"], answer["size"]) == ("resume", 4)
    assert (await device.send([more]))["size"] == 5


# --- forks ---------------------------------------------------------------------------------------


async def test_a_fork_is_refused_written_once_and_flagged(server: Server, running: Device) -> None:
    device = running
    size = device.log.frontier.size
    await device.answer("part-a", "two-dice", "a")
    honest = device.log
    rewound(device, size)
    for _ in range(2):
        forged = device.add(Kind.ANSWER, section="part-a", item="two-dice", response="b")
        assert code_of(await device.send([forged])) == "fork"
        rewound(device, size)
    await device.hang_up()

    (fork,) = await server_records(server, device, Kind.FORK)
    one, other = (Checkpoint.parse(Note.parse(n.encode()).text) for n in fork["notes"])
    assert (one.origin, one.size) == (other.origin, other.size)
    assert one.root == honest.frontier.root() != other.root

    async def flagged() -> Any:
        return (await timeline(server, device.joined["session"]))["flags"]

    (flag,) = await until(flagged)
    assert flag["flag"].startswith("log-fork.")
    assert flag["section"] == "part-a"
    # The history that was receipted goes on.
    device.log = honest
    await device.connect()
    assert (await device.answer("part-a", "two-dice", "c"))["size"] == size + 2


async def test_a_fork_before_any_section_is_flagged_when_the_first_one_is_open(
    server: Server, device: Device
) -> None:
    await device.check_in()
    honest = device.log
    rewound(device, 2)
    assert code_of(await device.send([snapshot(device, JPEG)])) == "fork"
    device.log = honest
    server.clock.pass_(5)
    await device.open("part-a")
    await device.send([device.add(Kind.FOCUS, away_to="", from_ms=0, to_ms=0)])

    async def flagged() -> Any:
        return (await timeline(server, device.joined["session"]))["flags"]

    (flag,) = await until(flagged)
    assert (flag["measurement"], flag["section"]) == ("fork", "part-a")


async def test_a_fork_after_the_last_section_is_flagged(server: Server, running: Device) -> None:
    device = running
    server.clock.pass_(5)
    await device.call("POST", "/api/v1/session/sections/part-a/close")
    size = device.log.frontier.size
    await device.answer("part-a", "two-dice", "a")
    server.clock.pass_(60)
    rewound(device, size)
    assert code_of(await device.answer("part-a", "two-dice", "b")) == "fork"

    async def flagged() -> Any:
        return (await timeline(server, device.joined["session"]))["flags"]

    assert [each["measurement"] for each in await until(flagged)] == ["fork"]


async def test_another_history_at_a_size_that_was_never_receipted_is_refused(
    server: Server, device: Device
) -> None:
    await device.send([device.hello(), device.add(Kind.ANSWER, item="x")])
    device.log = Log()
    # Two notes at one size would be needed to show a fork; this is a log that is not held.
    device.at_ms += 1
    assert code_of(await device.send([device.hello()])) == "inconsistent"
    assert await server_records(server, device, Kind.FORK) == []


# --- blobs ---------------------------------------------------------------------------------------


async def test_a_picture_may_come_later_than_its_record(server: Server, device: Device) -> None:
    await device.send([device.hello()])
    picture = JPEG + b"late"
    answer = await device.send([snapshot(device, picture)])
    assert answer["owed"] == [digest_of(picture)]
    assert (await device.connect())["owed"] == [digest_of(picture)]
    assert await device.send([], [picture]) == {"type": "held", "sha256": [digest_of(picture)]}
    assert await server.store.blob(device.joined["session"], digest_of(picture)) == picture
    assert (await device.connect())["owed"] == []


async def test_a_picture_may_come_with_a_later_batch(device: Device) -> None:
    await device.send([device.hello()])
    await device.send([snapshot(device, JPEG)])
    answer = await device.send([device.add(Kind.ANSWER, item="x")], [JPEG])
    assert answer["type"] == "receipt"
    assert answer["owed"] == []


async def test_a_picture_sent_twice_is_held_once_and_said_to_be_held(
    server: Server, device: Device
) -> None:
    await device.send([device.hello()])
    await device.send([snapshot(device, JPEG)], [JPEG])
    held = {"type": "held", "sha256": [digest_of(JPEG)]}
    assert await device.send([], [JPEG]) == held
    assert await device.send([], [JPEG, JPEG]) == held
    assert list(await server.store.held(device.joined["session"])) == [digest_of(JPEG)]


@pytest.mark.parametrize(
    "together", [pytest.param(True, id="in one batch"), pytest.param(False, id="in two batches")]
)
@pytest.mark.parametrize(
    "late", [pytest.param(False, id="with it"), pytest.param(True, id="before it")]
)
async def test_a_picture_that_two_records_name_is_looked_at_for_both(
    server: Server, device: Device, together: bool, late: bool
) -> None:
    """A camera that stands still gives the same bytes twice: both moments count."""
    await device.send([device.hello()])
    lines = [snapshot(device, JPEG)]
    if not together:
        await device.send(lines, [] if late else [JPEG])
        lines = []
    lines.append(snapshot(device, JPEG))
    answer = await device.send(lines, [] if late else [JPEG])
    if late:
        assert answer["owed"] == [digest_of(JPEG)]
        await device.send([], [JPEG])

    async def seen() -> bool:
        shown = (await timeline(server, device.joined["session"]))["snapshots"]
        return all(each["blob"] == "held" and each["observation"] for each in shown)

    await until(seen)


async def test_a_picture_no_record_names_is_refused(server: Server, device: Device) -> None:
    await device.send([device.hello()])
    assert code_of(await device.send([], [JPEG])) == "blob-mismatch"
    line = snapshot(device, JPEG)
    assert code_of(await device.send([line], [JPEG + b"!"])) == "blob-mismatch"
    assert await server.store.held(device.joined["session"]) == {}
    # Nothing of the batch was stored; without the foreign picture it is welcome.
    assert (await device.send([line], [JPEG]))["size"] == 2


async def test_one_picture_named_with_two_sizes_is_refused(device: Device) -> None:
    """A bundle with both would verify for nobody."""
    await device.send([device.hello()])
    await device.send([snapshot(device, JPEG)], [JPEG])
    line = snapshot(device, JPEG)
    forged = line.replace(b'"size":%d' % len(JPEG), b'"size":%d' % (len(JPEG) + 1))
    rewound(device, 2)
    device.log.lines.append(forged)
    device.log.frontier = device.log.frontier.extended([leaf_hash(forged)])
    assert code_of(await device.send([forged])) == "blob-mismatch"


async def test_who_owes_too_many_pictures_delivers_some_first(device: Device) -> None:
    await device.send([device.hello()])
    pictures = [JPEG + b"%d" % n for n in range(MAX_OWED + 1)]
    lines = [snapshot(device, picture) for picture in pictures]
    full = device.log
    answer: dict[str, Any] = {}
    for at in range(0, MAX_OWED, MAX_RECORDS):
        rewound_to = at + MAX_RECORDS + 1
        device.log = Log(
            full.lines[:rewound_to],
            Frontier().extended(map(leaf_hash, full.lines[:rewound_to])),
        )
        answer = await device.send(lines[at : at + MAX_RECORDS])
    assert answer["type"] == "receipt"
    assert len(answer["owed"]) == 256
    device.log = full
    refused = await device.send(lines[-1:])
    assert code_of(refused) == "too-many-owed"
    assert refused["problem"]["at_most"] == MAX_OWED
    await device.send([], pictures[:1])
    assert (await device.send(lines[-1:]))["size"] == MAX_OWED + 2


# --- wrong ---------------------------------------------------------------------------------------


def _over_size(device: Device) -> bytes:
    line = device.add(Kind.ANSWER, item="x", response="a" * 60_000)
    long = line[:-2] + b"a" * (MAX_RECORD_BYTES - len(line) + 1) + line[-2:]
    assert len(long) == MAX_RECORD_BYTES + 1
    return _sealed_anew(device, long)


def _line_break(device: Device) -> bytes:
    line = device.add(Kind.ANSWER, item="x", response="a b")
    return _sealed_anew(device, line.replace(b"a b", b"a\rb"))


def _other_session(device: Device) -> bytes:
    line = device.add(Kind.ANSWER, item="x")
    own = device.joined["session"].encode()
    return _sealed_anew(device, line.replace(own, b"s_" + b"a" * (len(own) - 2)))


def _other_place(device: Device) -> bytes:
    return _sealed_anew(device, device.add(Kind.ANSWER, item="x").replace(b'seq":1', b'seq":7'))


def _server_s_kind(device: Device) -> bytes:
    line = device.add(Kind.ANSWER, item="x").replace(b'"kind":"answer"', b'"kind":"verdict"')
    return _sealed_anew(device, line)


def _second_hello(device: Device) -> bytes:
    return device.batch([device.hello()])


def _other_key(device: Device) -> bytes:
    other = Device(device.http)
    line = device.add(Kind.ANSWER, item="x")
    return seal(
        lines=[line],
        blobs=[],
        frontier=device.log.frontier,
        origin=device.joined["origin"],
        key=other.key,
    )


def _other_origin(device: Device) -> bytes:
    line = device.add(Kind.ANSWER, item="x")
    origin = device.joined["origin"].replace("proctor.test", "proctor.evil")
    return seal(lines=[line], blobs=[], frontier=device.log.frontier, origin=origin, key=device.key)


def _other_tree(device: Device) -> bytes:
    line = device.add(Kind.ANSWER, item="x")
    checkpoint = Checkpoint(device.joined["origin"], 2, b"r" * 32)
    return join(lines=[line], note=sign_checkpoint(checkpoint, device.key), blobs=[])


def _false_beat(device: Device) -> bytes:
    return device.batch([device.add(Kind.BEAT, size=1, root="0" * 64)])


def _beat_of_the_future(device: Device) -> bytes:
    return device.batch([device.add(Kind.BEAT, size=999, root="0" * 64)])


def _answer_that_never_was(device: Device) -> bytes:
    answers = [{"item": "two-dice", "seq": 0, "sha256": "0" * 64}]
    return device.batch([device.add(Kind.SUBMISSION, answers=answers)])


def _another_answer(device: Device) -> bytes:
    line = device.add(Kind.ANSWER, item="x")
    answers = [{"item": "two-dice", "seq": 1, "sha256": digest_of(line)}]
    return device.batch([line, device.add(Kind.SUBMISSION, answers=answers)])


def _no_answers(device: Device) -> bytes:
    return device.batch([device.add(Kind.SUBMISSION, answers="all")])


def _no_batch(_device: Device) -> bytes:
    return b"hello"


def _invalid_utf8(device: Device) -> bytes:
    line = device.add(Kind.ANSWER, item="x", response="word")
    return _sealed_anew(device, line.replace(b"word", b"\xff\xfe"))


def _sealed_anew(device: Device, line: bytes) -> bytes:
    device.log.lines[-1] = line
    before = device.log.lines[:-1]
    device.log.frontier = Frontier().extended(map(leaf_hash, [*before, line]))
    return device.batch([line])


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        pytest.param(_over_size, "malformed-record", id="a record over 64 KiB"),
        pytest.param(_line_break, "malformed-record", id="a line break in a record"),
        pytest.param(_invalid_utf8, "malformed-record", id="bytes that are no text"),
        pytest.param(_server_s_kind, "malformed-record", id="a verdict by the learner"),
        pytest.param(_other_session, "out-of-place", id="a record of another session"),
        pytest.param(_other_place, "out-of-place", id="a record of another place"),
        pytest.param(_second_hello, "bad-hello", id="a second hello"),
        pytest.param(_other_key, "bad-signature", id="another key"),
        pytest.param(_other_origin, "wrong-origin", id="another server's log"),
        pytest.param(_other_tree, "inconsistent", id="another tree"),
        pytest.param(_false_beat, "false-claim", id="a root the server's log never had"),
        pytest.param(_beat_of_the_future, "false-claim", id="a length it never had"),
        pytest.param(_answer_that_never_was, "false-claim", id="an answer that never was"),
        pytest.param(_another_answer, "false-claim", id="another item's answer"),
        pytest.param(_no_answers, "false-claim", id="answers that are no list"),
        pytest.param(_no_batch, "malformed-batch", id="no batch"),
    ],
)
async def test_what_cannot_be_believed_is_refused_and_loses_nothing(
    server: Server, device: Device, wrong: Callable[[Device], bytes], code: str
) -> None:
    await device.send([device.hello()])
    assert code_of(await device.send_raw(wrong(device))) == code
    received = await server.store.received(device.joined["session"], "d_test")
    assert sum(len(each.lines) for each in received) == 1
    # The line is open still, and what is right is taken.
    rewound(device, 1)
    assert (await device.send([device.add(Kind.ANSWER, item="x")]))["size"] == 2


async def test_a_newline_in_a_record_makes_two_lines_that_do_not_follow(
    server: Server, device: Device
) -> None:
    await device.send([device.hello()])
    line = device.add(Kind.ANSWER, item="x", response="a b")
    answer = await device.send_raw(_sealed_anew(device, line.replace(b"a b", b"a\nb")))
    assert (answer["type"], answer["size"]) == ("resume", 1)
    received = await server.store.received(device.joined["session"], "d_test")
    assert sum(len(each.lines) for each in received) == 1


async def test_a_log_does_not_begin_without_its_hello(device: Device) -> None:
    assert code_of(await device.send([device.add(Kind.ANSWER, item="x")])) == "bad-hello"
    rewound(device, 0)
    device.joined = {**device.joined, "policy_sha256": "0" * 64}
    assert code_of(await device.send([device.hello()])) == "bad-hello"


async def test_a_submission_may_come_with_the_answers_it_names(running: Device) -> None:
    """After an outage they come in one batch."""
    answer = running.add(Kind.ANSWER, section="part-a", item="two-dice", response="a")
    seq = running.log.frontier.size - 1
    named = [{"item": "two-dice", "seq": seq, "sha256": digest_of(answer)}]
    submission = running.add(Kind.SUBMISSION, answers=named)
    assert (await running.send([answer, submission]))["type"] == "receipt"


async def test_a_beat_that_is_true_is_taken(device: Device) -> None:
    await device.send([device.hello()])
    log = device.welcome["server_log"]
    beat = device.add(Kind.BEAT, size=log["size"], root=log["root"])
    assert (await device.send([beat]))["type"] == "receipt"


async def test_text_closes_the_line(device: Device) -> None:
    assert device.socket is not None
    await device.socket.send_str("hello")
    message = await device.socket.receive(timeout=60)
    assert message.type is aiohttp.WSMsgType.CLOSE
    assert (device.socket.close_code, message.extra) == (1003, "batches are binary")


async def test_a_message_over_the_bound_is_refused_unread(device: Device) -> None:
    await device.send([device.hello()])
    assert device.socket is not None
    with suppress(ConnectionError):  # it may hang up before all has left
        await device.socket.send_bytes(b"x" * (MAX_BATCH_BYTES + 1024 * 1024))
    message = await device.socket.receive(timeout=60)
    assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    assert device.socket.close_code in {1009, 1006}
    assert (await device.connect())["size"] == 1


async def test_a_plain_get_is_told_that_this_speaks_websocket(device: Device) -> None:
    headers = {"Authorization": f"Bearer {device.joined['device_token']}"}
    async with device.http.get("/api/v1/uplink", headers=headers) as response:
        assert response.status == 400
        assert response.content_type == "application/problem+json"


# --- several lines, and ends ---------------------------------------------------------------------


async def test_of_two_lines_of_one_device_only_the_newer_takes_batches(
    server: Server, device: Device
) -> None:
    await device.send([device.hello()])
    older = device.socket
    await device.connect()
    newer = device.socket
    device.socket = older
    assert code_of(await device.send([device.add(Kind.ANSWER, item="x")])) == "superseded"
    assert older is not None
    assert (await older.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
    device.socket = newer
    assert (await device.send(device.log.lines[1:]))["size"] == 2
    # The end of the older line is no loss of contact.
    case = await server.store.case(device.joined["session"])
    assert case.session.lost_at is None


async def test_after_the_learner_handed_in_nothing_more_is_taken(running: Device) -> None:
    late = JPEG + b"late"
    await running.send([snapshot(running, late)])
    await running.submit()
    message = running.batch(running.log.lines[-1:])
    line = running.add(Kind.ANSWER, section="part-a", item="two-dice", response="b")
    refused = await running.send([line])
    assert code_of(refused) == "session-closed"
    assert refused["problem"]["state"] == "submitted"
    welcome = await running.connect()
    assert welcome["state"] == "submitted"
    # What was stored before is receipted again, and a picture that was owed is welcome still.
    assert (await running.send_raw(message))["type"] == "receipt"
    held = await running.send([], [late])
    assert held == {"type": "held", "sha256": [digest_of(late)]}


async def test_what_comes_after_a_deadline_is_kept_and_marked_late(
    server: Server, running: Device
) -> None:
    await running.answer("part-a", "two-dice", "a")
    server.clock.pass_(31)
    await running.answer("part-a", "two-dice", "b")
    await running.answer("part-a", "independent", "true")
    shown = (await timeline(server, running.joined["session"]))["answers"]
    assert {each["item"]: (each["saved"], each["late"]) for each in shown} == {
        "two-dice": (2, True),
        "independent": (1, True),
    }


async def test_what_comes_after_a_proctor_s_end_is_kept_for_a_while_and_marked_late(
    server: Server, running: Device
) -> None:
    session = running.joined["session"]
    await server.terminate(session)
    while (await running.hear("session"))["session"]["state"] != "terminated":
        pass
    server.clock.pass_(1)
    assert (await running.answer("part-a", "two-dice", "a"))["type"] == "receipt"
    assert [each["late"] for each in (await timeline(server, session))["answers"]] == [True]
    server.clock.pass_(24 * 3600)
    assert code_of(await running.answer("part-a", "two-dice", "b")) == "session-closed"


async def test_a_device_is_told_of_what_changed_for_it_and_of_nothing_else(
    server: Server, running: Device
) -> None:
    path = f"/api/v1/sessions/{running.joined['session']}"
    proctor = await server.as_staff(StaffRole.PROCTOR)
    await check_in_read(server, running.joined["session"])  # what machines read is news, too

    async def does(what: str, body: dict[str, Any]) -> None:
        async with proctor.post(f"{path}/{what}", json=body) as response:
            assert response.status == 200, await response.text()

    await does("acts", {"act": "message", "note": "one"})
    while not (told := (await running.hear("session"))["session"])["acts"]:
        pass
    for _ in range(3):
        server.clock.pass_(1)
        await does("comments", {"at_ms": told["now_ms"], "text": "for staff alone"})
    await does("acts", {"act": "message", "note": "two"})
    told = (await running.hear("session"))["session"]
    assert [each["note"] for each in told["acts"]] == ["one", "two"]


# --- contact -------------------------------------------------------------------------------------


async def _ledger(device: Device) -> list[tuple[str, float, str]]:
    view = await device.call("GET", "/api/v1/session")
    return [(each["section"], each["seconds"], each["cause"]) for each in view["ledger"]]


async def _closes_at(device: Device) -> int:
    view = await device.call("GET", "/api/v1/session")
    return int(view["sections"][0]["closes_at_ms"])


async def lost(server: Server, device: Device) -> None:
    """Wait until the server has noticed that the device is gone."""

    async def noticed() -> bool:
        case = await server.store.case(device.joined["session"])
        return case.session.lost_at is not None

    await device.hang_up()
    await until(noticed)


async def test_time_without_contact_is_given_back(server: Server, running: Device) -> None:
    before = await _closes_at(running)
    await running.answer("part-a", "two-dice", "a")
    server.clock.pass_(10)
    await lost(server, running)
    server.clock.pass_(30)
    welcome = await running.connect()
    # From the last that was heard to the return: 10 s of silence and 30 s away.
    assert await _ledger(running) == [("part-a", 40.0, "outage")]
    assert await _closes_at(running) == before + 40_000
    assert welcome["session"]["ledger"][0]["seconds"] == 40
    times = await server_records(server, running, Kind.TIME)
    assert [(each["cause"], each["seconds"], each["by"]) for each in times] == [
        ("outage", 40, "clock")
    ]


async def test_a_deadline_that_passes_before_the_silence_is_noticed_moves(
    server: Server, running: Device
) -> None:
    """A cut cable is noticed by the heartbeat, seconds later; the sweeper may be faster."""
    await running.answer("part-a", "two-dice", "a")
    server.clock.pass_(20)
    await running.answer("part-a", "two-dice", "b")
    server.clock.pass_(12)  # the deadline was after 30 s
    await lost(server, running)
    server.clock.pass_(8)
    await running.connect()
    assert await _ledger(running) == [("part-a", 20.0, "outage")]
    await running.answer("part-a", "two-dice", "c")
    session = running.joined["session"]
    assert [each["late"] for each in (await timeline(server, session))["answers"]] == [False]


async def test_a_deadline_in_a_silence_not_noticed_yet_is_held_back(
    server: Server, running: Device
) -> None:
    """The last seconds of a section: the cut is noticed when the deadline has passed."""
    server.clock.pass_(22)
    await running.answer("part-a", "two-dice", "a")
    server.clock.pass_(9)  # the deadline was after 30 s
    found = await timeline(server, running.joined["session"])
    assert found["session"]["sections"][0]["state"] == "open"
    server.clock.pass_(6)
    await lost(server, running)
    server.clock.pass_(5)
    await running.connect()
    assert await _ledger(running) == [("part-a", 20.0, "outage")]


async def test_a_deadline_passes_in_silence_while_the_line_is_there(
    server: Server, running: Device
) -> None:
    """Nothing to say is no outage: the section closed when its time was up."""
    closes_at = await _closes_at(running)
    server.clock.pass_(60)
    found = await timeline(server, running.joined["session"])
    section = found["session"]["sections"][0]
    assert (section["state"], section["closed_at_ms"]) == ("closed", closes_at)


async def test_the_server_s_own_absence_is_given_back(
    open_server: OpenServer, tmp_path: Any
) -> None:
    """Down for a minute, past the deadline: the learner has the rest of the section still."""
    clock = StillClock()
    async with AsyncExitStack() as stack:
        first = await open_server(tmp_path / "data", clock)
        device = await stack.enter_async_context(joined(first))
        await device.check_in()
        # Or the server that is said to be dead would still note what it read.
        await check_in_read(first, device.joined["session"])
        await device.open("part-a")
        clock.pass_(20)
        await device.answer("part-a", "two-dice", "a")
        # Whoever reads has its row written; beside another server no segment is read.
        await first.store.device_log(device.joined["session"], "d_test")
        # As after a kill -9: nobody noted that contact was lost, and no time passes for the dead.
        later = StillClock()
        later.pass_(20 + 60)
        async with aiohttp.ClientSession() as http:
            second = await open_server(tmp_path / "data", later)
            back = Device(http)
            back.key, back.log, back.joined = device.key, device.log, device.joined
            back.http = await stack.enter_async_context(aiohttp.ClientSession(second.url))
            await back.connect()
            assert await _ledger(back) == [("part-a", 60.0, "outage")]
            later.pass_(9)
            await back.answer("part-a", "two-dice", "b")
            shown = await timeline(second, device.joined["session"])
            assert [each["late"] for each in shown["answers"]] == [False]
            await back.hang_up()


async def test_a_server_that_stops_says_good_bye(open_server: OpenServer) -> None:
    server = await open_server()
    async with joined(server) as device:
        closing = asyncio.ensure_future(uplinks.close_uplinks(server.app))
        assert device.socket is not None
        assert (await device.socket.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
        assert device.socket.close_code == 1001
        await closing


async def test_a_reader_that_never_reads_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, device: Device
) -> None:
    monkeypatch.setattr(uplinks, "SEND_TIMEOUT_S", 0.05)
    monkeypatch.setattr(uplinks, "_unsent", lambda _: 1)  # it has not read what was said before
    await device.send([device.hello()])

    async def never(*_: object, **__: object) -> None:
        await asyncio.sleep(5)

    monkeypatch.setattr(aiohttp.web.WebSocketResponse, "send_str", never)
    message = device.batch([device.add(Kind.ANSWER, item="x")])
    assert device.socket is not None
    await device.socket.send_bytes(message)
    assert (await device.socket.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE


# --- a full disk ---------------------------------------------------------------------------------


async def test_on_a_full_disk_nothing_is_acknowledged_and_all_is_taken_when_there_is_room(
    server: Server, running: Device
) -> None:
    session = running.joined["session"]
    before = running.log.frontier.size
    message = running.batch([snapshot(running, JPEG)], [JPEG])
    with full_disk():
        for _ in range(3):
            refused = await running.send_raw(message)
            assert code_of(refused) == "storage-full"
            assert refused["problem"]["status"] == 507
        view = await running.call("GET", "/api/v1/session")
        assert view["state"] == "running"
    assert (await server.store.device_log(session, "d_test")).frontier.size == before
    assert await running.send_raw(message) == await running.send_raw(message)
    assert await server.store.blob(session, digest_of(JPEG)) == JPEG


async def test_a_device_that_comes_while_the_disk_is_full_is_told_so(
    server: Server, running: Device
) -> None:
    await lost(server, running)
    server.clock.pass_(20)
    with full_disk():
        headers = {"Authorization": f"Bearer {running.joined['device_token']}"}
        async with running.http.ws_connect("/api/v1/uplink", headers=headers) as socket:
            told = json.loads((await socket.receive(timeout=60)).data)
            assert code_of(told) == "storage-full"
            assert (await socket.receive(timeout=60)).type is aiohttp.WSMsgType.CLOSE
    # The time is given back all the same, and the line that failed counts for nothing.
    await running.connect()
    assert await _ledger(running) == [("part-a", 20.0, "outage")]
    assert len(server.app[uplinks.UPLINKS]) == 1
    await lost(server, running)


async def test_a_loss_of_contact_that_could_not_be_stored_counts_when_there_is_room(
    server: Server, running: Device
) -> None:
    with full_disk():
        await running.hang_up()
        await until(lambda: _nobody_connected(server))
        await asyncio.sleep(0.1)  # the writer refuses meanwhile
    server.clock.pass_(20)
    await running.connect()
    assert await _ledger(running) == [("part-a", 20.0, "outage")]


async def _nobody_connected(server: Server) -> bool:
    return not server.app[uplinks.UPLINKS]


async def test_a_deadline_on_a_full_disk_does_not_end_the_server(
    monkeypatch: pytest.MonkeyPatch, server: Server, running: Device
) -> None:
    swept = 0
    save = Writer.run

    async def count(self: Writer, job: Any) -> Any:
        nonlocal swept
        swept += 1
        return await save(self, job)

    monkeypatch.setattr(Writer, "run", count)
    server.clock.pass_(31)
    with full_disk():
        await until(lambda: _is(swept >= 1))
        # It answers still, and says what it can't do.
        await until(lambda: _says_degraded(running))
    view = await running.call("GET", "/api/v1/session")
    assert view["sections"][0]["state"] == "closed"
    assert view["sections"][0]["closed_at_ms"] == view["sections"][0]["opened_at_ms"] + 30_000


async def _says_degraded(device: Device) -> bool:
    told: dict[str, str] = await device.call("GET", "/healthz")
    return told["status"] == "degraded"


async def _is(answer: bool) -> bool:
    return answer
