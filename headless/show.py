# SPDX-License-Identifier: GPL-3.0-or-later
"""result.blend -> a .blend that shows the model when it is opened, wherever it is sent. Opens only what `convert` has
written, and that only where it is a model and nothing else: `convert` has read a stranger's file."""

import sys
import traceback
from pathlib import Path

import bpy

from ..programs.process import starter_is_gone
from . import showing, stranger
from .failures import sentence_of
from .report import Report, wait_for_request
from .saving import save_whole


def main() -> None:
    """Write `request["shown"]` from the model in `request["blend"]`, and report it as done."""
    request = wait_for_request(starter_is_gone)
    report = Report(Path(request["report"]), starter_is_gone)
    try:
        report.progress(0.0, "Opening the model")
        collection = opened(Path(request["blend"]))
        save_whole(Path(request["shown"]), lambda part: showing.write(part, collection))
        report.done()
    except stranger.StrangeError as error:
        report.fail(f"The model is damaged{f' ({error})' if str(error) else ''}: retry the job.")
        sys.exit(1)
    except Exception as error:  # whatever it is, the user gets a sentence, and the log the rest
        traceback.print_exc()
        report.fail(sentence_of(error))
        sys.exit(1)


def opened(blend: Path) -> bpy.types.Collection:
    """Open a file that is one model and nothing else, and return its collection. No script of it runs before that is
    known. Raises `StrangeError`."""
    stranger.require_own(blend)
    before, uid = stranger.counts(), stranger.next_uid()
    bpy.ops.wm.open_mainfile(filepath=str(blend), load_ui=False, use_scripts=False)
    # What rendering the thumbnail has left: 4.3 writes the image, which is none, into the file.
    bpy.data.batch_remove([image for image in bpy.data.images if image.source == "VIEWER"])
    stranger.require_model(before, uid)
    bpy.data.batch_remove([*bpy.data.cameras, *bpy.data.lights, *bpy.data.brushes, *bpy.data.linestyles])
    return next(iter(bpy.data.collections))


if __name__ == "__main__":
    main()
