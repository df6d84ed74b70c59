# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an operator cannot be used: the scene cannot be changed, or there are no jobs. Changes nothing."""

from typing import TYPE_CHECKING, Any

import bpy

from .. import session
from ..api.errors import JobError
from ..scene.settings import locked_reason

if TYPE_CHECKING:
    from ..jobs.queue import Queue


def can_change(cls: Any, context: bpy.types.Context) -> bool:
    """Whether an operator can change the scene; if not, its tooltip says why."""
    reason = locked_reason(context.scene)
    if reason:
        cls.poll_message_set(reason)
    return not reason


def has_jobs(cls: Any) -> bool:
    """Whether there may be a job; if not, the operator's tooltip says so. With windows, a script may come before the
    list was read."""
    queue = session.current().queue
    if _none_on_disk(queue) if bpy.app.background else queue.was_read and not len(queue):
        cls.poll_message_set("There are no jobs yet")
        return False
    return True


def _none_on_disk(queue: "Queue") -> bool:
    """Whether there is no job. In the background nobody looks, so the disk is asked."""
    from ..jobs import history  # here, as it would slow down the start of Blender

    try:
        return not history.list_ids(queue.root)
    except (JobError, OSError):  # the operator says what is wrong
        return False
