# SPDX-License-Identifier: GPL-3.0-or-later
"""result.blend -> a .blend that shows the model when it is opened, for a job whose process has made none. Opens only
what `convert` has written."""

import sys
import traceback
from pathlib import Path

import bpy

from ..programs.process import starter_is_gone
from . import showing
from .failures import sentence_of
from .report import Report, wait_for_request
from .saving import save_whole


def main() -> None:
    """Write `request["shown"]` from the model in `request["blend"]`, and report it as done."""
    request = wait_for_request(starter_is_gone)
    report = Report(Path(request["report"]), starter_is_gone)
    try:
        report.progress(0.0, "Opening the model")
        bpy.ops.wm.open_mainfile(filepath=request["blend"], load_ui=False, use_scripts=False)
        collection = next(iter(bpy.data.collections))
        save_whole(Path(request["shown"]), lambda part: showing.write(part, collection))
        report.done()
    except Exception as error:  # whatever it is, the user gets a sentence, and the log the rest
        traceback.print_exc()
        report.fail(sentence_of(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
