# SPDX-License-Identifier: GPL-3.0-or-later
"""Any picture -> a PNG or JPEG that a service takes, in a background Blender. Never enlarges; changes no given file.

A JPEG stays a JPEG; everything else becomes a PNG of 8 bits a channel. What shows nothing is refused. Pixels are
averaged in display space, as a viewer shows them, weighted by their opacity, so that the colour of what is transparent
does not come through at the edges.
"""

import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..api.headers import kind_of, orientation_of, size_of
from ..api.kinds import cannot_open
from ..programs.process import starter_is_gone
from .picture import MOST_PIXELS, displayed, upright
from .pixels import Bytes, Floats
from .report import Report, wait_for_request
from .saving import save_whole, write_jpeg, write_png

JPEG_QUALITY = 95  # of 100: no mark of the second compression is seen
STRIP_ROWS = 32  # rows of the result at a time: numpy is quick, and what lies beside the pixels stays below 50 MB
OPAQUE = 254.5 / 255  # an alpha that rounds to 255
VISIBLE = 7.5 / 255  # an alpha that rounds to what the Local service takes for the least that shows
SAME = 1.5 / 255  # a difference that rounds to one step: what a JPEG's rounding makes of one color


class NotFitting(Exception):
    """The picture cannot be used; the text says so to the user, and what to do."""


def main() -> None:
    """Do what the request file that the first argument names says, and report."""
    request = wait_for_request(starter_is_gone)
    report = Report(Path(request["report"]), starter_is_gone)
    picture, called = Path(request["picture"]), request["called"]
    try:
        if request["only_look"]:
            facts = look(picture, request["limit_px"], report, called, may_be_flat=request.get("may_be_flat", False))
        else:
            limit_px, stem = request["limit_px"], request["output_stem"]
            facts = fit(picture, limit_px, stem, report, called, may_be_flat=request.get("may_be_flat", False))
    except NotFitting as error:
        traceback.print_exc()
        report.fail(str(error))
        sys.exit(1)
    report.done(**facts)


def look(
    picture: Path, limit_px: int, report: Report, called: str = "", *, may_be_flat: bool = False
) -> dict[str, Any]:
    """Return `picture` itself as `file`. Raises `NotFitting` as `fit` does."""
    report.progress(0.0, "Looking at the picture")
    called = called or picture.name
    width, height = _told_size(picture, called)
    if width * height <= MOST_PIXELS:  # the service takes more than can be looked at here
        values, linear = _read(picture, limit_px, called)
        _refuse_empty(values, linear, called, may_be_flat)
    return {"file": str(picture)}


def fit(
    picture: Path, limit_px: int, output_stem: str, report: Report, called: str = "", *, may_be_flat: bool = False
) -> dict[str, Any]:
    """Write `picture` to `output_stem` plus its ending, the longer side at most `limit_px`.

    Returns `file`, `width` and `height`. Raises `NotFitting`, which calls the picture `called`, where there is nothing
    to be read, or nothing to be seen.
    """
    pixels = read(picture, limit_px, report, called, may_be_flat=may_be_flat)
    report.progress(0.8, "Saving the picture")
    if kind_of(picture) == "JPEG":
        file = Path(output_stem + ".jpg")
        save_whole(file, lambda part: write_jpeg(part, pixels, JPEG_QUALITY))
    else:
        file = Path(output_stem + ".png")
        save_whole(file, lambda part: write_png(part, pixels))
    height, width = pixels.shape[:2]
    return {"file": str(file), "width": width, "height": height}


def read(picture: Path, limit_px: int, report: Report, called: str = "", *, may_be_flat: bool = False) -> Bytes:
    """Return the picture upright as straight sRGB bytes (h, w, 3 or 4), first row first, the longer side at most
    `limit_px`; with alpha where some pixel is not opaque. Raises `NotFitting` as `fit` does."""
    report.progress(0.0, "Reading the picture")
    called = called or picture.name
    values, linear = _read(picture, limit_px, called)
    _refuse_empty(values, linear, called, may_be_flat)
    report.progress(0.4, "Scaling the picture")
    # What is written has no EXIF: turned here, or the service would see a telephone's picture lying on its side.
    return upright(_fitted(values, linear, limit_px), orientation_of(picture))


def _told_size(picture: Path, called: str) -> tuple[int, int]:
    """Width and height as the file's header tells them, 0 where it does not."""
    try:
        return size_of(picture) or (0, 0)
    except OSError:
        raise _not_a_picture(picture, called) from None


def _read(picture: Path, limit_px: int, called: str) -> tuple[Floats, bool]:
    """The pixels (h, w, 1 to 4) as Blender has them, lowest row first, and whether they are linear and premultiplied.

    Only the values are kept, not the image: both together would be half as much again.
    """
    _refuse_large(called, *_told_size(picture, called), limit_px)  # before it is decoded, where the header tells
    try:
        image = bpy.data.images.load(str(picture))
    except RuntimeError:
        raise _not_a_picture(picture, called) from None
    try:
        width, height = image.size
        if image.type == "MULTILAYER":
            raise NotFitting(f"{called} has several layers: save the one that you want as PNG.")
        _refuse_large(called, width, height, limit_px)
        number = len(image.pixels)
        if not number:  # Blender has no decoder for it, and said so in the log
            raise _not_a_picture(picture, called)
        values = np.empty(number, np.float32)
        image.pixels.foreach_get(values)
        return values.reshape(height, width, -1), image.is_float
    finally:
        bpy.data.images.remove(image)


def _refuse_large(called: str, width: int, height: int, limit_px: int) -> None:
    if width * height > MOST_PIXELS:
        size = f"{width} x {height} pixels"
        raise NotFitting(f"{called} is {size}, too large to work on: scale it down to {limit_px} pixels or less.")


def _refuse_empty(values: Floats, linear: bool, called: str, may_be_flat: bool) -> None:
    """Refuse what is transparent everywhere, or, unless it `may_be_flat`, the same everywhere.

    Looks no further than to the first strip that shows something.
    """
    has_alpha = values.shape[2] in (2, 4)
    channels = 4 if has_alpha else 3
    low, high = np.full(channels, np.inf, np.float32), np.full(channels, -np.inf, np.float32)
    for rows in _strips(values, lambda rows: _as_colour(rows, has_alpha, linear)):
        low, high = np.minimum(low, rows.min((0, 1))), np.maximum(high, rows.max((0, 1)))
        if (high - low).max() > SAME and not (has_alpha and high[3] < VISIBLE):
            return
    if has_alpha and high[3] < VISIBLE:
        raise NotFitting(f"{called} is fully transparent: choose one that shows something.")
    if not may_be_flat:
        raise NotFitting(f"{called} is one flat color without any shape: choose one that shows something.")


def _not_a_picture(picture: Path, called: str) -> NotFitting:
    return NotFitting(cannot_open(picture, called))


def _fitted(values: Floats, linear: bool, limit_px: int) -> Bytes:
    """Bytes (h, w, 3 or 4) for the file, first row first; with alpha where some pixel is not opaque."""
    height, width, channels = values.shape
    factor = min(1.0, limit_px / max(height, width))
    size = max(1, round(height * factor)), max(1, round(width * factor))
    has_alpha = channels in (2, 4) and bool((values[..., -1] < OPAQUE).any())
    result = np.empty((*size, 4 if has_alpha else 3), np.uint8)

    def prepared(rows: Floats) -> Floats:
        """Display values (n, w, 3 or 4), premultiplied for as long as pixels are averaged."""
        rows = _as_colour(rows, has_alpha, linear)
        if has_alpha and factor < 1:
            rows[..., :3] *= rows[..., 3:]
        return rows

    done = 0
    for strip in _averaged(values[::-1], size, prepared) if factor < 1 else _strips(values[::-1], prepared):
        if has_alpha and factor < 1:
            strip[..., :3] /= np.maximum(strip[..., 3:], np.float32(1e-6))
        np.clip(strip, 0, 1, out=strip)
        result[done : done + len(strip)] = strip * np.float32(255) + np.float32(0.5)
        done += len(strip)
    return result


def _as_colour(rows: Floats, has_alpha: bool, linear: bool) -> Floats:
    """A copy of rows (n, w, 1 to 4) as straight display values, (n, w, 4) with alpha and (n, w, 3) without."""
    count, width, channels = rows.shape
    if channels < 3:  # grey
        rows = np.concatenate((np.repeat(rows[..., :1], 3, axis=2), rows[..., 1:]), axis=2)
    rows = rows[..., : 4 if has_alpha else 3]
    if linear:
        return displayed(rows.reshape(count * width, -1)).astype(np.float32).reshape(count, width, -1)
    return rows.copy()


def _strips(values: Floats, prepared: Callable[[Floats], Floats]) -> Iterator[Floats]:
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


if __name__ == "__main__":
    main()
