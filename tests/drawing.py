# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that tests draw for themselves, as PNG bytes. Needs numpy only."""

import struct
import zlib

import numpy as np


def png(pixels):
    """Encode an array of bytes (height, width, 4) as a PNG, top row first."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def read_png(data):
    """The pixels (height, width, channels) of a PNG as ours are: 8 bits, and rows as they are or stored by `up`."""
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8
    channels = {2: 3, 6: 4}[kind]
    (length,) = struct.unpack(">I", data[33:37])
    rows = np.frombuffer(zlib.decompress(data[41 : 41 + length]), np.uint8).reshape(height, 1 + channels * width)
    assert set(rows[:, 0]) <= {0, 2}
    result = rows[:, 1:].copy()
    for number in range(1, height):
        if rows[number, 0] == 2:
            result[number] += result[number - 1]
    return result.reshape(height, width, channels)


def star_png(size):
    """A red five-pointed star on nothing."""
    y, x = np.mgrid[0:size, 0:size] / (size - 1) * 2 - 1
    radius = np.hypot(x, y)
    swing = np.abs((np.arctan2(x, -y) / (2 * np.pi) * 5 + 0.5) % 1 - 0.5) * 2  # 1 at a tip, 0 in a notch
    inside = radius < 0.45 + 0.45 * (1 - swing)
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[inside] = (200, 40, 30, 255)
    return png(pixels)
