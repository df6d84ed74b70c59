# SPDX-License-Identifier: GPL-3.0-or-later
"""Any picture -> a square PNG with its subject in the middle, in a background Blender. Changes no given file.

Networks that see one object expect it so: alone, centred, and with a border. The subject is what the Local service
would shape (`cutout.py`); where that can tell no background apart, the whole picture is fitted into the square.
"""

import sys
import traceback
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..programs.process import starter_is_gone
from .cutout import Cutout, NothingToShape, bounds, cut_out
from .fit import NotFitting, read
from .maps import base_colour, fitted, trusted
from .picture import LONGEST
from .pixels import Bytes, window_mean
from .report import Report, wait_for_request
from .saving import save_whole, write_png

BORDER = 0.075  # of the square's width, on each side of the subject's longer side: as Hunyuan3D's own preparation


def main() -> None:
    """Do what the request file that the first argument names says, and report."""
    request = wait_for_request(starter_is_gone)
    report = Report(Path(request["report"]), starter_is_gone)
    picture, output = Path(request["picture"]), Path(request["output"])
    try:
        facts = frame(picture, request["background"], request["size_px"], output, report, request["called"])
    except (NotFitting, NothingToShape) as error:
        traceback.print_exc()
        report.fail(str(error))
        sys.exit(1)
    report.done(**facts)


def frame(
    picture: Path, background: Literal["white", "alpha"], size_px: int, output: Path, report: Report, called: str = ""
) -> dict[str, Any]:
    """Write the subject of `picture` to `output`, a PNG `size_px` wide and high; return it as `file`, and `shape_from`
    ("alpha", "background" or "rectangle"), and a `note` where the picture could not be read as it should.

    Raises `NotFitting` as `fit` does, which calls the picture `called`, and `NothingToShape`.
    """
    pixels, notes = read(picture, LONGEST, report, called)
    report.progress(0.6, "Finding the shape")
    cutout = cut_out(pixels)
    square = framed(pixels, cutout, size_px)
    report.progress(0.9, "Saving the picture")
    made = _on_white(square) if background == "white" else square
    save_whole(output, lambda part: write_png(part, made))
    facts = {"file": str(output), "shape_from": cutout.origin}
    return facts | ({"note": " ".join(notes)} if notes else {})


def framed(picture: Bytes, cutout: Cutout, size_px: int) -> Bytes:
    """The subject in the middle of a square of straight sRGB bytes with its matte, (size_px, size_px, 4).

    Its colour goes on under the edge of the matte, so that nothing of an old background shows there.
    """
    height, width = picture.shape[:2]
    matte = fitted(cutout.matte, height, width)
    top, bottom, left, right = bounds(matte)
    border = 0.0 if cutout.origin == "rectangle" else BORDER
    scale = max(bottom - top, right - left) / (
        size_px * (1 - 2 * border)
    )  # pixels of the picture for one of the square
    steps = (np.arange(size_px) + 0.5 - size_px / 2) * scale
    down, across = (top + bottom) / 2 + steps, (left + right) / 2 + steps
    colour = base_colour(picture, trusted(cutout))
    share = window_mean(matte, down, across, max(scale, 1.0))
    square = np.full((size_px, size_px, 4), 255, np.uint8)
    for channel in range(3):
        weighted = window_mean(colour[..., channel] * matte, down, across, max(scale, 1.0))
        straight = weighted / np.maximum(share, np.float32(1e-6))
        square[..., channel] = np.where(share > 0, np.clip(straight, 0, 255) + np.float32(0.5), 255)
    square[..., 3] = np.clip(share, 0, 1) * np.float32(255) + np.float32(0.5)
    square[square[..., 3] == 0] = (255, 255, 255, 0)
    return square


def _on_white(square: Bytes) -> Bytes:
    """The same, opaque, before white."""
    share = square[..., 3:] / np.float32(255)
    return (square[..., :3] * share + (1 - share) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


if __name__ == "__main__":
    main()
