"""Nothing lost, nothing twice, and no receipt believed that is not the server's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from proctor_client import clock, outbox, uplink
from proctor_client.errors import HistoryDiffers, ReceiptRefused, Refused, SessionEnded
from proctor_client.outbox import Outbox
from proctor_client.recorder import Blob, Recorder
from proctor_client.server import Backoff, Link, Server
from proctor_client.spool import Spool
from proctor_client.together import first_of
from proctor_client.uplink import Uplink

from proctor.evidence.note import (
    KeyKind,
    Note,
    SigningKey,
    open_checkpoint,
    open_cosignature,
    origin_of,
)
from proctor.evidence.record import Kind, encode
from proctor.evidence.tree import leaf_hash
from tests.client.exam_server import EXAM, NAME, SESSION, TOKEN, ExamServer, Fault, serving

DEVICE = "d_abcdefghij"


class Impatient(Backoff):
    def next_s(self) -> float:
        return 0.0


@dataclass
class Device:
    """A client's parts, joined to a server."""

    server: ExamServer
    spool: Spool
    recorder: Recorder
    uplink: Uplink
    said: list[str]

    async def answer(self, count: int = 1) -> None:
        for _ in range(count):
            await self.recorder.write(Kind.ANSWER, {"item": f"q{self.spool.size}", "response": "x"})

    async def snapshot(self, data: bytes) -> None:
        blob = Blob(data=data, type="image/jpeg")
        await self.recorder.write(Kind.SNAPSHOT, {"purpose": "periodic"}, blob=blob)

    async def deliver(self) -> None:
        async with asyncio.timeout(60):
            await first_of(self.uplink.run(), self.uplink.delivered())


@asynccontextmanager
async def device(
    server: ExamServer, folder: Path, seed: bytes = b"k" * 32
) -> AsyncIterator[Device]:
    key = SigningKey.from_seed(DEVICE, KeyKind.ED25519, seed)
    said: list[str] = []
    spool = Spool(folder, session=SESSION, device=DEVICE)
    recorder = Recorder(spool, now_ms=clock.now_ms)
    async with aiohttp.ClientSession() as http:
        asking = Server(http, Link(server.url, TOKEN), key=key, say=said.append)
        await asking.join()
        link = Uplink(
            asking,
            recorder,
            key=key,
            origin=origin_of(server=NAME, exam=EXAM, session=SESSION, device=DEVICE),
            server_keys=(server.key.verifier,),
            on_session=lambda _view: None,
            on_contact=lambda: None,
            say=said.append,
            backoff=Impatient(),
        )
        link.beats = False
        try:
            yield Device(server, spool, recorder, link, said)
        finally:
            recorder.close()


def assert_delivered(one: Device) -> None:
    """Believe nothing: compare the bytes on both sides, and verify the receipt."""
    lines = one.spool.lines(0, one.spool.size)
    assert one.server.lines == lines
    named = {ref.sha256 for seq in range(len(lines)) if (ref := one.spool.blob_named(seq))}
    assert one.server.blobs.keys() == named
    assert not one.spool.named()
    assert not list((one.spool.folder / "blobs").iterdir())
    note = Note.parse(one.spool.receipt_path.read_bytes())
    assert one.server.device
    checkpoint = open_checkpoint(note, key=one.server.device, origin=one.server.origin)
    assert checkpoint.size == len(lines)
    assert checkpoint.root == one.spool.frontier_at(len(lines)).root()
    assert open_cosignature(note, one.server.key.verifier) > 0


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([], id="a calm network"),
        pytest.param([Fault.LOST_REQUEST], id="the request is lost"),
        pytest.param([Fault.LOST_ANSWER], id="the answer is lost"),
        pytest.param([Fault.NONE, Fault.LOST_ANSWER] * 2, id="answers are lost again and again"),
        pytest.param([Fault.ANSWERED_LATER], id="one receipt answers two batches"),
        pytest.param([Fault.RESUME], id="the server asks for another place"),
        pytest.param([Fault.NONE, Fault.RESUME, Fault.RESUME], id="and asks so of two under way"),
        pytest.param([Fault.DISK_FULL] * 3, id="the server's disk is full for a while"),
        pytest.param([Fault.LOST_BLOBS] * 2, id="the server owes itself the blobs"),
        pytest.param([Fault.LOST_BLOBS, Fault.LOST_ANSWER, Fault.LOST_REQUEST], id="all at once"),
    ],
)
async def test_every_record_arrives_once_and_every_blob(
    tmp_path: Path, faults: list[Fault]
) -> None:
    async with serving() as server, device(server, tmp_path) as one:
        server.faults.extend(faults)
        for at in range(20):
            await one.answer(2)
            await one.snapshot(b"picture %d" % at)

        await one.deliver()

        assert_delivered(one)


async def test_a_receipt_lost_for_the_last_record_is_got_by_one_more(tmp_path: Path) -> None:
    async with serving() as server, device(server, tmp_path) as one:
        server.faults.append(Fault.LOST_ANSWER)
        await one.answer()

        await one.deliver()

        assert_delivered(one)
        assert [record.kind for record in server.records()] == [Kind.ANSWER, Kind.GAP]
        assert server.records()[1].facts["of"] == "contact"


async def test_records_written_while_the_network_is_away_follow_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink, "CONTACT_LOST_S", 0.0)
    async with serving() as server, device(server, tmp_path) as one:

        async def story() -> None:
            await one.answer(3)
            await one.uplink.receipted(3)
            await server.stop()
            await one.answer(3)
            await one.snapshot(b"taken offline")
            await server.start()
            await one.uplink.receipted(8)
            await one.uplink.delivered()

        async with asyncio.timeout(60):
            await first_of(one.uplink.run(), story())

        assert_delivered(one)
        (gap,) = server.records(Kind.GAP)
        assert (gap.facts["of"], gap.facts["cause"]) == ("contact", "network")
        assert 0 < gap.facts["from_ms"] <= gap.facts["to_ms"]


async def test_a_restarted_client_sends_only_what_the_server_lacks(tmp_path: Path) -> None:
    async with serving() as server:
        async with device(server, tmp_path) as one:
            await one.answer(5)
            await one.deliver()
            await one.answer(5)
            await one.snapshot(b"not sent before the end")
        async with device(server, tmp_path) as two:
            await two.deliver()
            assert_delivered(two)
        assert sum(len(batch.lines) for batch in server.batches) == 11


async def test_a_long_backlog_sends_records_first_and_blobs_one_by_one(tmp_path: Path) -> None:
    async with serving() as server, device(server, tmp_path) as one:
        for at in range(outbox.BACKLOG + 1):
            await one.snapshot(b"picture %d" % at)

        await one.deliver()

        assert_delivered(one)
        assert server.batches[0].lines
        assert not server.batches[0].blobs
        assert not server.batches[-1].lines


async def test_so_many_records_never_run_ahead_of_their_blobs_that_a_server_would_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_BARE", 64)
    async with serving() as server, device(server, tmp_path) as one:
        for at in range(3 * outbox.BACKLOG):
            await one.snapshot(b"picture %d" % at)

        await one.deliver()

        assert_delivered(one)
        bare = [batch for batch in server.batches if batch.lines and not batch.blobs]
        assert len(bare) == 1


async def test_a_blob_too_large_to_travel_with_records_travels_alone(tmp_path: Path) -> None:
    async with serving() as server, device(server, tmp_path) as one:
        await one.snapshot(b"x" * 2_000_000)
        await one.answer()
        await one.deliver()
        assert_delivered(one)
        assert [len(batch.lines) for batch in server.batches] == [2, 0]


async def test_the_same_picture_twice_is_one_blob(tmp_path: Path) -> None:
    async with serving() as server, device(server, tmp_path) as one:
        await one.snapshot(b"a camera that stands still")
        await one.deliver()
        await one.snapshot(b"a camera that stands still")
        await one.deliver()
        assert_delivered(one)


async def test_a_spoilt_blob_never_arrives_and_holds_up_nothing(tmp_path: Path) -> None:
    async with serving() as server, device(server, tmp_path) as one:
        await one.snapshot(b"a picture")
        (digest,) = one.spool.named()
        (tmp_path / "blobs" / digest).write_bytes(b"x picture")
        await one.answer()
        await one.deliver()
        assert server.lines == one.spool.lines(0, one.spool.size)
        assert server.owed() == [digest]


async def test_a_server_with_another_key_is_not_believed(tmp_path: Path) -> None:
    async with serving() as server, device(server, tmp_path) as one:
        server.signs_with = SigningKey.generate(NAME, KeyKind.COSIGNATURE)
        await one.answer()
        with pytest.raises(ReceiptRefused):
            await one.deliver()
        assert one.spool.receipted == 0
        assert not one.spool.receipt_path.exists()


@pytest.mark.parametrize(
    "ours", [pytest.param(0, id="this computer's is empty"), pytest.param(2, id="it differs")]
)
async def test_a_server_with_another_history_is_sent_nothing(tmp_path: Path, ours: int) -> None:
    async with serving() as server, device(server, tmp_path) as one:
        other = encode(
            session=SESSION, device=DEVICE, seq=0, at_ms=1, kind=Kind.ANSWER, facts={"item": "q"}
        )
        server.lines = [other]
        server.frontiers.append(server.frontiers[-1].extended([leaf_hash(other)]))
        await one.answer(ours)
        with pytest.raises(HistoryDiffers):
            async with asyncio.timeout(60):
                await one.uplink.run()
        assert not server.batches


async def test_a_closed_session_ends_the_uplink_and_whoever_waits_for_it(tmp_path: Path) -> None:
    async with serving() as server, device(server, tmp_path) as one:
        server.faults.append(Fault.CLOSED)
        await one.answer()

        async def waits() -> None:
            with pytest.raises(SessionEnded):
                await one.uplink.receipted(1)

        async with asyncio.timeout(60):
            await asyncio.gather(one.uplink.run(), waits())
        assert one.spool.size == 1


async def test_a_batch_refused_for_good_is_told_and_not_sent_again(tmp_path: Path) -> None:
    async with serving() as server, device(server, tmp_path) as one:
        assert server.device
        server.device = SigningKey.generate(DEVICE, KeyKind.ED25519).verifier
        await one.answer()
        with pytest.raises(Refused) as refused:
            await one.deliver()
        assert refused.value.code == "bad-signature"


async def test_a_beat_tells_the_servers_log_once(tmp_path: Path) -> None:
    async with serving() as server, device(server, tmp_path) as one:
        one.uplink.beats = True
        await one.answer()
        await one.deliver()
        await one.answer()
        await one.deliver()
        (beat,) = server.records(Kind.BEAT)
        assert beat.facts == server.server_log


def test_on_a_slow_link_an_answer_waits_behind_one_picture_at_most(tmp_path: Path) -> None:
    spool = Spool(tmp_path, session=SESSION, device=DEVICE)
    recorder = Recorder(spool, now_ms=lambda: 1)
    key = SigningKey.from_seed(DEVICE, KeyKind.ED25519, b"k" * 32)
    box = Outbox(spool, key=key, origin="server/exam/s/d")
    box.begin(size=0, root=spool.frontier_at(0).root(), owed=frozenset())

    def write(*, picture: bytes | None) -> None:
        blob = Blob(data=picture, type="image/jpeg") if picture else None
        recorder._write(Kind.SNAPSHOT if blob else Kind.ANSWER, {}, blob, None)

    write(picture=b"1")
    first = box.plan(0.0)
    assert first
    box.left(first, 0.0)
    box.landed(10.0)  # ten seconds for one small batch
    write(picture=b"2")
    write(picture=b"3")
    records = box.plan(10.0)
    assert records
    assert (records.start, records.stop, records.blobs) == (1, 3, frozenset())
    box.left(records, 10.0)
    box.owe(records.named)
    box.landed(20.0)
    alone = box.plan(20.0)
    assert alone
    assert alone.alone
    assert len(alone.blobs) == 1
    box.left(alone, 20.0)
    assert box.plan(20.0) is None  # not the second picture before the first has arrived
    write(picture=None)
    answer = box.plan(20.0)
    assert answer
    assert (answer.start, answer.stop) == (3, 4)
    spool.close()


def test_pauses_grow_to_ten_seconds_and_no_further() -> None:
    longest = Backoff(lambda: 0.999_999)
    assert [round(longest.next_s(), 1) for _ in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    shortest = Backoff(lambda: 0.0)
    assert {shortest.next_s() for _ in range(2000)} == {0.5}
