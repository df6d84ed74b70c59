# SPDX-License-Identifier: GPL-3.0-or-later
"""The curves of colour profiles, as tables. Numpy only.

Source: ICC.1:2022, 10.6 (curveType) and 10.18 (parametricCurveType).
"""

import struct

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

PARAMETERS = (1, 3, 4, 5, 7)
"""How many numbers a parametric curve has, by its kind."""


def curve_of(content: bytes, entries: int) -> Numbers:
    """The values, `entries` many, of the curve that `content` begins with, from 0 to 1. Raises `ValueError` or
    `struct.error` where there is none."""
    with np.errstate(all="ignore"):
        values = _values(content, np.linspace(0, 1, entries))
    if np.isnan(values).any():
        raise ValueError
    return np.clip(values, 0, 1)


def _values(content: bytes, steps: Numbers) -> Numbers:
    if content[:4] == b"para":
        return _parametric(content, steps)
    if content[:4] != b"curv":
        raise ValueError
    (count,) = struct.unpack_from(">I", content, 8)
    if count == 0:
        return steps
    values = np.frombuffer(content, ">u2", count, 12)
    if count == 1:
        return steps ** (float(values[0]) / 256)
    return np.interp(steps, np.linspace(0, 1, count), values / 65535)


def length_of(content: bytes) -> int:
    """How many bytes the curve that `content` begins with fills, up to the next multiple of four."""
    if content[:4] == b"para":
        return 12 + 4 * PARAMETERS[struct.unpack_from(">H", content, 8)[0]]
    (count,) = struct.unpack_from(">I", content, 8)
    return 12 + (2 * int(count) + 3) // 4 * 4


def _parametric(content: bytes, steps: Numbers) -> Numbers:
    (kind,) = struct.unpack_from(">H", content, 8)
    if kind >= len(PARAMETERS):
        raise ValueError
    numbers = [number / 65536 for number in struct.unpack_from(f">{PARAMETERS[kind]}i", content, 12)]
    gamma, a, b, c, d, e, f = numbers + [0.0] * (7 - len(numbers))
    if kind == 0:
        return steps**gamma
    if kind in (1, 2):  # below -b / a the curve is flat
        added = c
        c, d, e, f = 0.0, -b / a if a else 2.0, added, added
    return np.where(steps >= d, np.maximum(a * steps + b, 0) ** gamma + e, c * steps + f)
