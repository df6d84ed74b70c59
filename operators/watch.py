# SPDX-License-Identifier: GPL-3.0-or-later
"""The timer that looks after the jobs, and the operator that says what has become of them. Blender fires timers with a
window only.

The timer outlives windows and files. It cannot report, so where there is something to say it starts
`image_to_3d.watch`, which is modal until the next event, reports, and ends: while an operator is modal, Blender
postpones its autosave and refuses Reload Scripts.
"""

import bpy

from .. import session
from ..scene.settings import service_of
from .outcome import report

FIRST_S = 1.0  # after the start, which must not wait for the list of jobs
SOON_S = 0.05  # after a job was started, which the user wants to see going on
LOOK_EVERY_S = 0.5  # while there is something to wait for; each look at a job that goes on has the sidebars drawn again
NEARLY_S = 0.1  # while a model is just made ready that enters the scene by itself: it is seen at once
IDLE_S = 2.0
BEHIND_S = 0.02  # while there are records to read or folders to delete: soon done, and holds nothing up
REPORT_AFTER_S = 0.02  # a modal operator is shown no event before its first of a timer


class IMAGE_TO_3D_OT_watch(bpy.types.Operator):
    """Say what has become of the jobs"""

    bl_idname = "image_to_3d.watch"
    bl_label = "Report on Jobs"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Without events, as in the background: say at once what there is to say."""
        _say(self)
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background:  # nobody would ever wake a modal operator there
            return self.execute(context)
        from ..session import busy  # here, as it would slow down the start of Blender

        current = session.current()
        # One is enough; and with a dead handler in a window the timer tries again later.
        if current.watch_timer is not None or context.window is None or busy.has_dead_handler():
            return {"CANCELLED"}
        current.watch_timer = context.window_manager.event_timer_add(REPORT_AFTER_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        end_watch()
        _say(self)
        return {"FINISHED", "PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        end_watch()


def _say(operator: bpy.types.Operator) -> None:
    """Report all that the user should hear."""
    unsaid = session.current().unsaid
    while unsaid:
        news = unsaid.pop(0)
        report(operator, news.severity, news.sentence)


def end_watch() -> None:
    """Every way out of the modal operator passes through here."""
    current = session.begun()
    if current is not None and current.watch_timer is not None:
        bpy.context.window_manager.event_timer_remove(current.watch_timer)
        current.watch_timer = None


def look() -> None:
    """Look after all that goes on outside Blender, and keep what is to be said about it."""
    current = session.current()
    news = current.look()
    current.unsaid += news
    for service in {said.service for said in news}:
        current.accounts.outdated(service)
    current.accounts.look(service_of(bpy.context.scene.image_to_3d))


def is_needed() -> bool:
    """Whether there is something to wait for, or to say."""
    current = session.current()
    return bool(current.unsaid) or current.is_busy() or current.accounts.is_busy()


def beat() -> float:
    """Look after the jobs, and have said what is to be said. Return after how many seconds to do so again. The timer's
    function."""
    from ..session import busy

    windows = bpy.context.window_manager.windows
    if not windows:
        return IDLE_S
    try:
        with bpy.context.temp_override(window=windows[0]):  # a timer has no window, and an undo step wants one
            look()
            # Where a result waits, the watch brings its timer's event, too: a viewport render that is over (5.2.2)
            # stays in the list of modal operators until the next event, and with no hand on the mouse there is none.
            # While the interface is locked, a modal operator may get no event, and a bake refuses whatever updates the
            # scene.
            current = session.current()
            if (current.unsaid or current.arrivals.in_the_way) and not busy.is_locked():
                bpy.ops.image_to_3d.watch("INVOKE_DEFAULT")
    except Exception:  # a timer that raises is gone, and with it whoever would look after the jobs
        import traceback

        traceback.print_exc()
    if session.current().is_behind():
        return BEHIND_S
    if session.current().is_one_nearly_here():
        return NEARLY_S
    return LOOK_EVERY_S if is_needed() else IDLE_S


def wake() -> None:
    """Look soon: there is something new to be looked after."""
    _start_timer(SOON_S)


def _start_timer(first_s: float) -> None:
    if bpy.app.timers.is_registered(beat):
        bpy.app.timers.unregister(beat)
    bpy.app.timers.register(beat, first_interval=first_s, persistent=True)


_register, _unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_watch,))


def register() -> None:
    _register()
    _start_timer(FIRST_S)


def unregister() -> None:
    current = session.begun()
    if current is not None:
        current.arrivals.keep()  # nobody looks from here on, until the extension is enabled again
    if bpy.app.timers.is_registered(beat):
        bpy.app.timers.unregister(beat)
    end_watch()  # Blender drops a modal operator whose class goes, and tells it nothing
    _unregister()
