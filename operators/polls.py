# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an operator cannot be used in the scene that is shown. Changes nothing."""

from typing import Any

import bpy

from ..scene.settings import locked_reason


def can_change(cls: Any, context: bpy.types.Context) -> bool:
    """Whether an operator can change the scene; if not, its tooltip says why."""
    reason = locked_reason(context.scene)
    if reason:
        cls.poll_message_set(reason)
    return not reason
