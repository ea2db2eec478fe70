"""What is on the disk after the worst moment to die."""

import os
import random
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest
from proctor_client.errors import DiskFull, SpoolBusy, SpoolDamaged, SpoolFull
from proctor_client.spool import Spool, locked

from proctor.evidence.note import Checkpoint, KeyKind, SigningKey, sign_checkpoint
from proctor.evidence.record import BlobRef, Kind, encode
from proctor.evidence.tree import leaf_hash, root_of

SESSION, DEVICE = "s_1", "d_1"


def opened(folder: Path, *, blobs_limit_bytes: int = 1_000_000) -> Spool:
    folder.mkdir(parents=True, exist_ok=True)
    return Spool(folder, session=SESSION, device=DEVICE, blobs_limit_bytes=blobs_limit_bytes)


def line(seq: int, blob: BlobRef | None = None) -> bytes:
    return encode(
        session=SESSION,
        device=DEVICE,
        seq=seq,
        at_ms=seq,
        kind=Kind.SNAPSHOT if blob else Kind.ANSWER,
        facts={"item": f"question {seq}"},
        blob=blob,
    )


def add(spool: Spool, data: bytes | None = None) -> bytes:
    ref = None
    if data is not None:
        ref = BlobRef(spool.store_blob(data), "image/jpeg", len(data))
    written = line(spool.size, ref)
    spool.append(written, ref)
    return written


def test_a_log_cut_at_any_byte_of_its_last_two_records_reopens_as_a_prefix(tmp_path: Path) -> None:
    spool = opened(tmp_path / "whole")
    lines = [add(spool) for _ in range(5)]
    spool.close()
    whole = (tmp_path / "whole" / "records.jsonl").read_bytes()
    ends = [sum(len(each) + 1 for each in lines[:count]) for count in range(6)]
    for cut in range(ends[3], len(whole) + 1):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "records.jsonl").write_bytes(whole[:cut])

        spool = opened(folder)

        # All lines that ended before the cut were acknowledged, and no other was.
        kept = max(count for count in range(6) if ends[count] <= cut)
        assert spool.lines(0, spool.size) == lines[:kept]
        assert spool.frontier_at(kept).root() == root_of([leaf_hash(each) for each in lines[:kept]])
        again = add(spool)
        spool.close()
        reopened = opened(folder)
        assert reopened.lines(0, reopened.size) == [*lines[:kept], again]
        reopened.close()


@pytest.mark.parametrize(
    "hole",
    [
        pytest.param(b"\0" * 40 + b"\n", id="zeros where the line should be"),
        pytest.param(b'{"v":1,"session":"s_1"\0\0\0}\n', id="a line with a hole"),
    ],
)
def test_a_last_line_that_a_power_cut_spoilt_is_cut(tmp_path: Path, hole: bytes) -> None:
    spool = opened(tmp_path)
    lines = [add(spool), add(spool)]
    spool.close()
    with (tmp_path / "records.jsonl").open("ab") as file:
        file.write(hole)

    spool = opened(tmp_path)

    assert spool.lines(0, spool.size) == lines
    spool.close()


def test_a_record_changed_in_the_middle_is_damage_and_nothing_is_cut(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for _ in range(3):
        add(spool)
    spool.close()
    path = tmp_path / "records.jsonl"
    before = path.read_bytes().replace(b'"seq":1', b'"seq":7')
    path.write_bytes(before)

    with pytest.raises(SpoolDamaged):
        opened(tmp_path)

    assert path.read_bytes() == before


def test_a_receipted_record_changed_or_gone_is_damage(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for _ in range(3):
        add(spool)
    key = SigningKey.generate(DEVICE, KeyKind.ED25519)
    note = sign_checkpoint(Checkpoint("server/exam/s_1/d_1", 3, spool.frontier_at(3).root()), key)
    spool.keep_receipt(note, 3)
    spool.close()
    assert opened(tmp_path).receipted == 3
    path = tmp_path / "records.jsonl"
    whole = path.read_bytes()

    path.write_bytes(whole.replace(b"question 2", b"question 3"))
    with pytest.raises(SpoolDamaged):
        opened(tmp_path)
    path.write_bytes(whole[:-1])
    with pytest.raises(SpoolDamaged):
        opened(tmp_path)


def test_a_receipt_never_gives_way_to_an_older_one(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.keep_receipt(b"of five", 5)
    spool.keep_receipt(b"of three", 3)
    assert (spool.receipt, spool.receipted) == (b"of five", 5)
    assert spool.receipt_path.read_bytes() == b"of five"
    spool.close()


def test_blobs_that_no_record_names_are_gone_after_a_restart(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    add(spool, b"a picture")
    spool.store_blob(b"its record was never written")
    spool.close()
    (tmp_path / "blobs" / ("0" * 64 + ".part")).write_bytes(b"half of a pi")

    spool = opened(tmp_path)

    digest = sha256(b"a picture").hexdigest()
    assert spool.named() == {digest: 9}
    assert [path.name for path in (tmp_path / "blobs").iterdir()] == [digest]
    assert spool.read_blob(digest) == b"a picture"
    spool.close()


def test_a_blob_that_was_changed_on_disk_is_not_handed_out(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    add(spool, b"a picture")
    digest = sha256(b"a picture").hexdigest()
    (tmp_path / "blobs" / digest).write_bytes(b"b picture")
    assert spool.read_blob(digest) is None
    spool.close()


def test_a_full_spool_refuses_blobs_and_takes_records(tmp_path: Path) -> None:
    spool = opened(tmp_path, blobs_limit_bytes=20)
    add(spool, b"0123456789")
    add(spool, b"0123456789")  # the same bytes take no room twice
    add(spool, b"9876543210")
    with pytest.raises(SpoolFull):
        spool.store_blob(b"x")
    add(spool)
    spool.drop_blob(sha256(b"9876543210").hexdigest())
    add(spool, b"x")
    assert spool.size == 5
    spool.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_refuses_a_record_and_the_next_one_stands_in_its_place(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    lines = [add(spool)]
    whole, spool._file = spool._file, os.open("/dev/full", os.O_RDWR)
    with pytest.raises(DiskFull):
        add(spool)
    os.close(spool._file)
    spool._file = whole
    os.write(whole, b'{"v":1,"half a li')  # what a write that ran out of room leaves

    lines.append(add(spool))

    assert spool.size == 2
    spool.close()
    spool = opened(tmp_path)
    assert spool.lines(0, spool.size) == lines
    spool.close()


def test_a_second_client_is_kept_out_until_the_first_is_gone(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(SpoolBusy), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


WRITER = """
import sys
from hashlib import sha256
from pathlib import Path
from proctor.evidence.record import BlobRef, Kind, encode
from proctor_client.spool import Spool, locked
folder = Path(sys.argv[1])
with locked(folder):
    spool = Spool(folder, session="s_1", device="d_1")
    while True:
        seq, ref = spool.size, None
        data = seq.to_bytes(4, "big") * 5000
        if seq % 2:
            ref = BlobRef(spool.store_blob(data), "image/jpeg", len(data))
        line = encode(session="s_1", device="d_1", seq=seq, at_ms=seq,
                      kind=Kind.SNAPSHOT if ref else Kind.ANSWER, facts={}, blob=ref)
        spool.append(line, ref)
        print(seq, sha256(line).hexdigest(), flush=True)
"""


def test_a_writer_killed_at_random_points_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(20261121)
    acknowledged: dict[int, str] = {}
    for _ in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([".", "client"])},
        ) as writer:
            assert writer.stdout
            first = writer.stdout.readline()  # it is at work
            time.sleep(chance.uniform(0, 0.05))
            writer.send_signal(signal.SIGKILL)
            # Its last line may be cut by the kill.
            told = (first + writer.stdout.read()).splitlines(keepends=True)
        for each in told:
            if each.endswith(b"\n"):
                number, digest = each.decode().split()
                acknowledged[int(number)] = digest

        spool = opened(tmp_path)

        lines = spool.lines(0, spool.size)
        assert max(acknowledged) < len(lines) <= max(acknowledged) + 2
        assert all(sha256(lines[seq]).hexdigest() == digest for seq, digest in acknowledged.items())
        for seq in range(spool.size):
            if (ref := spool.blob_named(seq)) is not None:
                assert spool.read_blob(ref.sha256) == seq.to_bytes(4, "big") * 5000
        spool.close()


def test_a_full_spool_still_takes_a_file_that_is_an_answer(tmp_path: Path) -> None:
    spool = opened(tmp_path, blobs_limit_bytes=4)

    with pytest.raises(SpoolFull):
        spool.store_blob(b"a picture")
    digest = spool.store_blob(b"an answer", limited=False)

    assert spool.read_blob(digest) == b"an answer"
    spool.close()
