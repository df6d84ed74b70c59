# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that shows a finished job's model when it is opened: made after the model, in a Blender of its own. Changes
nothing else of the job. Imports no bpy."""

import contextlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import files
from ..api import blender
from ..api.errors import ImageTo3DError
from ..programs.bounds import Bounds
from ..programs.program import SCRATCH_PREFIX, SHOW, blender_command
from . import folder as folders


def make(folder: Path, config: dict[str, Any], sleep: Callable[[float], None] = time.sleep) -> Path:
    """Make `folder.SHOWN` in a background Blender, wait for it, and return its path; `config` is as `worker.start`
    says, `sleep` may raise. Raises `ImageTo3DError`, `OSError`."""
    own = Path(tempfile.mkdtemp(prefix=f"{SCRATCH_PREFIX}shown-", dir=folder))
    try:
        shown = own / f"{folders.SHOWN}.blend"
        request = {"blend": str(folder / folders.BLEND), "shown": str(shown)}
        bounds = Bounds(**config.get("model_bounds", {}))
        command = blender_command(config["blender"], config.get("threads", 0))
        program = blender.start(command, SHOW, request, own, folder / folders.LOG, bounds)
        report = blender.finished(program, sleep)
        if report.done is None or not files.is_plain_file(shown):
            raise ImageTo3DError(report.error or program.not_understood)
        return files.replace(shown, folder / folders.SHOWN)
    finally:
        with contextlib.suppress(OSError):  # whoever works on the job next clears it away
            files.remove_tree(own)
