"""The document reader in its own process, on pages drawn here: no document, nobody's data."""

import asyncio
import contextlib
import logging
import multiprocessing
import struct
import zlib
from collections.abc import AsyncIterator
from datetime import date
from importlib import metadata

import cv2
import numpy as np
import psutil
import pytest

from proctor.adapters import ocr
from proctor.adapters.documents import Reader
from proctor.domain.document import DocumentRead
from tests.pictures import astronaut, jpeg, need, need_ocr, png
from tests.specimens import FACE_AT, TD1, TD3, Page, page

ON = date(2026, 11, 22)


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = Reader()
    yield made
    await made.close()


def processes() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        # One that is ending has no command line any more.
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def about(found: DocumentRead, page: Page, quarters: int) -> bool:
    """Whether the portrait's box, in the picture turned to the left, is where the face is."""
    assert found.portrait is not None
    face = found.portrait
    mark = np.zeros(np.rot90(page, quarters).shape[:2], np.uint8)
    mark[face.y : face.y + face.height, face.x : face.x + face.width] = 1
    upright = np.rot90(mark, -quarters)
    x, y, w, h = FACE_AT
    return bool(upright[y : y + h, x : x + w].sum() == upright.sum() > 0)


@pytest.mark.slow
async def test_drawn_documents_are_read_however_they_lie(reader: Reader) -> None:
    need_ocr()
    for lines, format_, number in ((TD3, "TD3", "L898902C3"), (TD1, "TD1", "D23145890")):
        drawn = page(*lines)
        for quarters in (1, 2, 3) if lines is TD3 else (0,):
            found = await reader.read(jpeg(np.rot90(drawn, quarters), 90), on=ON)

            assert found.mrz is not None, quarters
            assert (found.mrz.format, found.mrz.number) == (format_, number)
            assert (found.mrz.birth, found.mrz.expiry) == (date(1974, 8, 12), date(2012, 4, 15))
            assert found.mrz.valid
            assert found.mrz.surname == "ERIKSSON"
            assert found.unavailable == ()
            assert about(found, drawn, quarters)


@pytest.mark.slow
async def test_the_portrait_is_the_document_s_also_where_the_learner_s_face_is_larger(
    reader: Reader,
) -> None:
    need_ocr()
    need("yunet")
    learner = cv2.resize(astronaut()[:400, 50:450], (700, 700))
    for lines in (TD3, ()):
        both = np.full((1100, 1700, 3), 120, np.uint8)
        both[100:800, :700] = learner
        both[400:1040, 700:] = page(*lines)

        found = await reader.read(jpeg(both, 90), on=ON)

        assert found.portrait is not None
        x, y, w, h = FACE_AT
        assert x <= found.portrait.x - 700 < x + w
        assert y <= found.portrait.y - 400 < y + h

        # A document without a portrait: the learner's face is none either.
        both[400 + y : 400 + y + h, 700 + x : 700 + x + w] = 235
        assert (await reader.read(jpeg(both, 90), on=ON)).portrait is None


@pytest.mark.slow
async def test_one_process_reads_what_comes_and_outlives_poison_and_is_replaced(
    reader: Reader, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    need_ocr()
    caplog.set_level(logging.DEBUG)
    assert processes() == []

    # Without a zone: the text is there for the person who decides.
    plain = await reader.read(png(page()))
    assert (plain.mrz, plain.unavailable) == (None, ())
    assert any("ERIKSSON" in line for line in plain.lines)
    assert plain.portrait is not None
    names = {model.name for model in plain.models}
    assert names == {"ch_PP-OCRv4_det_infer", "ch_PP-OCRv4_rec_infer", "yunet"}
    version = f"rapidocr-onnxruntime {metadata.version('rapidocr-onnxruntime')}"
    assert {model.version for model in plain.models if "PP-OCR" in model.name} == {version}
    assert all(len(model.sha256) == 64 for model in plain.models)

    (process,) = processes()
    assert process.nice() > psutil.Process().nice()  # behind the server's event loop
    for poison in (b"", b"\xff\xd8", jpeg(page())[:5000], png(page()[:1, :1]), bomb()):
        (cause,) = (await reader.read(poison)).unavailable
        assert cause.startswith("picture: ")
    assert processes() == [process]

    # The one that reads is killed in the middle of a page: the page is read again.
    reading = asyncio.create_task(reader.read(jpeg(page(*TD3), 90), on=ON))
    await asyncio.sleep(0.3)
    process.kill()
    found = await reading
    assert found.mrz is not None
    assert found.mrz.valid
    assert processes() != [process]
    assert [record.getMessage() for record in caplog.records] == ["document reader died"]

    # Nothing of what was read has been written anywhere.
    said = capfd.readouterr()
    assert "ERIKSSON" not in said.out + said.err + caplog.text
    assert "RapidOCR" not in said.err


@pytest.mark.slow
async def test_the_process_ends_when_nothing_comes_and_starts_again() -> None:
    reader = Reader(idle_s=0.0)
    try:
        await reader.read(b"")
        for _ in range(6000):
            if not processes():
                break
            await asyncio.sleep(0.01)
        assert processes() == []
        assert (await reader.read(b"")).unavailable == ("picture: not an image that can be read",)
    finally:
        await reader.close()
    await reader.close()
    assert processes() == []
    assert multiprocessing.active_children() == []


async def test_a_picture_that_takes_too_long_is_given_up() -> None:
    reader = Reader(timeout_s=0.0)
    try:
        assert (await reader.read(b"")).unavailable == ("text: reading took longer than 0 s",)
        assert processes() == []
    finally:
        await reader.close()


def test_a_machine_without_the_ocr_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "_PACKAGE", "rapidocr-that-is-not-there")
    with pytest.raises(ocr.NoText, match=r"^rapidocr is not installed"):
        ocr.Ocr()


@pytest.mark.parametrize(
    ("python", "why"),
    [
        pytest.param((3, 12), "rapidocr is not installed", id="where it could be"),
        pytest.param(
            (3, 13),
            "rapidocr is not installed: there is none for Python 3.13, and documents are read on "
            "Python 3.12 or older",
            id="where there is none",
        ),
    ],
)
def test_a_python_that_there_is_no_ocr_for_is_named(python: tuple[int, int], why: str) -> None:
    assert ocr.why_missing(python) == why


def test_altered_models_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    need_ocr()

    monkeypatch.setattr(ocr, "_MODELS", ("no.onnx",))
    with pytest.raises(ocr.NoText, match=r"^the model no\.onnx is missing$"):
        ocr.Ocr()

    # A file of the package that its list of files has no hash for.
    monkeypatch.setattr(ocr, "_MODELS", ("RECORD",))
    with pytest.raises(ocr.NoText, match="is not the one that was installed"):
        ocr.Ocr()


def bomb() -> bytes:
    """A PNG of 60,000 x 60,000 pixels in 100 bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
