# SPDX-License-Identifier: GPL-3.0-or-later
"""How an operator's work ends: done, or one sentence for the user. Not an operator."""

from collections.abc import Callable
from typing import Any

import bpy

from .. import session
from ..api.errors import ImageTo3DError, user_message
from ..scene.shown import shown
from .interrupt import Interrupt, Interrupted, held


def report(operator: bpy.types.Operator, severity: str, sentence: str) -> None:
    """Say a sentence to the user, whatever stands in it. `severity` is one of Blender's kinds of report: "INFO",
    "WARNING" or "ERROR"."""
    operator.report({severity}, shown(sentence))


def outcome(operator: bpy.types.Operator, action: Callable[[], Any]) -> set[str]:
    """Do `action`; where it fails, report why. Return what the operator returns."""
    return interruptible_outcome(operator, lambda interrupt: action())


def interruptible_outcome(operator: bpy.types.Operator, action: Callable[[Interrupt], Any]) -> set[str]:
    """The same for an action that may take long in a background Blender, and looks whether Ctrl+C was pressed
    meanwhile."""
    if not bpy.app.background:
        return _outcome(operator, lambda: action(Interrupt()))
    with held() as interrupt:
        try:
            return _outcome(operator, lambda: action(interrupt))
        except Interrupted:
            return {"CANCELLED"}


def _outcome(operator: bpy.types.Operator, action: Callable[[], Any]) -> set[str]:
    try:
        action()
    except (ImageTo3DError, OSError) as error:  # anything else is a bug, and Blender shows its traceback
        report(operator, "ERROR", user_message(error))
        return {"CANCELLED"}
    finally:
        session.current().show()
    return {"FINISHED"}
