# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the process that works on a job. What that process does is `run.py`, which Blender never imports."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..programs import process
from ..programs.process import Process
from . import folder as folders


def start(folder: Path, *, python: Sequence[str], config: dict[str, Any]) -> Process:
    """Start the process of the job in `folder`, in the Python that the command line `python` begins with; never waits.

    `config` is what the process needs to know beside its folder: "blender", the binary ("" for the bpy module), and
    "threads", how many each background Blender gets at most (none: as it likes); "model_bounds", the options of
    `Bounds` for what prepares the model; for a web service "connection", the options of the service's class ("network"
    among them as a dict), and "time_limit_s" for its task; "drawn", whether it has the thumbnail drawn (else that is
    left to a process which has); "shown", whether it makes a file that shows the model when it is opened
    (`folder.SHOWN`). Raises `StartError`, and `OSError` where its log cannot be written.
    """
    with folders.open_private(folder / folders.LOG, "ab") as log:
        return process.start("jobs.run", str(folder), python=python, config=config, stdout=log, stderr=log)
