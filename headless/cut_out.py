# SPDX-License-Identifier: GPL-3.0-or-later
"""Any picture -> a PNG with its figure before nothing, in a background Blender. Changes no given file.

The figure is what the Local service would shape (`cutout.py`). What is cut away keeps its color under an alpha of 0, so
that a brush which adds alpha brings it back. Never decides that nothing is left: where no figure can be told apart, the
picture comes back as it is.
"""

import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from ..programs.process import starter_is_gone
from .cutout import BETTER, CLOSE, Cutout, How, NothingToShape, cut_out
from .maps import base_colour, fitted, trusted
from .picture import UnreadablePicture, read
from .pixels import Bytes, Floats
from .report import Report, wait_for_request
from .saving import save_whole, write_png

SHOWN = 0.5  # of a figure, on average: a transparency that leaves less of it is one the wrong way round

TOO_LARGE = (
    "The picture needs more memory than Model Memory in the preferences allows: scale it down, or raise the limit."
)


def main() -> None:
    """Do what the request file that the first argument names says, and report."""
    request = wait_for_request(starter_is_gone)
    report = Report(Path(request["report"]), starter_is_gone)
    try:
        picture, output = Path(request["picture"]), Path(request["output"])
        facts = save_cut_out(picture, request["how"], output, report, request["called"])
    except (UnreadablePicture, NothingToShape) as error:
        traceback.print_exc()
        report.fail(str(error))
        sys.exit(1)
    except MemoryError:
        traceback.print_exc()
        report.fail(TOO_LARGE)
        sys.exit(1)
    report.done(**facts)


def save_cut_out(picture: Path, how: How, output: Path, report: Report, called: str = "The picture") -> dict[str, Any]:
    """Write the figure of `picture` to `output`, a PNG as large as the picture, but at most `picture.LONGEST` pixels on
    its longer side.

    Returns `file`; `shape_from`: "alpha", "background", or "rectangle", where nothing was cut away; and a `note` where
    there is something to be said of the picture, or of what was taken for its figure. Raises `UnreadablePicture`, which
    calls the picture `called`, and `NothingToShape`.
    """
    report.progress(0.0, "Reading the picture")
    pixels, notes = read(picture, called=called)
    report.progress(0.3, "Finding the figure")
    cutout = cut_out(pixels, how)
    report.progress(0.7, "Cutting the figure out")
    made = alone(pixels, cutout)
    report.progress(0.9, "Saving the picture")
    save_whole(output, lambda part: write_png(part, made))
    note = " ".join([*notes, *_decided(cutout)])
    return {"file": str(output), "shape_from": cutout.origin} | ({"note": note} if note else {})


def _decided(cutout: Cutout) -> list[str]:
    """What was decided about the figure, in sentences. Where nothing is cut away, what is decided for a model is
    not true of the picture; and what is advised for the model is done by painting here."""
    decided = cutout.note.replace(CLOSE, "").removesuffix(f"{BETTER}.").strip()
    return [decided] if cutout.origin == "background" and decided else []


def alone(picture: Bytes, cutout: Cutout) -> Bytes:
    """The figure alone, in a picture of straight sRGB bytes (h, w, 4).

    At its edge, the figure's color goes on, so that nothing of the old background shows there; where alpha is 0, the
    picture's own stays. A picture that is transparent already, or holds no figure, keeps its alpha.
    """
    if cutout.origin != "background":
        return picture
    made = np.empty_like(picture)
    made[..., 3] = _alpha(picture[..., 3], cutout.matte)
    shown = made[..., 3:] > 0
    made[..., :3] = np.where(shown, base_colour(picture, trusted(cutout)), picture[..., :3])
    return made


def _alpha(own: Bytes, matte: Floats) -> Bytes:
    """The alpha (h, w) of a figure with this matte, nowhere more than the picture's `own` leaves of it, unless that
    hides the figure."""
    height, width = own.shape
    # A coarser matte is stretched, and its edge is drawn together again to as many pixels as it had.
    steepness = max(1.0, height / matte.shape[0])
    edge = np.clip((fitted(matte, height, width) - np.float32(0.5)) * np.float32(steepness) + np.float32(0.5), 0, 1)
    share = own / np.float32(max(int(own.max()), 1))
    if float(share[edge >= 0.5].mean()) < SHOWN:
        return (edge * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return (np.minimum(edge, share) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


if __name__ == "__main__":
    main()
