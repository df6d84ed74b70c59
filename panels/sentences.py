# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences as panels show them: in as many lines as the sidebar needs, as a label does not break by itself."""

import textwrap
from typing import TYPE_CHECKING

import bpy

from .. import session
from ..scene.shown import shown

if TYPE_CHECKING:
    from ..jobs.folder import Job

LETTER_WIDTH_PX = 6.2  # of the interface's font at scale 1: few lines have wider ones
BESIDE_PX = 54  # what a region has beside its lines, at the same scale: the tabs, and the box around a panel
ICON_PX = 24
LEAST_LETTERS = 20


def draw_sentence(
    layout: bpy.types.UILayout, text: str, context: bpy.types.Context, icon: str = "NONE", least: int = 1
) -> None:
    """Draw `text`, whatever stands in it, with `icon` before its first line, in `least` lines or more."""
    width = context.region.width / context.preferences.system.ui_scale
    letters = int((width - BESIDE_PX - (ICON_PX if icon != "NONE" else 0)) / LETTER_WIDTH_PX)
    col = layout.column(align=True)
    col.scale_y = 0.8
    lines = textwrap.wrap(shown(text), max(LEAST_LETTERS, letters))
    for number, line in enumerate(lines):
        col.label(text=line, translate=False, icon=icon if number == 0 else "BLANK1" if icon != "NONE" else "NONE")
    for _ in range(least - len(lines)):
        col.label(text="")


def waiting(jobs: "list[Job]") -> str:
    """What finished models wait for that enter their scene by themselves; "" without one. All wait for the same."""
    if not jobs:
        return ""
    what = session.current().arrivals.waits_for(jobs[0])
    if len(jobs) == 1:
        return f"{jobs[0].name} is ready and waits for {what} to end"
    return f"{len(jobs)} models are ready and wait for {what} to end"
