# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of a picture -> sRGB, by what its file tells of them. Numpy only; never imports bpy nor opens a file.

Blender hands a picture's values out as they stand in the file, whatever profile is beside them, and ships no library
that reads profiles. Most are three curves and a matrix, which is computed here, as are those of grey pictures, and
tables of three channels. What is left over (four channels, PQ and HLG) is told of. The rendering is colorimetric,
relative to the media's white; what sRGB cannot show is clipped.

Sources: ICC.1:2022 (and ICC.1:2001-04 for version 2), 8 to 10 and annex E; IEC 61966-2-1 (sRGB); ITU-T H.273; PNG,
third edition, 4.3; Adobe RGB (1998), version 2005-05.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .pixels import Floats
from .profile_bytes import Told
from .profile_curves import Numbers, curve_of
from .profile_tables import Table, read_table

ENTRIES = 1 << 16  # of the tables that curves become: a sixteenth of a step of a byte where sRGB is steepest
MOST_TAGS = 1000  # of a profile
SAME = 1.75 / 255  # of a value: what rounded curves and matrices of profiles for sRGB differ by
D50 = np.array([0.9642, 1.0, 0.8249])  # the white of profiles, ICC.1:2022, 7.2.16
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
"""x and y of white, red, green and blue, as all that follow."""
ADOBE_RGB = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ADOBE_GAMMA = 563 / 256
PRIMARIES = {
    1: SRGB,
    9: (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # DCI-P3
    12: (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
}
"""By the numbers of H.273, table 2. 2, which is no number of any, counts as sRGB."""

COLUMNS = (b"rXYZ", b"gXYZ", b"bXYZ")
CURVES = (b"rTRC", b"gTRC", b"bTRC")
"""Tags of a profile that is a matrix and curves."""


class UnknownProfile(Exception):
    """The profile cannot be converted, and the text is its name, as far as there is one."""


@dataclass(frozen=True)
class Conversion:
    """Three curves (ENTRIES values each, light by display value) and a matrix of light to light in sRGB; or a table."""

    curves: Floats  # (3, ENTRIES)
    matrix: Floats  # (3, 3): sRGB = matrix @ light
    table: Table | None = None

    def to_srgb(self, values: Floats) -> Floats:
        """Display values (..., 3), 0 to 1, as those of sRGB."""
        if self.table is not None:
            light = self.table.to_xyz(values) @ _to_light(SRGB_TO_XYZ).T
        else:
            index = np.clip(values, 0, 1) * np.float32(ENTRIES - 1) + np.float32(0.5)
            light = np.stack([self.curves[i][index[..., i].astype(np.int32)] for i in range(3)], axis=-1)
            light = light @ self.matrix.T
        return ENCODED[(np.clip(light, 0, 1) * np.float32(ENTRIES - 1) + np.float32(0.5)).astype(np.int32)]


def conversion_of(told: Told, *, is_grey: bool = False) -> Conversion | None:
    """Return how the colours become sRGB, None where they are. Raises `UnknownProfile`.

    `is_grey` says whether all pixels are: only then can a profile of a grey picture be meant.
    """
    if told.is_damaged:
        raise UnknownProfile("")
    if told.icc:
        found = _of_icc(told.icc, is_grey)
    elif told.is_cmyk:
        raise UnknownProfile("CMYK")
    elif told.is_lab:
        raise UnknownProfile("Lab")
    elif told.cicp is not None:
        found = _of_cicp(*told.cicp)
    elif told.is_adobe_rgb:
        found = _of_primaries(ADOBE_RGB, lambda value: value**ADOBE_GAMMA)
    elif told.gamma or told.primaries:
        found = _of_png(told.gamma, told.primaries)
    else:
        return None
    return None if _changes_nothing(found) else found


def srgb_light(value: Numbers) -> Numbers:
    """Light of sRGB's values, 0 to 1 (IEC 61966-2-1)."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _to_xyz(primaries: tuple[float, ...]) -> Numbers:
    """The matrix of light to XYZ relative to D50, adapted as profiles are (Bradford)."""
    xyz = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in zip(primaries[::2], primaries[1::2], strict=True)]).T
    white, colours = xyz[:, 0], xyz[:, 1:]
    cones = (BRADFORD @ D50) / (BRADFORD @ white)
    return np.linalg.inv(BRADFORD) @ np.diag(cones) @ BRADFORD @ colours @ np.diag(np.linalg.solve(colours, white))


SRGB_TO_XYZ = _to_xyz(SRGB)
STEPS = np.linspace(0, 1, ENTRIES)
ENCODED = np.where(STEPS <= 0.0031308, STEPS * 12.92, 1.055 * STEPS ** (1 / 2.4) - 0.055).astype(np.float32)


def _to_light(to_xyz: Numbers) -> Floats:
    return np.linalg.inv(to_xyz).astype(np.float32)


def _changes_nothing(found: Conversion) -> bool:
    steps = np.linspace(0, 1, 18, dtype=np.float32)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    return bool(np.abs(found.to_srgb(cube) - cube).max() <= SAME)


def _of_primaries(primaries: tuple[float, ...], curve: Callable[[Numbers], Numbers]) -> Conversion:
    try:
        return _of_matrix(_to_xyz(primaries), [curve(STEPS)] * 3)
    except (ZeroDivisionError, np.linalg.LinAlgError):
        raise UnknownProfile("") from None


def _of_matrix(to_xyz: Numbers, curves: list[Numbers]) -> Conversion:
    matrix = np.linalg.inv(SRGB_TO_XYZ) @ to_xyz
    if not np.isfinite(matrix).all():
        raise UnknownProfile("")
    return Conversion(np.array(curves, np.float32), matrix.astype(np.float32))


def _of_png(gamma: float, primaries: tuple[float, ...]) -> Conversion:
    """gAMA and cHRM. 1 / 0.45455, which programs write for sRGB's curve, is taken for that."""
    if gamma > 20:  # nobody's curve: damaged
        raise UnknownProfile("")
    is_srgb_curve = not gamma or abs(gamma - 2.2) < 0.01
    return _of_primaries(primaries or SRGB, srgb_light if is_srgb_curve else lambda value: value**gamma)


def _of_cicp(primaries: int, transfer: int) -> Conversion:
    known: dict[int, Callable[[Numbers], Numbers]] = {
        4: lambda value: value**2.2,
        5: lambda value: value**2.8,
        8: lambda value: value,
    }
    if transfer in (1, 2, 6, 13, 14, 15):  # video's curves (BT.709 and its kin) are shown as sRGB's by every viewer
        known[transfer] = srgb_light
    if transfer not in known or primaries not in (*PRIMARIES, 2, 5, 6):
        raise UnknownProfile({16: "PQ", 18: "HLG"}.get(transfer, ""))
    return _of_primaries(PRIMARIES.get(primaries, SRGB), known[transfer])


def _of_icc(icc: bytes, is_grey: bool) -> Conversion:
    """A profile's own way: three curves and a matrix, one curve, or a table."""
    name = ""
    try:
        tags = _tags(icc)
        name = _name(tags.get(b"desc", b""))
        space, pcs = icc[16:20], icc[20:24]
        if space == b"RGB " and all(tag in tags for tag in COLUMNS + CURVES):
            columns = [_xyz(tags[tag]) for tag in COLUMNS]
            return _of_matrix(np.array(columns).T, [curve_of(tags[tag], ENTRIES) for tag in CURVES])
        if space == b"GRAY" and b"kTRC" in tags and is_grey:
            light = curve_of(tags[b"kTRC"], ENTRIES)
            if pcs == b"Lab ":  # then the curve gives lightness
                light = np.where(light > 0.08, ((light + 0.16) / 1.16) ** 3, light / 9.033)
            return _of_matrix(SRGB_TO_XYZ, [light] * 3)
        if space == b"RGB " and (b"A2B1" in tags or b"A2B0" in tags):  # the colorimetric one first
            table = read_table(tags.get(b"A2B1") or tags[b"A2B0"], pcs)
            return Conversion(np.zeros((3, 0), np.float32), np.eye(3, dtype=np.float32), table)
    except (struct.error, ValueError, IndexError, OverflowError, UnknownProfile, np.linalg.LinAlgError):
        pass  # damaged, or of a kind that nobody knows
    raise UnknownProfile(name)


def _tags(icc: bytes) -> dict[bytes, bytes]:
    """The content of each tag. Raises `struct.error`, `UnknownProfile` for what is no profile."""
    if icc[36:40] != b"acsp":
        raise UnknownProfile("")
    (count,) = struct.unpack_from(">I", icc, 128)
    tags = {}
    for number in range(min(count, MOST_TAGS)):
        tag, start, size = struct.unpack_from(">4sII", icc, 132 + 12 * number)
        tags[tag] = icc[start : start + size]
    return tags


def _xyz(tag: bytes) -> Numbers:
    if tag[:4] != b"XYZ ":
        raise UnknownProfile("")
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _name(tag: bytes) -> str:
    """What a profile calls itself, in one line, "" where it has no name that can be read."""
    if tag[:4] == b"mluc" and len(tag) >= 28:
        length, start = struct.unpack_from(">II", tag, 20)
        text = tag[start : start + min(length, 200)].decode("utf-16-be", "ignore")
    else:
        text = tag[12:112].split(b"\0")[0].decode("latin-1") if tag[:4] == b"desc" else ""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
