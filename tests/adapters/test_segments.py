from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

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
from tests.conftest import full_disk

KEY = AESGCM(b"k" * 32)
DIGEST = "a" * 64


def of(data: bytes = b"picture") -> Blob:
    return Blob(KEY, "s_1", DIGEST, data)


def opened(segments: Segments, place: Place) -> bytes:
    return decrypt(KEY, session="s_1", sha256=DIGEST, sealed=segments.read(place))


@pytest.fixture
def written(tmp_path: Path) -> list[bytes]:
    """One blob, written twice, as it lies on the disk."""
    segments = Segments(tmp_path)
    places = segments.write([of(), of()])
    segments.close()
    return [segments.read(place) for place in places]


def test_blobs_come_back_from_where_they_were_put(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    blobs = [b"one", b"", b"three" * 10_000]
    places = segments.write([of(blob) for blob in blobs])
    assert [opened(segments, place) for place in places] == blobs
    assert [place.size for place in places] == [len(blob) + OVERHEAD_BYTES for blob in blobs]
    segments.close()


def test_nothing_to_write_makes_no_file(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    assert segments.write([]) == []
    assert list(tmp_path.iterdir()) == []
    segments.close()
    segments.close()


def test_more_blobs_than_one_call_takes_are_all_written(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    places = segments.write([of(b"%d" % n) for n in range(1100)])
    assert opened(segments, places[0]) == b"0"
    assert opened(segments, places[1099]) == b"1099"
    segments.close()


def test_a_segment_that_is_full_is_followed_by_the_next(tmp_path: Path) -> None:
    segments = Segments(tmp_path, max_bytes=2 * BLOCK_BYTES)
    places = [segments.write([of(b"x" * 60)])[0] for _ in range(5)]
    assert [place.segment for place in places] == [1, 1, 2, 2, 3]
    assert [opened(segments, place) for place in places] == [b"x" * 60] * 5
    segments.close()


def test_only_their_owner_can_read_the_files(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "segments")
    segments.write([of()])
    (file,) = (tmp_path / "segments").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "segments").stat().st_mode & 0o777 == 0o700
    segments.close()


def test_after_a_restart_writing_goes_on_behind_what_is_there(tmp_path: Path) -> None:
    first = Segments(tmp_path)
    (place,) = first.write([of(b"first")])
    first.close()
    # A crash in the middle of a write leaves bytes that no row points to.
    with (tmp_path / "00000001").open("ab") as torn:
        torn.write(b"half a pict")
    second = Segments(tmp_path)
    (next_place,) = second.write([of(b"second")])
    assert place.size < next_place.offset == 2 * BLOCK_BYTES
    assert [opened(second, each) for each in (place, next_place)] == [b"first", b"second"]
    second.close()


def test_a_write_that_the_disk_refuses_leaves_the_segment_as_it_was(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    (first,) = segments.write([of(b"first")])
    too_much = [of(b"x" * MAX_BLOB_BYTES)] * 3
    with full_disk(room=2 * AHEAD_BYTES), pytest.raises(OSError, match="too large"):
        segments.write(too_much)
    assert (tmp_path / "00000001").stat().st_size == BLOCK_BYTES
    (second,) = segments.write([of(b"second")])
    assert [opened(segments, place) for place in (first, second)] == [b"first", b"second"]
    segments.close()


def test_a_segment_that_could_not_be_made_is_made_the_next_time(tmp_path: Path) -> None:
    folder = tmp_path / "segments"
    segments = Segments(folder)
    folder.rename(tmp_path / "unplugged")
    with pytest.raises(FileNotFoundError):
        segments.write([of()])
    (tmp_path / "unplugged").rename(folder)
    (place,) = segments.write([of()])
    assert place.segment == 1
    assert opened(segments, place) == b"picture"
    segments.close()


@pytest.mark.parametrize(
    ("key", "session", "sha256"),
    [
        pytest.param(AESGCM(b"o" * 32), "s_1", DIGEST, id="with another session's key"),
        pytest.param(KEY, "s_2", DIGEST, id="as another session's"),
        pytest.param(KEY, "s_1", "b" * 64, id="as another blob"),
    ],
)
def test_a_blob_opens_as_nothing_but_itself(
    written: list[bytes], key: AESGCM, session: str, sha256: str
) -> None:
    with pytest.raises(InvalidTag):
        decrypt(key, session=session, sha256=sha256, sealed=written[0])


def test_two_sealings_of_one_blob_differ_in_nonce_and_ciphertext(written: list[bytes]) -> None:
    one, other = written
    assert one[:NONCE_BYTES] != other[:NONCE_BYTES]
    assert one[NONCE_BYTES:] != other[NONCE_BYTES:]


def test_what_was_set_aside_and_not_used_is_given_back(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    segments.write([of()])
    assert (tmp_path / "00000001").stat().st_size == BLOCK_BYTES + AHEAD_BYTES
    segments.close()
    assert (tmp_path / "00000001").stat().st_size == BLOCK_BYTES


def test_the_largest_blobs_are_written_with_others_around_them(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    blobs = [b"small", b"x" * MAX_BLOB_BYTES, b"y" * MAX_BLOB_BYTES, b"small too"]
    places = segments.write([of(blob) for blob in blobs])
    assert [opened(segments, place) for place in places] == blobs
    segments.close()


def test_files_that_are_no_segments_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "00000007").write_bytes(b"")
    segments = Segments(tmp_path)
    (place,) = segments.write([of()])
    assert place.segment == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000007", "notes.txt"]
    segments.close()
