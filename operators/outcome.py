# SPDX-License-Identifier: GPL-3.0-or-later
"""How an operator's work ends: done, or one sentence for the user. Not an operator."""

from collections.abc import Callable
from typing import Any

import bpy

from ..api.errors import ImageTo3DError, sentence_of


def outcome(operator: bpy.types.Operator, action: Callable[[], Any]) -> set[str]:
    """Do `action`; where it fails, report why. Return what the operator returns."""
    try:
        action()
    except (ImageTo3DError, OSError) as error:  # anything else is a bug, and Blender shows its traceback
        operator.report({"ERROR"}, sentence_of(error))
        return {"CANCELLED"}
    return {"FINISHED"}
