"""Pictures made to do harm, or that few expect: what a stranger may send as a snapshot."""

import struct
import zlib

import numpy as np

from tests.pictures import jpeg, png, webcam


def bomb_png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
        + chunk(b"IEND", b"")
    )


def bomb_jpeg() -> bytes:
    data = bytearray(jpeg(np.zeros((64, 64, 3))))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65000, 65000)
    return bytes(data)


def animated_png() -> bytes:
    """A PNG of two pictures: the learner first, then black."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    whole, second = png(webcam()), png(np.zeros((480, 640, 3)))
    end = whole.index(b"IEND") - 4
    pixels = second[second.index(b"IDAT") + 4 : second.index(b"IEND") - 8]

    def control(number: int) -> bytes:
        size = struct.pack(">IIIIIHHBB", number, 640, 480, 0, 0, 1, 10, 0, 0)
        return chunk(b"fcTL", size)

    return (
        whole[:33]
        + chunk(b"acTL", struct.pack(">II", 2, 0))
        + control(0)
        + whole[33:end]
        + control(1)
        + chunk(b"fdAT", struct.pack(">I", 2) + pixels)
        + whole[end:]
    )


def cmyk_jpeg() -> bytes:
    """Four components in the frame and scan of one that had three: no marker says which."""
    data = bytearray(jpeg(webcam()))
    frame = data.index(b"\xff\xc0")
    data[frame + 2 : frame + 4] = struct.pack(">H", 20)
    data[frame + 9] = 4
    data[frame + 19 : frame + 19] = b"\x04\x11\x01"
    scan = data.index(b"\xff\xda")
    data[scan + 2 : scan + 4] = struct.pack(">H", 14)
    data[scan + 4] = 4
    data[scan + 11 : scan + 11] = b"\x04\x11"
    return bytes(data)
