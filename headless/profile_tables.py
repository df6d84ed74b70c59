# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of a colour profile that has no matrix (scanners', and sRGB's own of version 4): three channels -> XYZ.
Numpy only.

Source: ICC.1:2022, 10.10 to 10.12 (lut8Type, lut16Type, lutAToBType), and ICC.1:2001-04 for lut16Type's Lab.
"""

import struct
from dataclasses import dataclass

import numpy as np

from .pixels import Floats
from .profile_curves import curve_of, length_of

MOST_GRID = 65  # points along an axis: 3 MB of table. Real ones have 9 to 33
ENTRIES = 4096  # of the tables that curves become
D50 = np.array([0.9642, 1.0, 0.8249], np.float32)
XYZ_SCALE = np.float32(1 + 32767 / 32768)  # XYZ is coded so that 1 stands for this
LAB16_SCALE = np.float32(65535 / 65280)  # lut16Type codes Lab as version 2 did


@dataclass(frozen=True)
class Table:
    """What values go through, one after the other; what is None is left out. The last step makes XYZ of Lab."""

    first: list[Floats]  # a curve for each channel, ENTRIES values
    grid: Floats | None  # (n, n, n, 3)
    middle: list[Floats] | None
    matrix: Floats | None  # (3, 4)
    last: list[Floats]
    is_lab: bool
    scale: np.float32  # of what comes out

    def to_xyz(self, values: Floats) -> Floats:
        """Display values (..., 3), 0 to 1 -> XYZ relative to D50."""
        found = _through(self.first, values)
        if self.grid is not None:
            found = _interpolated(self.grid, found)
        if self.middle is not None and self.matrix is not None:
            found = _through(self.middle, found) @ self.matrix[:, :3].T + self.matrix[:, 3]
        found = _through(self.last, found) * self.scale
        return _lab_to_xyz(found) if self.is_lab else found


def read_table(tag: bytes, pcs: bytes) -> Table:
    """Read an A2B tag of three channels. Raises `ValueError` or `struct.error` for one that cannot be computed with."""
    kind, inputs, outputs = tag[:4], tag[8], tag[9]
    if inputs != 3 or outputs != 3 or pcs not in (b"Lab ", b"XYZ "):
        raise ValueError
    is_lab = pcs == b"Lab "
    if kind in (b"mft1", b"mft2"):
        return _read_lut(tag, kind == b"mft2", is_lab)
    if kind == b"mAB ":
        return _read_mab(tag, is_lab)
    raise ValueError


def _read_lut(tag: bytes, is_wide: bool, is_lab: bool) -> Table:
    points = tag[10]
    entries = struct.unpack_from(">HH", tag, 48) if is_wide else (256, 256)
    if not 2 <= points <= MOST_GRID or not all(2 <= count <= ENTRIES for count in entries):
        raise ValueError
    numbers = 3 * entries[0] + 3 * points**3 + 3 * entries[1]
    values = np.frombuffer(tag, ">u2" if is_wide else ">u1", numbers, 52 if is_wide else 48)
    values = values.astype(np.float32) / np.float32(65535 if is_wide else 255)
    first, grid, last = np.split(values, [3 * entries[0], 3 * entries[0] + 3 * points**3])
    scale = (LAB16_SCALE if is_wide else np.float32(1)) if is_lab else XYZ_SCALE
    shape = points, points, points, 3
    return Table(_resampled(first), grid.reshape(shape), None, None, _resampled(last), is_lab, scale)


def _resampled(values: Floats) -> list[Floats]:
    steps = np.linspace(0, 1, ENTRIES)
    return [np.interp(steps, np.linspace(0, 1, len(row)), row).astype(np.float32) for row in values.reshape(3, -1)]


def _read_mab(tag: bytes, is_lab: bool) -> Table:
    last, matrix, middle, grid, first = struct.unpack_from(">5I", tag, 12)

    def curves(start: int) -> list[Floats]:
        found = []
        for _ in range(3):
            found.append(curve_of(tag[start:], ENTRIES).astype(np.float32))
            start += length_of(tag[start:])
        return found

    if not last or bool(matrix) != bool(middle):
        raise ValueError
    numbers = np.array(struct.unpack_from(">12i", tag, matrix), np.float32) / np.float32(65536) if matrix else None
    return Table(
        curves(first) if first else [np.linspace(0, 1, ENTRIES, dtype=np.float32)] * 3,
        _read_grid(tag[grid:]) if grid else None,
        curves(middle) if middle else None,
        np.column_stack((numbers[:9].reshape(3, 3), numbers[9:])) if numbers is not None else None,
        curves(last),
        is_lab,
        np.float32(1) if is_lab else XYZ_SCALE,
    )


def _read_grid(content: bytes) -> Floats:
    sizes, width = tuple(content[:3]), content[16]
    if not all(2 <= size <= MOST_GRID for size in sizes) or width not in (1, 2):
        raise ValueError
    values = np.frombuffer(content, f">u{width}", 3 * int(np.prod(sizes)), 20)
    return values.astype(np.float32).reshape(*sizes, 3) / np.float32(256**width - 1)


def _through(curves: list[Floats], values: Floats) -> Floats:
    index = (np.clip(values, 0, 1) * np.float32(ENTRIES - 1) + np.float32(0.5)).astype(np.int32)
    return np.stack([curve[index[..., channel]] for channel, curve in enumerate(curves)], axis=-1)


def _interpolated(grid: Floats, values: Floats) -> Floats:
    """The grid's values between its points, (..., 3), trilinear."""
    place = np.clip(values, 0, 1) * (np.array(grid.shape[:3], np.float32) - 1)
    low = np.minimum(place.astype(np.int32), np.array(grid.shape[:3]) - 2)
    part = place - low
    found = np.zeros(values.shape, np.float32)
    for corner in np.ndindex(2, 2, 2):
        share = np.prod(np.where(corner, part, 1 - part), axis=-1, keepdims=True)
        at = low + corner
        found += grid[at[..., 0], at[..., 1], at[..., 2]] * share.astype(np.float32)
    return found


def _lab_to_xyz(coded: Floats) -> Floats:
    """Lab as profiles code it, 0 to 1, -> XYZ."""
    light = (coded[..., 0] * 100 + 16) / 116
    a, b = coded[..., 1] * 255 - 128, coded[..., 2] * 255 - 128
    f = np.stack((light + a / 500, light, light - b / 200), axis=-1)
    return np.where(f > 6 / 29, f**3, (f - 4 / 29) * (3 * (6 / 29) ** 2)).astype(np.float32) * D50
