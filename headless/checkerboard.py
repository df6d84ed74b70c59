# SPDX-License-Identifier: GPL-3.0-or-later
"""A painted checkerboard, the fake transparency of web pictures and of image generators. Tells which pixels are board;
never imports bpy; numpy only.

It is a board only where it reaches the picture's border nearly all around, is of two greys that are not far apart, and
its squares follow one grid throughout. So a chess board, a checked shirt or a flag stay what they are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pixels import Floats, Mask, grow, label, rim_of, strongest

GREY = 0.06  # sRGB 0..1: how coloured the two greys may be
APART = (0.03, 0.45)  # sRGB 0..1: how far apart the two greys are
ON_GRID = 0.85  # of the border's pixels that are of the two greys have the one that the grid wants
SIDE = 0.5  # of one side of the border at least is board, on three of four
SQUARE = 2.5  # pixels, least side of a square
SQUARES = 7  # along a side of the picture at least: fewer are no pattern
EVEN = 0.2  # of the difference of the two greys: so far the pixels of each may vary, or it is shading


class Board(NamedTuple):
    """A checkerboard behind a figure."""

    mask: Mask  # (h, w) which pixels are board
    colour: Floats  # (h, w, 3) the board as it would be without the figure
    noise: float  # sRGB 0..1, by how much its pixels differ from that


class _Grid(NamedTuple):
    """The phases of a board: the sign of cos(right) * cos(down) tells the grey."""

    right: Floats  # (w,) radians
    down: Floats  # (h,)


def board(colour: Floats) -> Board | None:
    """The checkerboard of a picture (h, w, 3), or None where it has none, or where nothing stands before it."""
    height, width = colour.shape[:2]
    if min(height, width) < 24:
        return None
    ring = np.zeros((height, width), np.bool_)
    edge = max(4, round(0.05 * min(height, width)))
    ring[:edge], ring[-edge:], ring[:, :edge], ring[:, -edge:] = True, True, True, True
    greys = _greys(colour[ring])
    if greys is None:
        return None
    dark, light = greys
    apart = float(np.abs(light - dark).max())
    to_dark, to_light = (strongest(np.abs(colour - grey)) for grey in greys)
    signs = np.where(np.minimum(to_dark, to_light) < 0.35 * apart + 0.01, np.sign(to_dark - to_light), 0)
    signs = signs.astype(np.float32)
    grid = _grid(signs, ring)
    if grid is None:
        return None
    # Both factors steep: a pixel on the border of two squares has both greys, as it has in a picture that was scaled.
    right, down = np.cos(grid.right), np.cos(grid.down)
    model = np.sign(down)[:, None] * np.sign(right)[None]
    shown = ring & (signs != 0)
    if shown.sum() < 0.4 * ring.sum() or np.mean((signs * model)[shown] > 0) < ON_GRID:
        return None
    sides = [
        np.mean((signs * model)[part] > 0) for part in (np.s_[:edge], np.s_[-edge:], np.s_[:, :edge], np.s_[:, -edge:])
    ]
    if sorted(sides)[1] < SIDE:
        return None
    return _before(colour, greys, grid, model)


def _greys(border: Floats) -> tuple[Floats, Floats] | None:
    """The two greys of a border's pixels (n, 3), the darker first."""
    luma = border.mean(axis=1)
    neutral = np.ptp(border, axis=1) < 2 * GREY
    if neutral.mean() < 0.4:
        return None
    border, luma = border[neutral], luma[neutral]
    low, high = np.percentile(luma, (15, 85))
    for _ in range(8):
        middle = (low + high) / 2
        if not (luma <= middle).any() or not (luma > middle).any():
            return None
        low, high = float(np.median(luma[luma <= middle])), float(np.median(luma[luma > middle]))
    first, second = luma <= middle, luma > middle
    spread = max(float(np.median(np.abs(luma[first] - low))), float(np.median(np.abs(luma[second] - high))))
    if spread > EVEN * (high - low):
        return None
    if not APART[0] <= high - low <= APART[1] or min(first.mean(), second.mean()) < 0.2:
        return None
    dark, light = (np.median(border[one], axis=0).astype(np.float32) for one in (first, second))
    return (dark, light) if max(np.ptp(dark), np.ptp(light)) < GREY else None


def _grid(signs: Floats, ring: Mask) -> _Grid | None:
    """The grid that the border's squares follow, found in the picture's spectrum and then measured more finely.

    A board is a product of two square waves, so it shows as two peaks, at (f, f) and (f, -f).
    """
    height, width = signs.shape
    there = np.where(ring, signs, 0)
    there = np.where(ring, there - there[ring].mean(), 0)
    spectrum = np.abs(np.fft.rfft2(there))
    down, right = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    square = (0.5 * SQUARES / max(height, width), 0.5 / SQUARE)
    fits = (np.abs(down) >= square[0]) & (np.abs(down) <= square[1]) & (right >= square[0]) & (right <= square[1])
    fits &= np.abs(np.log(np.maximum(np.abs(down), 1e-6) / np.maximum(right, 1e-6))) < 0.25  # squares, not slabs
    strength = np.where(fits, spectrum, 0)
    if not strength.any():
        return None
    row, column = np.unravel_index(np.argmax(strength), strength.shape)
    f_down, f_right = abs(float(down[row, 0])), float(right[0, column])
    step_down, step_right = 1 / height, 1 / width
    y, x = np.arange(height) + 0.5, np.arange(width) + 0.5
    source = np.where(ring, signs, 0).astype(np.complex64)
    for _ in range(4):
        downs = f_down + np.linspace(-1, 1, 17) * step_down
        rights = f_right + np.linspace(-1, 1, 17) * step_right
        waves_right = np.exp(-2j * np.pi * np.outer(x, rights)).astype(np.complex64)
        half = source @ waves_right  # (h, 17)
        both = [np.exp(turn * 2j * np.pi * np.outer(downs, y)).astype(np.complex64) @ half for turn in (-1, 1)]
        total = np.abs(both[0]) + np.abs(both[1])
        a, b = np.unravel_index(np.argmax(total), total.shape)
        f_down, f_right = float(downs[a]), float(rights[b])
        step_down, step_right = step_down / 6, step_right / 6
    plus, minus = float(np.angle(both[0][a, b])), float(np.angle(both[1][a, b]))
    # cos(R + p) cos(D + q) = [cos(R + D + p + q) + cos(R - D + p - q)] / 2
    p, q = (plus + minus) / 2, (plus - minus) / 2
    phases = (2 * np.pi * f_right * x + p, 2 * np.pi * f_down * y + q)
    for _ in range(3):  # few large squares have no sharp peak, but their borders are seen
        across = np.sign(np.cos(phases[1])) @ source.real
        phases = (_by_crossings(across, phases[0]), phases[1])
        along = source.real @ np.sign(np.cos(phases[0]))
        phases = (phases[0], _by_crossings(along, phases[1]))
    return _Grid(phases[0].astype(np.float32), phases[1].astype(np.float32))


def _by_crossings(profile: NDArray[np.floating], phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """The phase along one axis, straightened so that squares change where the profile changes its sign."""
    before = np.nonzero((profile[:-1] > 0) != (profile[1:] > 0))[0]
    if len(before) < 4:
        return phase
    place = before + profile[before] / (profile[before] - profile[before + 1])  # in steps from the first pixel
    there = np.interp(place, np.arange(len(phase)), phase) / np.pi - 0.5
    number = np.round(there)
    kept = np.abs(there - number) < 0.35
    if np.count_nonzero(kept) < 4 or np.ptp(number[kept]) < 3:
        return phase
    slope, start = np.polyfit(place[kept], number[kept], 1)
    return (slope * np.arange(len(phase)) + start + 0.5) * np.pi


def _before(colour: Floats, greys: tuple[Floats, Floats], grid: _Grid, model: Floats) -> Board | None:
    """Tell the board from what stands before it."""
    dark, light = greys
    painted = np.where((model > 0)[..., None], light, dark).astype(np.float32)
    away = strongest(np.abs(colour - painted))
    apart = float(np.abs(light - dark).max())
    # Pixels so near to the border of two squares may be a mix of both greys.
    reach = 1.6
    near = _near_border(grid.down, reach)[:, None] | _near_border(grid.right, reach)[None]
    noise = (
        1.4826 * float(np.median(away[(away < 0.4 * apart) & ~near])) if ((away < 0.4 * apart) & ~near).any() else 0.0
    )
    tolerance = min(max(0.025, 4 * noise), 0.45 * apart)
    core = (away <= tolerance) & ~near
    core &= _of_whole_squares(core, near, grid)
    between = _between(colour, greys, tolerance)
    steps = int(np.ceil(2 * reach)) + 1
    beside_both = grow(core & (model > 0), steps) & grow(core & (model < 0), steps)
    sharp = near & (away <= tolerance) & np.where(model > 0, grow(core & (model > 0), 3), grow(core & (model < 0), 3))
    whole = core | sharp | (near & between & beside_both)
    numbers, area = label(whole)
    kept = np.zeros(len(area), np.bool_)
    kept[np.unique(numbers[rim_of(whole.shape)])] = True
    # A hole in the figure shows squares of both greys; one square alone inside it is the figure's own.
    both = [np.bincount(numbers[core & (model * sign > 0)], minlength=len(area)) for sign in (1, -1)]
    pitch = np.pi / max(float(grid.right[1] - grid.right[0]), 1e-6)
    kept |= np.minimum(both[0], both[1]) > 0.7 * max(1.0, pitch - 2 * reach) ** 2
    kept[0] = False
    mask = kept[numbers]
    loose = min(2.5 * tolerance, 0.45 * apart)  # beside a figure, JPEG's ringing spoils the board
    roughly = (~near & (away <= loose)) | (near & _between(colour, greys, loose))
    mask |= grow(mask, 2) & roughly
    if not 0.02 < mask.mean() < 0.996:
        return None
    return Board(mask, np.where(near[..., None], colour, painted), noise)


def _between(colour: Floats, greys: tuple[Floats, Floats], tolerance: float) -> Mask:
    """Which pixels are one of the greys or a mix of them."""
    low, high = greys[0] - tolerance, greys[1] + tolerance
    return ((colour >= low) & (colour <= high)).all(axis=2) & (
        strongest(colour) + strongest(-colour) < GREY + 2 * tolerance
    )


def _near_border(phase: Floats, reach: float) -> Mask:
    """Which pixels lie within `reach` pixels of the border of two squares."""
    step = float(phase[1] - phase[0])
    to_border = np.abs((phase / np.pi - 0.5) - np.round(phase / np.pi - 0.5)) * np.pi / max(step, 1e-6)
    return to_border < min(reach, 0.3 * np.pi / max(step, 1e-6))


def _of_whole_squares(core: Mask, near: Mask, grid: _Grid) -> Mask:
    """False in squares whose neighbours are all missing: a white figure has the board's white, and never its grey."""
    rows, columns = (np.floor(phase / np.pi - 0.5).astype(np.int64) for phase in (grid.down, grid.right))
    rows, columns = rows - rows.min() + 1, columns - columns.min() + 1
    shape = (int(rows.max()) + 2, int(columns.max()) + 2)
    square = rows[:, None] * shape[1] + columns[None]
    size = np.bincount(square[~near], minlength=shape[0] * shape[1]).reshape(shape)
    found = np.bincount(square[core], minlength=shape[0] * shape[1]).reshape(shape)
    share = found / np.maximum(size, 1)
    beside, covered = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
        beside += np.roll(share > 0.2, shift, axis)
        covered += np.roll((share < 0.05) & (size > 0), shift, axis)
    lonely = (beside == 0) | ((share > 0.95) & (covered >= 3))
    return ~lonely[rows[:, None], columns[None]]
