# SPDX-License-Identifier: GPL-3.0-or-later
"""One job, as a script in Blender holds it. Never holds a window: it waits in a background Blender only."""

import functools
import math
import time
from collections.abc import Callable, Sequence
from typing import Self

import bpy

from .. import session
from ..api.errors import ImageTo3DError, JobError, OfflineError, ParameterError
from ..jobs.handle import Handle
from ..jobs.state import UNFINISHED, State
from ..scene.found import JOB
from . import asked, work
from .interrupt import Interrupt


class Job(Handle):
    """A job of this user. What it tells is read anew each time; raises `JobError` where the job was removed.

    Two of the same job are equal.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def name(self) -> str:
        """What its model is called."""
        return self.record.name

    @property
    def service(self) -> str:
        """Its service: "local", "comfyui", "meshy" or "csm"."""
        return self.record.service

    @property
    def objects(self) -> list[bpy.types.Object]:
        """The objects of its model in the open file, the root first; none where it is not there. Where it was imported
        several times, those of all."""
        return [part for root in self._roots() for part in (root, *root.children_recursive)]

    @property
    def collection(self) -> bpy.types.Collection | None:
        """The model's own collection in the open file; None where it is not there. Where it was imported several times,
        the last."""
        every = [entry for entry in bpy.data.collections if entry.get(JOB) == self.id and entry.library is None]
        return max(every, key=lambda entry: entry.session_uid, default=None)

    def _roots(self) -> list[bpy.types.Object]:
        every = [entry for entry in bpy.data.objects if entry.get(JOB) == self.id and entry.library is None]
        return sorted(every, key=lambda entry: entry.session_uid)

    def begin(self) -> None:
        """Have its process started now, if as many as the preferences say do not run already."""
        session.current().queue.advance(self.id)

    def wait(self, timeout: float | None = None, on_progress: Callable[[Self], object] | None = None) -> Self:
        """Wait until its model is in the scene, and return the job. For a background Blender only.

        The other jobs that the script has asked for go on meanwhile; each model arrives when its own job is waited for.

        Args:
            timeout: Seconds; None for as long as it takes.
            on_progress: Called with the job each time that its progress or message has changed.

        Raises:
            ImageTo3DError: It ended without a model: `error`, with the class that the api has raised.
            OfflineError: It waits for Blender's online access.
            TimeoutError: The time is over. The job goes on; wait for it again.
            KeyboardInterrupt: Ctrl+C was pressed. All jobs have stopped in order; what is paid for goes on in the next
                run, what was not sent yet is given up.
            JobError: In a window, which would freeze; or the model cannot be brought into the scene.
        """
        if not bpy.app.background:
            raise JobError(
                "wait() would freeze Blender's window: use job.on_end(callback), which is called when the model is in "
                "the scene."
            )
        until_s = _until_s(timeout)
        found = None if on_progress is None else lambda record: on_progress(self)
        with work.in_order() as interrupt:
            self._wait(interrupt, until_s, found)
        return self

    def _wait(self, interrupt: Interrupt, until_s: float | None, found: work.Found | None) -> None:
        if self.state is State.IMPORTED and self._roots():
            self._end()
            return
        try:
            self._finish(interrupt, until_s, found)
        except (TimeoutError, OfflineError):
            raise  # it goes on, or may
        except (ImageTo3DError, OSError):
            if not self._is_unfinished():
                session.current().arrivals.leave(self.id)
                self._end()
            raise
        self._end()

    def _is_unfinished(self) -> bool:
        job = session.current().queue.job(self.id)
        return job is not None and job.state in UNFINISHED

    def _finish(self, interrupt: Interrupt, until_s: float | None, found: work.Found | None) -> None:
        current = session.current()
        is_expected = current.arrivals.is_expected(self.id)
        scene = current.arrivals.scene_of(self.id) if is_expected else asked.scene_of(None)
        if scene is None:
            raise JobError(
                f"The scene that {self.name} is to enter is not open any more: call import_() when it is ready."
            )
        where = current.arrivals.where_of(self.record)
        is_taken_up = current.scripted.is_taken_up(self.id)
        current.scripted.add(self.id, is_taken_up=True)  # where another run has left it, a Ctrl+C does not give it up
        work.finish(self.id, scene, interrupt, where, is_taken_up=is_taken_up, until_s=until_s, found=found)

    def _end(self) -> None:
        """The script knows how it has ended."""
        scripted = session.current().scripted
        scripted.forget(self.id)
        scripted.call(self.id)

    def on_end(self, callback: Callable[[Self], object]) -> None:
        """Have `callback` called once with the job when its model is in the scene, or it has ended without one; at
        once, where that is so. `error` tells which.

        In a window it is called from a timer, also where another file is open by then, and the model waits in the list
        of jobs; not after the extension was disabled. In a background Blender it is called in `wait()`. What it raises
        is printed. Raises `JobError` where there is no such job.
        """
        if not callable(callback):
            raise ParameterError("on_end needs a function that takes the job.")
        session.current().scripted.on_end(self.id, functools.partial(callback, self))

    def cancel(self) -> None:
        """Give it up. In a background Blender its service is told before this returns. Raises `JobError`,
        `BusyError`."""
        current = session.current()
        with work.in_order() as interrupt:
            super().cancel()
            current.arrivals.leave(self.id)
            if bpy.app.background:
                work.work_off(self.id, interrupt)
        self._end()

    def retry(self) -> None:
        """Try it again from where it stopped; what is paid for is not paid again. Its model enters the scene of the
        context, as that of a new job does. Raises `JobError` where it has not ended, `BusyError`."""
        current = session.current()
        # In the background nothing goes on by itself, so that what another run has left is tried again, too.
        (current.queue.resume if bpy.app.background else current.queue.retry)(self.id)
        current.arrivals.expect(self.id, asked.scene_of(None))
        if bpy.app.background:
            current.scripted.add(self.id, is_taken_up=False)
        current.show()
        self.begin()

    def import_(
        self,
        scene: bpy.types.Scene | str | None = None,
        location: Sequence[float] | None = None,
        collection: str | bpy.types.Collection | None = None,
    ) -> list[bpy.types.Object]:
        """Add its model to a scene, once more where it is there already, and return the objects that were added, the
        root first. The arguments are those of `generate`; what is left out is as it was asked for.

        Raises `JobError` where it has no model, or that cannot be added; `BusyError`, `ParameterError`.
        """
        target = asked.scene_of(scene)
        where = {**self.record.place, "row": "", "number": 0}
        if location is not None:
            where.update(asked.place_of(target, location))
        asked.require_collection(collection)
        with asked.collection_in(target, collection) as place:
            placed = session.current().arrivals.import_result(self.id, target, where={**where, **place})
        session.current().show()
        self._end()
        return [placed.root, *placed.root.children_recursive]


def _until_s(timeout: float | None) -> float | None:
    """When a wait that begins now ends, in seconds of `time.monotonic`. Raises `ParameterError`."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or math.isnan(timeout) or timeout < 0:
        raise ParameterError(f"timeout cannot be {timeout!r}: use seconds, or None for as long as it takes.")
    return time.monotonic() + timeout
