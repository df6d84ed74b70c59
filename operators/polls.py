# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an operator cannot be used: the scene cannot be changed, or there are no jobs. Changes nothing."""

from typing import Any

import bpy

from .. import session
from ..scene.settings import locked_reason


def can_change(cls: Any, context: bpy.types.Context) -> bool:
    """Whether an operator can change the scene; if not, its tooltip says why."""
    reason = locked_reason(context.scene)
    if reason:
        cls.poll_message_set(reason)
    return not reason


def has_jobs(cls: Any) -> bool:
    """Whether there may be a job; if not, the operator's tooltip says so. A script may come before the list was
    read."""
    queue = session.current().queue
    if queue.was_read and not len(queue):
        cls.poll_message_set("There are no jobs yet")
        return False
    return True
