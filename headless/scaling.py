# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels that Blender has of a picture -> bytes of straight sRGB, smaller where that is wanted. Numpy only; never
imports bpy.

Pixels are averaged in display space, as a viewer shows them, weighted by their opacity, so that the colour of what is
transparent does not come through at the edges. Works in strips: what lies beside the pixels stays below 50 MB.
"""

from collections.abc import Callable, Iterator

import numpy as np

from .pixels import Bytes, Floats

STRIP_ROWS = 32  # rows of the result at a time


def as_bytes(values: Floats, linear: bool, longest: int, converted: Callable[[Floats], Floats] | None = None) -> Bytes:
    """Bytes (h, w, 4), first row first, the longer side at most `longest`. Never enlarges.

    `values` are pixels (h, w, 1 to 4), lowest row first, and `linear` says whether they are premultiplied light.
    `converted` makes sRGB of display values (..., 3).
    """
    height, width = values.shape[:2]
    factor = min(1.0, longest / max(height, width))
    size = max(1, round(height * factor)), max(1, round(width * factor))
    result = np.empty((*size, 4), np.uint8)

    def prepared(rows: Floats) -> Floats:
        """Display values (n, w, 4), premultiplied for as long as pixels are averaged."""
        rows = as_colour(rows, linear)
        if factor < 1:
            rows[..., :3] *= rows[..., 3:]
        return rows

    done = 0
    for strip in _averaged(values[::-1], size, prepared) if factor < 1 else strips(values[::-1], prepared):
        if factor < 1:
            strip[..., :3] /= np.maximum(strip[..., 3:], np.float32(1e-6))
        np.clip(strip, 0, 1, out=strip)
        if converted is not None:
            strip[..., :3] = converted(strip[..., :3])
        result[done : done + len(strip)] = strip * np.float32(255) + np.float32(0.5)
        done += len(strip)
    return result


def as_colour(rows: Floats, linear: bool) -> Floats:
    """A copy of rows (n, w, 1 to 4) as straight display values, (n, w, 4)."""
    count, width, channels = rows.shape
    result = np.ones((count, width, 4), np.float32)
    result[..., :3] = rows[..., :1] if channels < 3 else rows[..., :3]  # one or two: grey
    if channels in (2, 4):
        result[..., 3] = rows[..., -1]
    return displayed(result.reshape(-1, 4)).reshape(count, width, 4) if linear else result


def displayed(values: Floats) -> Floats:
    """Turn float pixels (n, 4), which are linear and premultiplied, into straight sRGB values.

    A 16-bit PNG gives such pixels, too.
    """
    colour = np.nan_to_num(values[:, :3], nan=0.0, posinf=1.0, neginf=0.0)
    alpha = np.clip(np.nan_to_num(values[:, 3:]), 0, 1)
    colour = np.where(alpha > 0, colour / np.maximum(alpha, 1e-6), 0)
    colour = np.clip(colour, 0, 1)
    colour = np.where(colour <= 0.0031308, colour * 12.92, 1.055 * np.maximum(colour, 1e-8) ** (1 / 2.4) - 0.055)
    return np.concatenate((colour, alpha), axis=1).astype(np.float32)


def strips(values: Floats, prepared: Callable[[Floats], Floats]) -> Iterator[Floats]:
    """The rows, a strip at a time."""
    for start in range(0, len(values), STRIP_ROWS):
        yield prepared(values[start : start + STRIP_ROWS])


def _averaged(values: Floats, size: tuple[int, int], prepared: Callable[[Floats], Floats]) -> Iterator[Floats]:
    """The picture at a smaller size, strip by strip.

    Every pixel is the mean of the area it covers, parts of pixels included.
    """
    (rows, row_weights), (columns, column_weights) = (
        _taps(old, new) for old, new in zip(values.shape, size, strict=False)
    )
    for start in range(0, size[0], STRIP_ROWS):
        here = slice(start, start + STRIP_ROWS)
        first = rows[here].min()
        source = prepared(values[first : rows[here].max() + 1])
        low = np.stack(
            [
                np.tensordot(weights, source[taps[0] - first : taps[-1] - first + 1], 1)
                for taps, weights in zip(rows[here], row_weights[here], strict=True)
            ]
        )
        strip = np.zeros((len(low), len(columns), low.shape[2]), np.float32)
        for tap in range(columns.shape[1]):
            strip += low[:, columns[:, tap]] * column_weights[:, tap, None]
        yield strip


def _taps(old: int, new: int) -> tuple[np.ndarray, Floats]:
    """For each of `new` pixels along an axis of `old`: which it covers, and the share of each in it, both (new, k)."""
    edges = np.arange(new + 1) * (old / new)
    count = min(old, int(np.ceil(old / new)) + 1)
    taps = np.minimum(np.floor(edges[:-1]).astype(np.int64), old - count)[:, None] + np.arange(count)
    shares = np.minimum(edges[1:, None], taps + 1) - np.maximum(edges[:-1, None], taps)
    shares = np.clip(shares, 0, None)
    return taps, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
