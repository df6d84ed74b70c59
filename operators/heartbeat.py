# SPDX-License-Identifier: GPL-3.0-or-later
"""The app timer behind the modal operator: jobs go on when its window is closed, another file is opened or no modal operator may
begin, and what was interrupted is resumed after the next start. Blender fires it with a window only, never in the background.
"""

import traceback

import bpy

from ..scene import account, busy, session
from ..scene.session import Said

FIRST_S = 1.0  # after the start, which must not wait for the list of jobs
LOOK_EVERY_S = 0.5  # while there is something to wait for; each look at a job that goes on has the sidebars drawn again
IDLE_S = 2.0
BEHIND_S = 0.1  # while there are records to read or folders to delete: soon done, and holds nothing up
HAND_OVER_S = 0.2  # Blender autosaves while no operator is modal; this long is enough (tried on 4.3 and 5.2)

_watched = False
_looks = 0
_unsaid: list[Said] = []
"""What the user should hear. A timer cannot report: the modal operator does."""


def look() -> None:
    """Look after all that goes on outside Blender, and keep what is to be said about it."""
    global _looks
    _looks += 1
    said = session.tick()
    _unsaid.extend(said)
    for service in {entry.service for entry in said}:
        account.outdated(service)
    account.tick()
    account.look(bpy.context.scene.image_to_3d.service.lower())


def looks() -> int:
    """How often was looked."""
    return _looks


def take_said() -> list[Said]:
    """Return what is to be said, once."""
    said = _unsaid.copy()
    _unsaid.clear()
    return said


def is_needed() -> bool:
    """Whether there is something to wait for, or to say."""
    return bool(_unsaid) or session.is_busy() or account.is_busy()


def watched() -> bool:
    """Whether a modal operator watches over the jobs just now."""
    return _watched


def watch_began() -> None:
    """A modal operator has taken over."""
    global _watched
    _watched = True


def watch_ended() -> None:
    """The modal operator has ended, whichever way."""
    global _watched
    _watched = False
    _start_timer(HAND_OVER_S)


def _beat() -> float:
    """Look after the jobs; while there is something to wait for, have the modal operator do it, or look as often as it would."""
    is_locked = busy.is_locked()  # then a watch sleeps
    if _watched and not is_locked:
        return IDLE_S
    windows = bpy.context.window_manager.windows
    if not windows:
        return IDLE_S
    try:
        with bpy.context.temp_override(window=windows[0]):  # a timer has no window, and an undo step wants one
            look()
            # A scene that is linked from another file refuses the operator; a bake refuses whatever updates the scene.
            if is_needed() and not is_locked and bpy.ops.image_to_3d.generate.poll():
                bpy.ops.image_to_3d.generate("INVOKE_DEFAULT", watch=True)
    except Exception:  # a timer that raises is gone, and with it whoever would look after the jobs
        traceback.print_exc()
    if session.is_behind():
        return BEHIND_S
    return LOOK_EVERY_S if is_needed() and (is_locked or not _watched) else IDLE_S


def _start_timer(first_s: float) -> None:
    if bpy.app.timers.is_registered(_beat):
        bpy.app.timers.unregister(_beat)
    bpy.app.timers.register(_beat, first_interval=first_s, persistent=True)


def register() -> None:
    _start_timer(FIRST_S)


def unregister() -> None:
    global _watched
    _watched = False
    _unsaid.clear()
    if bpy.app.timers.is_registered(_beat):
        bpy.app.timers.unregister(_beat)
