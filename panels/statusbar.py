# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of the running jobs in Blender's status bar, and what a finished model waits for. Changes nothing."""

import bpy

from .. import session
from ..jobs.state import UNFINISHED
from ..scene.shown import shown
from .sentences import waiting

UNITS_WIDE = 10.0  # of the bar, so that the words in it can be read


def draw(self: bpy.types.Header, context: bpy.types.Context) -> None:
    current = session.begun()
    if current is None:  # Blender has just started
        return
    waits = waiting(current.arrivals.waiting())
    if waits:
        self.layout.label(text=shown(waits), translate=False)
    running = [
        job for job in current.queue.unfinished() if job.state in UNFINISHED and current.queue.is_running(job.id)
    ]
    if not running:
        return
    progress = sum(job.progress for job in running) / len(running)
    name = running[0].name if len(running) == 1 else f"{len(running)} models"
    row = self.layout.row()
    row.ui_units_x = UNITS_WIDE
    row.progress(factor=progress, text=shown(f"{name}: {progress:.0%}"), translate=False)


def register() -> None:
    bpy.types.STATUSBAR_HT_header.append(draw)


def unregister() -> None:
    bpy.types.STATUSBAR_HT_header.remove(draw)
