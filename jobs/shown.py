# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that shows a finished job's model when it is opened, made later than the model. Changes nothing of the job.
Imports no bpy."""

import os
import time
from pathlib import Path
from typing import Any

from .. import files
from ..api import blender
from ..api.errors import ImageTo3DError
from ..programs.bounds import Bounds
from ..programs.program import SCRATCH_PREFIX, SHOW, blender_command
from . import folder as folders


def make(folder: Path, config: dict[str, Any]) -> Path:
    """Make `folder.SHOWN` in a background Blender, wait for it, and return its path; `config` is as `worker.start`
    says. Raises `ImageTo3DError`, `OSError`."""
    drawn = folder / f"{SCRATCH_PREFIX}shown-{os.getpid()}.blend"
    request = {"blend": str(folder / folders.BLEND), "shown": str(drawn)}
    bounds = Bounds(**config.get("model_bounds", {}))
    program = blender.start(blender_command(config["blender"]), SHOW, request, folder, folder / folders.LOG, bounds)
    report = blender.finished(program, time.sleep)
    if report.done is None or not files.is_plain_file(drawn):
        raise ImageTo3DError(report.error or program.not_understood)
    return files.replace(drawn, folder / folders.SHOWN)
