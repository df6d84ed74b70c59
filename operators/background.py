# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's work in a background Blender, which has no timers: done before the operator returns. Not an operator."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import bpy

from ..api.errors import ImageTo3DError, user_message
from ..scene import settings
from ..scripting import work
from ..scripting.work import finish, work_off
from .interrupt import Interrupt, Interrupted
from .outcome import report

if TYPE_CHECKING:
    from ..session.start import Started

__all__ = ["finish", "finish_all", "finish_started", "work_off"]


def finish_all(
    operator: bpy.types.Operator,
    started: Sequence["Started"],
    trouble: str,
    scene: bpy.types.Scene,
    interrupt: Interrupt,
) -> None:
    """Finish one job after the other, also where one fails. Raises `ImageTo3DError` that says which have failed, and
    `trouble`, what could not be started; raises `Interrupted`, and then what was not sent yet is given up."""
    failed = []
    for number, each in enumerate(started):
        try:
            finish_started(operator, each, scene, interrupt)
        except Interrupted:
            for rest in started[number + 1 :]:
                _give_up_unsent(rest)
            raise
        except (ImageTo3DError, OSError) as error:
            if len(started) == 1 and not trouble:
                raise
            failed.append(f"{each.job.name}: {user_message(error)}")
    if failed:
        failed.insert(0, f"{len(failed)} of {len(started)} models could not be made.")
    if failed or trouble:
        raise ImageTo3DError(" ".join(filter(None, [*failed, trouble])))


def _give_up_unsent(started: "Started") -> None:
    """Nothing is paid for it yet, and the next Blender must not send what nobody waits for."""
    if not started.is_taken_up:
        work.give_up_unsent(started.job.id)


def finish_started(
    operator: bpy.types.Operator, started: "Started", scene: bpy.types.Scene, interrupt: Interrupt
) -> None:
    """Say where an earlier job was taken up instead of paying for a new one, and finish it. Raises as `finish` does."""
    job, is_taken_up = started
    if is_taken_up:
        report(operator, "INFO", f"{job.name}: {work.said_of_taken_up(job)}")
    try:
        target = scene if is_taken_up else settings.target_of(scene)
        finish(job.id, target, interrupt, is_taken_up=is_taken_up)
    except Interrupted:
        _give_up_unsent(started)
        work.end_all()  # what the script has asked for besides
        raise
