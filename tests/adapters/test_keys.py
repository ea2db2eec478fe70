from pathlib import Path

import pytest

from proctor.adapters import keys
from proctor.adapters.keys import KeyFileUnsafe, Keys


def load(folder: Path) -> Keys:
    return keys.load(folder, server="proctor.test")


def test_secrets_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    made = load(tmp_path / "keys")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    for name in ("signing", "master"):
        assert (tmp_path / "keys" / name).stat().st_mode & 0o777 == 0o600
    again = load(tmp_path / "keys")
    assert again.master == made.master
    assert again.signing.verifier == made.signing.verifier
    assert again.signing.name == "proctor.test"
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["master", "signing"]


def test_two_folders_have_nothing_in_common(tmp_path: Path) -> None:
    one, other = load(tmp_path / "a"), load(tmp_path / "b")
    assert one.master != other.master
    assert one.signing.verifier != other.signing.verifier


@pytest.mark.parametrize("name", ["signing", "master"])
@pytest.mark.parametrize(
    "mode", [pytest.param(0o640, id="by the group"), pytest.param(0o604, id="by others")]
)
def test_a_secret_that_can_be_read_by_others_is_refused_with_what_to_do(
    tmp_path: Path, name: str, mode: int
) -> None:
    load(tmp_path)
    (tmp_path / name).chmod(mode)
    with pytest.raises(KeyFileUnsafe, match="chmod 600") as refused:
        load(tmp_path)
    assert refused.value.path == tmp_path / name


@pytest.mark.parametrize(
    "secret", [pytest.param(b"", id="empty"), pytest.param(b"x" * 33, id="too long")]
)
def test_a_file_that_holds_no_secret_is_refused_and_left_alone(
    tmp_path: Path, secret: bytes
) -> None:
    load(tmp_path)
    (tmp_path / "master").write_bytes(secret)
    with pytest.raises(KeyFileUnsafe, match="restore it from a backup"):
        load(tmp_path)
    assert (tmp_path / "master").read_bytes() == secret


def test_of_two_that_make_a_secret_at_once_both_have_the_first_one_s(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    mine = tmp_path / "keys" / "master"

    def late(size: int) -> bytes:
        keys._secret(mine, lambda _: b"f" * size)  # another process is faster
        return b"s" * size

    assert keys._secret(mine, late) == b"f" * keys.SECRET_BYTES
    assert list((tmp_path / "keys").iterdir()) == [mine]


def test_a_session_s_key_comes_back_as_it_was_wrapped(tmp_path: Path) -> None:
    found, key = load(tmp_path), keys.new_session_key()
    assert found.unwrap("s_1", found.wrap("s_1", key)) == key
    assert found.wrap("s_1", key) != found.wrap("s_1", key)


def test_a_session_s_key_is_no_other_session_s_and_no_other_master_s(tmp_path: Path) -> None:
    found, key = load(tmp_path / "a"), keys.new_session_key()
    wrapped = found.wrap("s_1", key)
    with pytest.raises(KeyFileUnsafe):
        found.unwrap("s_2", wrapped)
    with pytest.raises(KeyFileUnsafe, match="not the master key that this folder's sessions"):
        load(tmp_path / "b").unwrap("s_1", wrapped)


def test_a_document_s_hash_is_of_one_server_one_programme_and_one_document(
    tmp_path: Path,
) -> None:
    ours = keys.load(tmp_path / "keys", server="proctor.test")
    other = keys.load(tmp_path / "other", server="proctor.test")
    found = ours.document_hash("mm", "L1")

    assert len(found) == 33
    assert ours.document_hash("mm", "L1") == found
    assert b"L1" not in found
    different = [
        ours.document_hash("other", "L1"),
        ours.document_hash("mm", "L2"),
        other.document_hash("mm", "L1"),
    ]
    assert len({found, *different}) == 4
