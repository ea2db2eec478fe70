import os
from collections import Counter
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proctor.adapters import segments as segments_module
from proctor.adapters.disk import Disk
from proctor.adapters.segments import (
    AHEAD_BYTES,
    BLOCK_BYTES,
    NONCE_BYTES,
    OVERHEAD_BYTES,
    Blob,
    Place,
    Segments,
    decrypt,
)
from proctor.evidence.record import MAX_BLOB_BYTES
from tests.conftest import full_disk, until

KEY = AESGCM(b"k" * 32)
DIGEST = "a" * 64


def of(data: bytes = b"picture") -> Blob:
    return Blob(KEY, "s_1", DIGEST, data)


def opened(segments: Segments, place: Place) -> bytes:
    return decrypt(KEY, session="s_1", sha256=DIGEST, sealed=segments.read(place))


@pytest.fixture
async def written(tmp_path: Path) -> list[bytes]:
    """One blob, written twice, as it lies on the disk."""
    segments = Segments(tmp_path)
    places = await segments.write([of(), of()])
    await segments.close()
    return [segments.read(place) for place in places]


async def test_blobs_come_back_from_where_they_were_put(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    blobs = [b"one", b"", b"three" * 10_000]
    places = await segments.write([of(blob) for blob in blobs])
    assert [opened(segments, place) for place in places] == blobs
    assert [place.size for place in places] == [len(blob) + OVERHEAD_BYTES for blob in blobs]
    await segments.close()


async def test_nothing_to_write_makes_no_file(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    assert await segments.write([]) == []
    assert names_in(tmp_path) == []
    await segments.close()
    await segments.close()


async def test_more_blobs_than_one_call_takes_are_all_written(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    places = await segments.write([of(b"%d" % n) for n in range(1100)])
    assert opened(segments, places[0]) == b"0"
    assert opened(segments, places[1099]) == b"1099"
    await segments.close()


async def test_a_segment_that_is_full_is_followed_by_the_next(tmp_path: Path) -> None:
    segments = Segments(tmp_path, max_bytes=2 * BLOCK_BYTES)
    places = [(await segments.write([of(b"x" * 60)]))[0] for _ in range(5)]
    assert [place.segment for place in places] == [1, 1, 2, 2, 3]
    assert [opened(segments, place) for place in places] == [b"x" * 60] * 5
    await segments.close()


async def test_room_is_made_ahead_of_the_next_write_however_large_the_last_was(
    tmp_path: Path,
) -> None:
    segments = Segments(tmp_path)
    # Each too large for the room that there is at first.
    first, last = [(await segments.write([of(b"x" * MAX_BLOB_BYTES)]))[0] for _ in range(2)]
    assert first.offset < last.offset
    end = last.offset + last.size

    async def made() -> bool:
        return (tmp_path / "00000001").stat().st_size >= end + AHEAD_BYTES // 2

    await until(made)
    await segments.close()


async def test_what_is_written_lies_in_room_that_the_disk_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, durable = Counter[int](), Counter[int]()
    outside: list[int] = []
    pwrite, sync, write = os.pwrite, segments_module._sync, Disk.write

    def make(file: int, data: memoryview, at: int) -> int:
        size = pwrite(file, data, at)
        made[os.fstat(file).st_ino] = at + size
        return size

    def make_durable(file: int) -> None:
        sync(file)
        durable[os.fstat(file).st_ino] = made[os.fstat(file).st_ino]

    async def put(disk: Disk, file: int, data: memoryview, at: int) -> None:
        if at + len(data) > durable[os.fstat(file).st_ino]:
            outside.append(at)
        await write(disk, file, data, at)

    monkeypatch.setattr(os, "pwrite", make)
    monkeypatch.setattr(segments_module, "_sync", make_durable)
    monkeypatch.setattr(Disk, "write", put)
    segments = Segments(tmp_path, max_bytes=2 * AHEAD_BYTES)
    for _ in range(3 * AHEAD_BYTES // 200_000):
        await segments.write([of(b"x" * 200_000)])
    await segments.close()
    assert names_in(tmp_path) == ["00000001", "00000002"]
    assert outside == []


async def test_only_their_owner_can_read_the_files(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "segments")
    await segments.write([of()])
    (file,) = (tmp_path / "segments").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "segments").stat().st_mode & 0o777 == 0o700
    await segments.close()


async def test_after_a_restart_writing_goes_on_in_a_file_of_its_own(tmp_path: Path) -> None:
    first = Segments(tmp_path)
    (place,) = await first.write([of(b"first")])
    await first.close()
    second = Segments(tmp_path)
    (next_place,) = await second.write([of(b"second")])
    assert (place.segment, next_place.segment) == (1, 2)
    assert [opened(second, each) for each in (place, next_place)] == [b"first", b"second"]
    await second.close()


async def test_a_write_that_the_disk_refuses_leaves_the_segment_as_it_was(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    (first,) = await segments.write([of(b"first")])
    too_much = [of(b"x" * MAX_BLOB_BYTES)] * 3
    with full_disk(room=2 * AHEAD_BYTES), pytest.raises(OSError, match="too large"):
        await segments.write([*too_much, *too_much])
    assert (tmp_path / "00000001").stat().st_size <= BLOCK_BYTES + 3 * (MAX_BLOB_BYTES + 4096)
    (second,) = await segments.write([of(b"second")])
    assert [opened(segments, place) for place in (first, second)] == [b"first", b"second"]
    await segments.close()


async def test_a_segment_that_could_not_be_made_is_made_the_next_time(tmp_path: Path) -> None:
    folder = tmp_path / "segments"
    segments = Segments(folder)
    folder.rename(tmp_path / "unplugged")
    with pytest.raises(FileNotFoundError):
        await segments.write([of()])
    (tmp_path / "unplugged").rename(folder)
    (place,) = await segments.write([of()])
    assert place.segment == 1
    assert opened(segments, place) == b"picture"
    await segments.close()


@pytest.mark.parametrize(
    ("key", "session", "sha256"),
    [
        pytest.param(AESGCM(b"o" * 32), "s_1", DIGEST, id="with another session's key"),
        pytest.param(KEY, "s_2", DIGEST, id="as another session's"),
        pytest.param(KEY, "s_1", "b" * 64, id="as another blob"),
    ],
)
async def test_a_blob_opens_as_nothing_but_itself(
    written: list[bytes], key: AESGCM, session: str, sha256: str
) -> None:
    with pytest.raises(InvalidTag):
        decrypt(key, session=session, sha256=sha256, sealed=written[0])


async def test_two_sealings_of_one_blob_differ_in_nonce_and_ciphertext(
    written: list[bytes],
) -> None:
    one, other = written
    assert one[:NONCE_BYTES] != other[:NONCE_BYTES]
    assert one[NONCE_BYTES:] != other[NONCE_BYTES:]


async def test_what_was_written_ahead_and_not_used_is_cut_off(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    await segments.write([of()])
    await segments.write([of()])
    assert (tmp_path / "00000001").stat().st_size > 2 * BLOCK_BYTES
    await segments.close()
    assert (tmp_path / "00000001").stat().st_size == 2 * BLOCK_BYTES


async def test_the_largest_blobs_are_written_with_others_around_them(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    blobs = [b"small", b"x" * MAX_BLOB_BYTES, b"y" * MAX_BLOB_BYTES, b"small too"]
    places = await segments.write([of(blob) for blob in blobs])
    assert [opened(segments, place) for place in places] == blobs
    await segments.close()


async def test_files_that_are_no_segments_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "00000007").write_bytes(b"")
    segments = Segments(tmp_path)
    (place,) = await segments.write([of()])
    assert place.segment == 8
    assert names_in(tmp_path) == ["00000007", "00000008", "notes.txt"]
    await segments.close()


# --- what was written --------------------------------------------------------------------------


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def several(folder: Path) -> list[Place]:
    """Write three times, and leave the file as a crash does: with zeros behind."""
    segments = Segments(folder)
    places = []
    for data in (b"one", b"two" * 30_000, b"three"):
        places += await segments.write([of(data), Blob(KEY, "s_1", "", b"row of " + data[:5])])
    whole = (folder / "00000001").read_bytes()
    await segments.close()
    (folder / "00000001").write_bytes(whole + bytes(BLOCK_BYTES))
    return places


async def test_what_was_written_is_told_in_order_and_what_is_behind_cut_off(tmp_path: Path) -> None:
    places = await several(tmp_path)
    before = (tmp_path / "00000001").stat().st_size
    told = list(Segments(tmp_path).written(since=1))
    assert told == [
        ("s_1", DIGEST if number % 2 == 0 else "", place) for number, place in enumerate(places)
    ]
    assert (tmp_path / "00000001").stat().st_size < before
    assert list(Segments(tmp_path).written(since=1)) == told
    assert list(Segments(tmp_path).written(since=2)) == []


@pytest.mark.parametrize(
    ("cut", "whole"),
    [
        pytest.param(5, 4, id="in its head"),
        pytest.param(60, 4, id="in its list"),
        pytest.param(None, 4, id="before it"),
    ],
)
async def test_a_write_that_a_crash_cut_off_is_not_told(
    tmp_path: Path, cut: int | None, whole: int
) -> None:
    places = await several(tmp_path)
    begin = places[4].offset // BLOCK_BYTES * BLOCK_BYTES
    file = tmp_path / "00000001"
    file.write_bytes(file.read_bytes()[: begin + (cut or 0)] + bytes(BLOCK_BYTES))
    assert [place for _, _, place in Segments(tmp_path).written(since=1)] == places[:whole]


async def test_a_segment_of_an_earlier_version_says_nothing_and_stays_as_it_is(
    tmp_path: Path,
) -> None:
    old = b"nonce and ciphertext of a picture" * 300
    (tmp_path / "00000001").write_bytes(old)
    assert list(Segments(tmp_path).written(since=1)) == []
    assert (tmp_path / "00000001").read_bytes() == old


async def test_behind_a_list_that_rotted_nothing_is_cut_off_but_zeros(tmp_path: Path) -> None:
    places = await several(tmp_path)
    file = tmp_path / "00000001"
    rotten, at = bytearray(file.read_bytes()), places[2].offset // BLOCK_BYTES * BLOCK_BYTES
    rotten[at] ^= 1
    file.write_bytes(rotten)
    segments = Segments(tmp_path)
    assert [place for _, _, place in segments.written(since=1)] == places[:2]
    assert opened(segments, places[4]) == b"three"
    assert file.stat().st_size < len(rotten)


# --- what is erased ----------------------------------------------------------------------------


async def test_erasing_goes_past_the_cache_in_whole_blocks_as_writing_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the cache, what was read of a block's neighbours might be written back over them."""
    segments = Segments(tmp_path)
    datas = [b"one" * 3000, b"two" * 3000, b"three" * 3000]
    places = await segments.write([of(each) for each in datas])
    written: list[tuple[int, int]] = []
    pwrite = os.pwrite

    def told(file: int, data: memoryview, at: int) -> int:
        written.append((at % BLOCK_BYTES, len(data) % BLOCK_BYTES))
        return pwrite(file, data, at)

    monkeypatch.setattr(os, "pwrite", told)
    segments.erase([places[1]])
    assert set(written) == {(0, 0)}
    assert not any(segments.read(places[1]))
    assert [opened(segments, places[n]) for n in (0, 2)] == [datas[0], datas[2]]
    (after,) = await segments.write([of(b"after")])
    assert opened(segments, after) == b"after"
    await segments.close()


async def test_of_what_a_crash_cut_off_what_is_there_is_erased(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    places = await segments.write([of(b"x" * 9000), of(b"y" * 9000)])
    await segments.close()
    os.truncate(tmp_path / "00000001", places[1].offset - 1000)
    segments.erase([*places, Place(7, 0, 10)])
    assert not any(segments.read(places[0]))
    assert not any(segments.read(places[1]))
