# SPDX-License-Identifier: GPL-3.0-or-later
"""Which finished models enter which scene, and when: by themselves where they were asked for, or by hand. Never waits
in a look.

A result that is expected enters its scene with the first look that finds it ready and Blender free; until then it
waits.
"""

import contextlib
import json
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import bpy

from ..api.errors import BusyError, ImageTo3DError, JobError, user_message
from ..jobs import folder as folders
from ..jobs.folder import Job, State
from ..jobs.queue import BUG, ENDED_WITHOUT, News, Queue, imported_elsewhere
from ..scene import settings
from ..scene.place import Placed, place
from ..scene.refusal import reason_of
from ..scene.selection import Selection, is_in_object_mode, selection_of, selections
from ..scene.view import view_layers
from . import busy

HAND_FULL_AT_MOST_S = 60.0  # some add-ons' tools never end; after this a model is there to be imported by hand

LETS_GO_S = 2.0
"""What a process takes at the most that has written that its job is ready, until it lets go of the job."""

KEPT = "image_to_3d_expected"
"""The property of the window manager in which Blender keeps what is expected while the extension is disabled or
updated. It is in no file, no undo step changes it, and it goes when another file is opened. (Not
`bpy.app.driver_namespace`, which is the same: to look into it has Blender 4.2 crash and 4.5 hang at its end where it is
a module of Python.)"""


@dataclass
class _Expected:
    """Where the result of a job goes."""

    scene: int
    """The session_uid of the scene that it enters. Another file has other scenes."""
    idle: dict[str, set[Selection]] = field(default_factory=dict)
    """By view layer: the selections at which the user has not turned to something else since the job began."""
    where: dict[str, Any] | None = None
    """Where in the scene, as `scene.place.place` takes it; None for where the job's record says."""


class Arrivals:
    """The results that are expected in scenes of this Blender."""

    def __init__(self, queue: Queue, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.hand_full_at_most_s = HAND_FULL_AT_MOST_S
        self.in_the_way = ""
        """What the last result that was to enter a scene waits for; "" where nothing was in its way."""
        self.first = ""
        """The job whose model was the first to enter a scene of this Blender; "" before that."""
        self.touched: set[str] = set()
        """Jobs that were asked for, or whose models came, here; the list of jobs empties it."""
        self._queue = queue
        self._clock = clock
        self._expected: dict[str, _Expected] = {}
        self._held_since_s: dict[str, float] = {}
        """By job: since when its result waits for the end of a tool."""

    def expect(self, job_id: str, scene: bpy.types.Scene, where: dict[str, Any] | None = None) -> None:
        """Have the result of a job enter `scene` by itself: where its record says, or at `where`."""
        self.touched.add(job_id)
        idle = {name: {selected} for name, selected in selections(scene).items()}
        self._expected[job_id] = _Expected(scene.session_uid, idle, where)
        self._held_since_s.pop(job_id, None)

    def keep(self) -> None:
        """Leave what is expected to the arrivals that are made next in this Blender, if the file is still open then."""
        kept = {
            job_id: {
                "scene": found.scene,
                "where": found.where,
                "idle": {
                    name: [[sorted(selected), active] for selected, active in idle] for name, idle in found.idle.items()
                },
            }
            for job_id, found in self._expected.items()
        }
        if kept:
            bpy.context.window_manager[KEPT] = json.dumps({**_kept(), **kept})

    def take_back(self) -> None:
        """Expect what `keep` has left, where the file is still open. Not in a drawing, which must not write."""
        for job_id, found in _kept().items():
            idle = {
                name: {(frozenset(selected), active) for selected, active in states}
                for name, states in found["idle"].items()
            }
            self._expected.setdefault(job_id, _Expected(found["scene"], idle, found.get("where")))
        if bpy.context.window_manager.get(KEPT) is not None:
            del bpy.context.window_manager[KEPT]

    def is_expected(self, job_id: str) -> bool:
        """Whether the result of a job is to enter a scene by itself, and still can."""
        return job_id in self._expected and not self._is_over(job_id)

    def expected(self) -> list[str]:
        """The jobs whose results are to enter a scene by themselves."""
        for job_id in [job_id for job_id in self._expected if self._is_over(job_id)]:
            self.leave(job_id)
        return list(self._expected)

    def _is_over(self, job_id: str) -> bool:
        """Whether nothing comes of a job any more: it was removed, has ended without a model, or its model was imported
        elsewhere."""
        job = self._queue.job(job_id)
        if job is None:
            return self._queue.is_complete  # else it may not have been read yet
        return job.state in (*ENDED_WITHOUT, State.IMPORTED) and not job.untold

    def scene_of(self, job_id: str) -> bpy.types.Scene | None:
        """The scene that the result of a job is to enter; None where it is in no file that is open, or no such result
        is expected."""
        found = self._expected.get(job_id)
        return next((scene for scene in bpy.data.scenes if found and scene.session_uid == found.scene), None)

    def where_of(self, job: Job) -> dict[str, Any]:
        """Where in its scene the result of a job goes, as `scene.place.place` takes it."""
        found = self._expected.get(job.id)
        return job.place if found is None or found.where is None else found.where

    def leave(self, job_id: str) -> None:
        """Leave a result to the user: it does not enter a scene by itself any more."""
        self._expected.pop(job_id, None)
        self._held_since_s.pop(job_id, None)

    def waits_for(self, job: Job) -> str:
        """What a result that enters its scene by itself waits for, "" where it waits for nothing or for the user: "the
        render"."""
        return self.in_the_way if job.state is State.READY and self.is_expected(job.id) else ""

    def waiting(self) -> list[Job]:
        """The jobs whose results are ready, and wait for the end of something."""
        if not self.in_the_way:
            return []
        known = [job for job_id in self._expected if (job := self._queue.job(job_id))]
        return [job for job in known if self.waits_for(job)]

    def look(self) -> list[News]:
        """Bring in what is ready. Return what the user should hear about it."""
        ready = [job for job_id in self.expected() if (job := self._queue.job(job_id)) and job.state is State.READY]
        if not ready:
            self.in_the_way = ""
        return [news for job in ready if (news := self._look_at(job)) is not None]

    def _look_at(self, job: Job) -> News | None:
        try:
            return self._bring_in(job)
        except (ImageTo3DError, OSError) as error:  # one job's trouble must not stop the others
            self.leave(job.id)
            return News("ERROR", f"{job.name}: {user_message(error)}", job.service)
        except Exception:  # neither may a bug of ours
            traceback.print_exc()
            self.leave(job.id)
            return News("ERROR", f"{job.name}: {BUG}", job.service)

    def _bring_in(self, job: Job) -> News | None:
        """Place an expected result; whatever is in the way is said, and the result stays ready to be imported by
        hand."""
        found = self._queue.refresh(job.id)
        if found.state is not State.READY:  # another Blender was here first
            is_theirs = found.state is State.IMPORTED
            return imported_elsewhere(found) if is_theirs else None
        scene = self.scene_of(job.id)
        if scene is None:
            self.leave(job.id)
            return News(
                "WARNING",
                f"{job.name} is ready, and its scene is not open: import it from the list of jobs",
                job.service,
            )
        reader, is_held = busy.reader(), busy.is_tool_held()
        self.in_the_way = reader or ("the tool in use" if is_held else "")
        # A model that came now would stand in the rest of the pictures: a later look brings it in, whenever that is.
        if reader:
            return None
        if is_held:
            now = self._clock()
            if now - self._held_since_s.setdefault(job.id, now) < self.hand_full_at_most_s:
                return None
            # An undo step that is pushed now would hold the half of what the tool does, also where the user then
            # cancels the tool.
            self.leave(job.id)
            # What to do comes first: beside the hints of a tool, the status bar shows the beginning only.
            return News(
                "WARNING", f"{job.name} is ready: import it from the list of jobs. A tool is in use", job.service
            )
        try:
            placed = self._place(job.id, scene)
        except RuntimeError as error:  # Blender's own refusal: once is enough, the result stays ready
            self.leave(job.id)
            return News("ERROR", f"{job.name} could not be added ({reason_of(error)}): import it from the list of jobs")
        except BusyError:
            return None  # its process has not let go of it yet, or somebody looks at it; the next look tries again
        except ImageTo3DError as error:
            self.leave(job.id)
            return News("ERROR", str(error))
        return News("INFO", said_of(job, placed), job.service)

    def import_result(
        self,
        job_id: str,
        scene: bpy.types.Scene,
        *,
        undo_step: bool = True,
        where: dict[str, Any] | None = None,
    ) -> Placed:
        """Bring a finished job's model into `scene`: to `where`, as `scene.place.place` takes it; without that to where
        the job was asked for, or, by hand, to where the scene's settings say now. Without `undo_step` it belongs to the
        next step that anybody pushes.

        Where the job's own process has only just written that it is ready, it is waited for until it lets go of the
        job. Raises `JobError`, `BusyError`.
        """
        with contextlib.suppress(BusyError):
            return self._place(job_id, scene, undo_step, where)
        self._queue.let_go(job_id, LETS_GO_S)
        return self._place(job_id, scene, undo_step, where)

    def _place(
        self, job_id: str, scene: bpy.types.Scene, undo_step: bool = True, where: dict[str, Any] | None = None
    ) -> Placed:
        folder = self._queue.folder_of(job_id)
        with folders.lock(folder):
            job = folders.read(folder)
            if job.state not in folders.HAS_RESULT:
                raise JobError(f"{job.name} has no model yet: it is {job.state}.")
            expected = self._expected.get(job.id)
            by_hand = where is None and (expected is None or job.state is State.IMPORTED)
            if reader := busy.reader():
                raise JobError(
                    f"{job.name} would stand in what is made just now: wait for {reader} to end, then import it."
                )
            target = settings.target_of(scene) if by_hand else scene
            if where is None:
                where = settings.place_of(scene) if by_hand else self.where_of(job)
            idle = None if by_hand or expected is None else expected.idle
            before = {view_layer.name: selection_of(view_layer) for view_layer in view_layers(target)}
            # While a tool is held, its end is the next undo step, and the model comes with it.
            placed = place(
                folder,
                job,
                target,
                where,
                undo_step=undo_step and not busy.is_tool_held(),
                select_in=_to_select_in(target, where.get("select", ""), idle),
            )
            self._note_arrival(target, before)
            self.leave(job.id)
            self.first = self.first or job.id
            self.touched.add(job.id)
            job.state = State.IMPORTED
            folders.write(folder, job)
        self._queue.refresh(job_id)
        return placed

    def _note_arrival(self, scene: bpy.types.Scene, before: dict[str, Selection]) -> None:
        """Where a model was selected as it arrived, the user has not turned to something else. The selection of before
        counts as well: it is back where the arrival is undone."""
        after = selections(scene)
        for expected in self._expected.values():
            if expected.scene == scene.session_uid:
                for name, idle in expected.idle.items():
                    if before.get(name) in idle and name in after:
                        idle.add(after[name])


def _kept() -> dict[str, Any]:
    """What `Arrivals.keep` has left in this Blender."""
    kept = bpy.context.window_manager.get(KEPT)
    return json.loads(kept) if isinstance(kept, str) else {}


def _to_select_in(
    scene: bpy.types.Scene, when: str, idle: dict[str, set[Selection]] | None
) -> list[bpy.types.ViewLayer]:
    """The view layers in which a model that arrives is selected. `when` as the settings have it, "" for "IDLE"; without
    `idle` the user has just asked for the model."""
    if when == "NEVER":
        return []
    return [
        view_layer
        for view_layer in view_layers(scene)
        if is_in_object_mode(view_layer)
        and (when == "ALWAYS" or idle is None or selection_of(view_layer) in idle.get(view_layer.name, ()))
    ]


def said_of(job: Job, placed: Placed) -> str:
    """A sentence about a model that has arrived: "Fox is in the scene, beside Cube: 4,812 faces"."""
    return f"{', '.join([f'{job.name} is in the scene', *placed.remarks])}: {job.note}"
