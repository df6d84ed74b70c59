# SPDX-License-Identifier: GPL-3.0-or-later
"""The cause of an error of Blender's, from all that it says: fit for a sentence of ours. Raises nothing, and imports no
bpy.

What an operator reports arrives as one `RuntimeError` (Blender 4.2 to 5.2): a line for each report, with "Error: "
before it. Where the operator is written in Python and fails in a way that it did not expect, its report is a whole
traceback, and "Location: ..." comes last.
"""

import re

from .words import clean

IN_BLENDER = "Blender met an error of its own"
"""The cause where all that Blender says is where in its code that happened."""

_FOLDERS = re.compile(r"(?<![\w.:/\\])(?:[A-Za-z]:)?[/\\]{1,2}(?:[^/\\:\"'<>|\n]+[/\\])+")
"""The folders before the name of a file: what lies where on this machine is nobody's business."""


def cause_of(error: Exception) -> str:
    """Return why Blender refused, without "Error:" before and a full stop after it; the kind of error where it does not
    say."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("Location: ")]
    if any("Traceback (most recent call last)" in line for line in lines):
        return IN_BLENDER
    reports = [line for line in lines if line.startswith("Error: ")] or lines
    cause = reports[-1].removeprefix("Error: ") if reports else ""
    return clean(_FOLDERS.sub("", cause)).rstrip(". ") or type(error).__name__
