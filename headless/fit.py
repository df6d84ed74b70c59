# SPDX-License-Identifier: GPL-3.0-or-later
"""Any picture -> a PNG or JPEG that a service takes, in a background Blender. Never enlarges; changes no given file.

A JPEG stays a JPEG; everything else becomes a PNG of 8 bits a channel. What shows nothing is refused. `picture.py`
reads, so what is written is upright and in sRGB, as it has neither EXIF nor a profile. What leaves the machine tells
nothing of what was cut away: a service that ignores alpha would see it.
"""

import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from ..api.headers import kind_of, size_of
from ..programs.process import starter_is_gone
from .picture import MOST_PIXELS, Picture, UnreadablePicture, is_as_seen, is_deep_png
from .picture import read as read_any
from .pixels import Bytes, Mask
from .report import Report, wait_for_request
from .saving import save_whole, write_jpeg, write_png

JPEG_QUALITY = 95  # of 100: no mark of the second compression is seen
NOTHING = (255, 255, 255)  # the color of what was cut away: services know white as a background
LEAST_TOLD = 64  # pixels: fewer tell nothing of what was there

NotFitting = UnreadablePicture
"""The picture cannot be used; the text says so to the user, and what to do."""


def main() -> None:
    """Do what the request file that the first argument names says, and report."""
    request = wait_for_request(starter_is_gone)
    report = Report(Path(request["report"]), starter_is_gone)
    picture, called = Path(request["picture"]), request["called"]
    limit_px, may_be_flat = request["limit_px"], request.get("may_be_flat", False)
    conceals, stem = request.get("conceals", False), request["output_stem"]
    try:
        if request["only_look"] and _stays(picture):
            concealed = Path(stem + ".png") if conceals else None
            facts = look(picture, limit_px, report, called, may_be_flat=may_be_flat, concealed=concealed)
        else:
            facts = fit(picture, limit_px, stem, report, called, may_be_flat=may_be_flat, conceals=conceals)
    except NotFitting as error:
        traceback.print_exc()
        report.fail(str(error))
        sys.exit(1)
    report.done(**facts)


def _stays(picture: Path) -> bool:
    """Whether a service sees the file as it is meant, or it cannot be opened anyway."""
    try:
        return is_as_seen(picture)
    except OSError:
        return True


def look(
    picture: Path,
    limit_px: int,
    report: Report,
    called: str = "",
    *,
    may_be_flat: bool = False,
    concealed: Path | None = None,
) -> dict[str, Any]:
    """Return `picture` itself as `file`; or `concealed`, where that is given and the picture tells of what was cut
    away: a PNG without that, with `width` and `height`. Raises `NotFitting` as `fit` does."""
    report.progress(0.0, "Looking at the picture")
    called = called or picture.name
    width, height = _told_size(picture, called)
    if width * height > MOST_PIXELS:  # the service takes more than can be looked at here
        return {"file": str(picture)}
    pixels = read(picture, limit_px, report, called, may_be_flat=may_be_flat).pixels
    # Of 16 bits, Blender leaves no color where the alpha is 0: only the file knows of one.
    if concealed is None or not (conceal(pixels) or (is_deep_png(picture) and _hidden(pixels).any())):
        return {"file": str(picture)}
    report.progress(0.8, "Saving the picture")
    save_whole(concealed, lambda part: write_png(part, pixels))
    height, width = pixels.shape[:2]
    return {"file": str(concealed), "width": width, "height": height}


def fit(
    picture: Path,
    limit_px: int,
    output_stem: str,
    report: Report,
    called: str = "",
    *,
    may_be_flat: bool = False,
    conceals: bool = False,
) -> dict[str, Any]:
    """Write `picture` to `output_stem` plus its ending, the longer side at most `limit_px`. Where it `conceals`, the
    file tells nothing of what was cut away.

    Returns `file`, `width` and `height`, and a `note` where something could not be done as it should. Raises
    `NotFitting`, which calls the picture `called`, where there is nothing to be read, or nothing to be seen.
    """
    pixels, notes = read(picture, limit_px, report, called, may_be_flat=may_be_flat)
    if conceals:
        conceal(pixels)
    report.progress(0.8, "Saving the picture")
    if kind_of(picture) == "JPEG":
        file = Path(output_stem + ".jpg")
        save_whole(file, lambda part: write_jpeg(part, pixels, JPEG_QUALITY))
    else:
        file = Path(output_stem + ".png")
        written = pixels if (pixels[..., 3] < 255).any() else np.ascontiguousarray(pixels[..., :3])
        save_whole(file, lambda part: write_png(part, written))
    height, width = pixels.shape[:2]
    facts = {"file": str(file), "width": width, "height": height}
    return facts | ({"note": " ".join(notes)} if notes else {})


def conceal(pixels: Bytes) -> bool:
    """Have (h, w, 4) pixels hold one color wherever they are fully transparent, and return True; False, and nothing is
    changed, where they do already."""
    hidden = _hidden(pixels)
    colors = pixels[hidden][:, :3]
    if len(colors) < LEAST_TOLD or (colors == colors[0]).all():
        return False
    pixels[hidden, :3] = NOTHING
    return True


def _hidden(pixels: Bytes) -> Mask:
    """Where (h, w, 4) pixels are fully transparent, (h, w)."""
    return pixels[..., 3] == 0


def read(picture: Path, limit_px: int, report: Report, called: str = "", *, may_be_flat: bool = False) -> Picture:
    """`picture.read` for a service, which is sent nothing of one color. Raises `NotFitting` as `fit` does."""
    report.progress(0.0, "Reading the picture")
    called = called or picture.name
    _told_size(picture, called)
    return read_any(picture, limit_px, called, may_be_flat=may_be_flat)


def _told_size(picture: Path, called: str) -> tuple[int, int]:
    """Width and height as the file's header tells them, 0 where it does not. Raises `NotFitting` where there is no
    file, or nothing in it."""
    try:
        if picture.stat().st_size:
            return size_of(picture) or (0, 0)
    except OSError:
        pass
    raise NotFitting(f"{called} is not a picture that can be opened: choose a PNG or JPEG file.")


if __name__ == "__main__":
    main()
