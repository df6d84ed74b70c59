# SPDX-License-Identifier: GPL-3.0-or-later
"""All that one Blender knows about jobs, and its look at them. Made by `session.current()`, and by nobody else."""

import sys
import time

import bpy

from ..jobs.folder import UNFINISHED, State
from ..jobs.queue import News, Queue
from ..scene.named import pictures_of
from ..scene.refusal import reason_of
from . import access
from .account import Accounts
from .arrivals import Arrivals
from .cutting import Cutting
from .here import Here
from .pace import Pace
from .previews import Previews
from .recent import Recent
from .redraw import redraw
from .rows import JobList
from .scripted import Scripted
from .usual import Usual

NEARLY = (State.CONVERTING, State.READY)
"""The states in which a job's model is about to be there."""


class Session:
    """The parts, each of which is used by itself; and what is done with all of them."""

    def __init__(self) -> None:
        self.queue = Queue(
            access.jobs_folder,
            python=[sys.executable, *bpy.app.python_args],
            config_of=access.config_of,
            reason_to_wait=access.reason_to_wait,
            at_once=access.jobs_at_once,
        )
        self.arrivals = Arrivals(self.queue)
        self.accounts = Accounts()
        self.cutting = Cutting()
        self.joblist = JobList(self.queue, self.arrivals.touched)
        self.pace = Pace()
        self.previews = Previews()
        self.recent = Recent()
        self.scripted = Scripted(self.queue, self.arrivals)
        self.usual = Usual()
        self.unsaid: list[News] = []
        """What the user should hear. A timer cannot report: an operator does."""
        self.here = Here()
        self.shown = ""
        """The job whose model the user has been shown last; "" for none."""
        self.watch_timer: bpy.types.Timer | None = None
        """What the operator wakes up by that reports, while it runs: there is one at most."""
        self.looks = 0
        """How often was looked."""
        self.pressed: tuple[tuple[str, str, str] | None, float, int] = (None, -1.0, -1)
        """What was asked for by the last press that started jobs (None before the first), when (time.monotonic), and
        after how many looks."""

    def look(self) -> list[News]:
        """Start what waits, look at what runs, bring in what is ready. Return what the user should hear: that a job has
        ended, or goes on, or that a figure is cut out."""
        self.looks += 1
        self.arrivals.take_back()
        expected = set(self.arrivals.expected())
        trouble, waits = self.queue.trouble, self.arrivals.in_the_way
        news = [said for said in self.queue.look() if self._is_worth_saying(said, expected)]
        if not self.queue.trouble:
            news += self.arrivals.look()
        news += self.cutting.look()
        self.scripted.look()
        if self.queue.trouble != trouble or self.arrivals.in_the_way != waits:
            redraw()
        self.show()
        if self._is_picture_changed():
            redraw()
        return news

    def _is_picture_changed(self) -> bool:
        """Whether one of the chosen pictures looks otherwise than at the last look."""
        files, images = pictures_of(bpy.context.scene.image_to_3d)
        return self.previews.look_at(files, images)

    def _is_worth_saying(self, news: News, expected: set[str]) -> bool:
        """A model that enters a scene by itself says so when it is there; one that another Blender has imported is
        nobody's news but where it was expected."""
        if news.state is State.READY:
            return news.job_id not in expected
        return news.state is not State.IMPORTED or news.job_id in expected

    def show(self) -> None:
        """Have the windows show the jobs as they are now."""
        changed = self.queue.take_changes()
        for job_id in changed:
            job = self.queue.job(job_id)
            if job is not None and job.state in UNFINISHED:
                self.pace.note(job_id, job.progress, time.monotonic())
            else:
                self.pace.forget(job_id)
            if job is not None:
                self.usual.note(job)
                self.recent.note(job)
        self.joblist.note(changed)
        if self.joblist.fill() or changed:
            redraw()

    def show_model(self, job_id: str) -> None:
        """Show the model of a job, as its button does. For what is no operator, as a double click."""
        windows = bpy.context.window_manager.windows
        if not windows:
            return
        try:
            with bpy.context.temp_override(window=windows[0]):
                bpy.ops.image_to_3d.show("INVOKE_DEFAULT", True, job=job_id)  # with an undo step
        except RuntimeError as error:  # its own sentence, which only an operator that is called by hand reports
            self.unsaid.append(News("ERROR", reason_of(error)))

    def is_busy(self) -> bool:
        """Whether a process of ours runs, or a result is expected."""
        return self.queue.is_busy() or bool(self.arrivals.expected()) or self.cutting.is_busy()

    def is_one_nearly_here(self) -> bool:
        """Whether a model is just prepared that enters a scene by itself, and nothing is in its way."""
        jobs = map(self.queue.job, self.arrivals.expected())
        return not self.arrivals.in_the_way and any(job is not None and job.state in NEARLY for job in jobs)

    def is_behind(self) -> bool:
        """Whether the next look goes on with what this one had no time for."""
        return self.queue.is_behind() or self.joblist.is_behind

    def close(self) -> None:
        """Have all processes end themselves, and ask no further; jobs go on in the next session."""
        self.scripted.close()
        self.queue.close()
        self.accounts.close()
        self.cutting.close()
        self.previews.close()
