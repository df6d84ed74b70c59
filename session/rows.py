# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rows the list of jobs has, in which order, and which of them is selected. Reads no file.

The items are the rows that are shown, and no others: jobs of this file, those of other files where they are asked for,
what a search finds, and of variants that are folded the first. So Blender, which walks all items whenever it draws, has
little to do. What takes long with many jobs goes on with each look, for a while.
"""

import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import bpy

from ..api.services import label_of
from ..jobs.state import UNFINISHED, State
from ..scene import found
from .joblist import STATES, IMAGE_TO_3D_PG_jobs, show_soon
from .redraw import SIDEBAR_AREAS

if TYPE_CHECKING:
    from ..jobs.folder import Job
    from ..jobs.queue import Queue

STEP_S = 0.004
"""How long one look goes on with the list: ten thousand items at once would hold the window up."""

AT_ONCE = 25  # so many jobs are looked at before the clock is asked

NEWEST_FIRST = str.maketrans("0123456789abcdef", "fedcba9876543210")
"""Turns the order of ids around, which begin with the time."""

FIRST, OTHER = "0", "1"
"""What a place begins with: that of a job that is always shown, and of one that is only shown with those of other
files."""

NOWHERE, END = "", "2"  # before all places, and behind them


class View(NamedTuple):
    """What decides which rows are shown."""

    words: tuple[str, ...]
    is_all: bool
    """Whether jobs of other files are shown, too."""
    unfolded: frozenset[str]
    """Groups of variants."""


class JobList:
    """Keeps the items the same as those jobs of a queue that are to be shown.

    What stands together is a unit: a job, whose id is the unit's name, or the variants of one request. Its place is a
    string, so that nothing here grows with the jobs but lists, sets and dicts of strings: with a container for each of
    ten thousand jobs, Python's garbage collector would hold the window up.

    `touched` are the jobs that were asked for, or brought in, in the file that is open; it is emptied here.
    """

    def __init__(
        self, queue: "Queue", touched: set[str] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.step_s = STEP_S
        self._queue = queue
        self._touched = touched if touched is not None else set()
        self._clock = clock
        self._changed: set[str] = set()  # jobs that are still to be looked at
        self._waiting: list[str] = []  # the same, when it is about all of them; the newest last
        self._texts: dict[str, str] = {}  # by job: what a search looks in, in small letters
        # The file
        self._scenes: set[int] = set()  # of the file that is open
        self._path = ""
        self._here: set[str] = set()  # jobs that were asked for here, or whose models are here
        self._of_file: set[str] = set()  # all jobs of this file
        # The order of all jobs
        self._sort = ""
        self._places: dict[str, str] = {}  # by unit
        self._order: list[str] = []  # the same, sorted
        self._variants: dict[str, tuple[str, ...]] = {}  # the jobs of each unit that is no single job, in order
        self._group_of: dict[str, str] = {}  # by job, for variants: their unit
        # The rows
        self._view: View | None = None
        self._reached = NOWHERE  # units up to here have their rows, where they are to have any
        self._shown: list[str] = []  # the ids of the items
        self._rows: list[str] = []  # for each item: the place of its unit
        self._row_count: dict[str, int] = {}  # by unit
        self._hidden: set[str] = set()  # units that would be shown with the jobs of other files
        self._failed: set[str] = set()  # jobs that are shown
        self._is_other = False  # whether the items have changed in this step
        # The selection
        self._newest = ""
        self._wanted = ""  # the job that is to be selected
        self._is_selecting = False  # whether it is us who selects a row
        self._pressed = ("", -1.0)  # the last press: which job, when
        self._opened = ""  # the job of a row that was pressed twice

    def note(self, changed: set[str]) -> None:
        """Note that these jobs have come, gone or changed."""
        self._changed |= changed
        for job_id in changed:
            self._texts.pop(job_id, None)

    def fill(self) -> bool:
        """Bring the items nearer to what is to be shown. The selected job stays selected; a new one of this file is
        selected when it comes.

        Return whether the items have changed.
        """
        until = self._clock() + self.step_s
        listed = bpy.context.window_manager.image_to_3d
        self._is_other = False
        self._see_file(listed)
        if self._touched:
            self._here |= self._touched
            self._changed |= self._touched
            self._touched.clear()
        if listed.sort != self._sort:
            self._sort_anew(listed.sort)
        if self._place_changed(listed, until):
            self._show_on(listed, until)
        self._select(listed)
        return self._is_other

    @property
    def is_behind(self) -> bool:
        """Whether the next look goes on."""
        return bool(self._changed or self._waiting) or self._reached != END

    # Which jobs are of this file

    def _see_file(self, listed: IMAGE_TO_3D_PG_jobs) -> None:
        """Begin anew where another file was opened, or these are an earlier session's items."""
        scenes = {scene.session_uid for scene in bpy.data.scenes}
        if not scenes & self._scenes or len(listed.items) != len(self._shown):
            if not scenes & self._scenes:
                # Not `get`, which takes five times as long in a file with many objects.
                self._here = {obj[found.JOB] for obj in bpy.data.objects if found.JOB in obj}  # type: ignore[operator]
            self._wanted, self._newest = "", ""
            listed.index = -1
            self._clear_rows(listed)
            self._sort_anew(listed.sort)
        elif bpy.data.filepath != self._path:  # it was saved under another name
            self._sort_anew(listed.sort)
        self._scenes = scenes

    def _is_of_file(self, job: "Job") -> bool:
        return job.file == self._path or job.id in self._here

    def _is_first(self, job: "Job") -> bool:
        """Whether a job stands among those that are always shown: one of another file that goes on may cost."""
        if job.state in UNFINISHED or job.untold:
            return True
        return self._is_of_file(job) and not job.is_cleared

    # Where each job stands

    def _sort_anew(self, sort: str) -> None:
        """Forget the order. The rows stay until the new order is known."""
        self._sort, self._path = sort, bpy.data.filepath
        self._places, self._order, self._variants, self._group_of, self._of_file = {}, [], {}, {}, set()
        self._changed, self._waiting = set(), self._queue.ids()[::-1]
        self._view, self._reached = None, NOWHERE
        self._row_count, self._hidden, self._failed = {}, set(), set()

    def _place_changed(self, listed: IMAGE_TO_3D_PG_jobs, until: float) -> bool:
        """Look at the jobs that have changed, newest first, for a while. Return whether that was all of them."""
        count = 0
        for waits in (sorted(self._changed), self._waiting):
            while waits:
                if count and count % AT_ONCE == 0 and self._clock() >= until:
                    return False
                job_id = waits.pop()
                self._changed.discard(job_id)
                self._place(listed, job_id)
                count += 1
        return True

    def _place(self, listed: IMAGE_TO_3D_PG_jobs, job_id: str) -> None:
        """Have a job stand where it belongs, and nowhere if it is gone."""
        job = self._queue.job(job_id)
        before = self._group_of.pop(job_id, job_id)
        self._of_file.discard(job_id)
        self._failed.discard(job_id)
        if job is not None:
            is_first = self._is_first(job)
            if job.group:
                self._group_of[job_id] = f"{FIRST if is_first else OTHER} {job.group}"
            if self._is_of_file(job):
                self._of_file.add(job_id)
            if job_id > self._newest:
                if self._newest and is_first and (self._is_of_file(job) or not self._of_file):
                    self._wanted = job_id
                self._newest = job_id
        after = self._unit_of(job_id)
        for name in {before, after}:
            ids = {*self._ids_of(name)} - {job_id}
            self._set_unit(listed, name, ids | {job_id} if name == after else ids)

    def _unit_of(self, job_id: str) -> str:
        return self._group_of.get(job_id, job_id)

    def _ids_of(self, name: str) -> tuple[str, ...]:
        """The jobs of a unit, in order; none where there is no such unit."""
        return self._variants.get(name) or ((name,) if name in self._places else ())

    def _is_other_files(self, name: str) -> bool:
        return self._places.get(name, NOWHERE).startswith(OTHER)

    def _set_unit(self, listed: IMAGE_TO_3D_PG_jobs, name: str, ids: set[str]) -> None:
        """Have these jobs stand together; where there is none of them, forget the unit."""
        jobs = [job for job_id in ids if (job := self._queue.job(job_id)) is not None]
        jobs.sort(key=lambda job: (job.variant, job.id))
        old, new = self._places.get(name, NOWHERE), self._place_for(name, jobs) if jobs else NOWHERE
        if new != old:
            if old:
                self._set_rows(listed, name, ())
                self._hidden.discard(name)
                del self._order[bisect_left(self._order, old)]
                del self._places[name]
                self._variants.pop(name, None)
            if new:
                self._places[name] = new
                insort(self._order, new)
        if jobs and jobs[0].group:
            self._variants[name] = tuple(job.id for job in jobs)
        if new and new <= self._reached:
            self._show(listed, name)

    def _place_for(self, name: str, jobs: list["Job"]) -> str:
        """Where the unit of these jobs stands: behind all smaller ones. The last part is its name."""
        by = ""
        if self._sort == "NAME":
            by = jobs[0].name.casefold().replace("\0", "")
        elif self._sort == "STATE":
            by = f"{min(STATES.index(job.state) for job in jobs):02}"
        # Nothing is smaller than the separator: a name stands before those that go on after it.
        return "\0".join((FIRST if self._is_first(jobs[0]) else OTHER, by, jobs[0].id.translate(NEWEST_FIRST), name))

    # Which have rows

    def _view_now(self, listed: IMAGE_TO_3D_PG_jobs) -> View:
        return View(
            tuple(listed.search.casefold().split()),
            listed.other_files or not self._of_file,  # a list that is empty without a reason helps nobody
            frozenset(entry.name for entry in listed.unfolded),
        )

    def _show_on(self, listed: IMAGE_TO_3D_PG_jobs, until: float) -> None:
        """Give rows to the units that have none yet, for a while."""
        view = self._view_now(listed)
        if view != self._view:
            self._clear_rows(listed)
            self._view, self._reached = view, NOWHERE
        if self._reached == END:
            return
        first = bisect_right(self._order, self._reached)
        for at in range(first, len(self._order)):
            self._reached = self._order[at]
            self._show(listed, self._reached.rpartition("\0")[2])
            if (at - first) % AT_ONCE == AT_ONCE - 1 and self._clock() >= until:
                return
        self._reached = END

    def _show(self, listed: IMAGE_TO_3D_PG_jobs, name: str) -> None:
        """Give a unit the rows that it is to have now."""
        assert self._view is not None
        words = self._view.words
        ids = self._ids_of(name)
        is_found = not words or any(self._has(job_id, words) for job_id in ids)
        is_hidden = self._is_other_files(name) and not self._view.is_all
        (self._hidden.add if is_found and is_hidden else self._hidden.discard)(name)
        if not is_found or is_hidden:
            self._set_rows(listed, name, ())
        else:
            self._set_rows(listed, name, ids if self._is_open(name) else ids[:1])
        for job_id in ids:
            job = self._queue.job(job_id)
            is_failed = job is not None and job.state is State.FAILED and is_found and not is_hidden
            (self._failed.add if is_failed else self._failed.discard)(job_id)

    def _is_open(self, name: str) -> bool:
        return self._view is not None and name in self._variants and name.partition(" ")[2] in self._view.unfolded

    def _set_rows(self, listed: IMAGE_TO_3D_PG_jobs, name: str, ids: tuple[str, ...]) -> None:
        had, place = self._row_count.get(name, 0), self._places[name]
        at = bisect_left(self._rows, place)
        if tuple(self._shown[at : at + had]) == ids:
            return
        self._is_other = True
        for _ in range(had):
            listed.items.remove(at)
        self._shown[at : at + had] = ids
        self._rows[at : at + had] = [place] * len(ids)
        self._row_count[name] = len(ids)
        for row, job_id in enumerate(ids, at):
            item = listed.items.add()
            item.name = job_id
            if len(ids) > 1:
                item.is_unfolded = True
            last = len(listed.items) - 1
            if row < last:
                listed.items.move(last, row)

    def _clear_rows(self, listed: IMAGE_TO_3D_PG_jobs) -> None:
        self._is_other = True
        listed.items.clear()
        self._shown, self._rows, self._row_count = [], [], {}
        self._hidden, self._failed = set(), set()

    # Which is selected

    def _select(self, listed: IMAGE_TO_3D_PG_jobs) -> None:
        if self._view is None:  # these are still the rows of another order
            return
        index = self._index_of(self._wanted)
        is_there = self._queue.job(self._wanted) is not None
        if index < 0 and self._shown and not (is_there and self.is_behind):
            index = 0
            if not is_there and not self.is_behind:  # else it is selected again when the search is over
                self._wanted = self._shown[0]
        if listed.index != index:
            self._is_other, self._is_selecting = True, True
            listed.index = index
            self._is_selecting = False

    def _index_of(self, job_id: str) -> int:
        """The row of a job, or that of the variants among which it is; -1 for none."""
        name = self._unit_of(job_id)
        count = self._row_count.get(name, 0)
        if not count:
            return -1
        return bisect_left(self._rows, self._places[name]) + (self._variants[name].index(job_id) if count > 1 else 0)

    def note_press(self, context: bpy.types.Context) -> None:
        """Note that a row was pressed, or selected by a script; twice in a moment is a double click."""
        listed = context.window_manager.image_to_3d
        if self._is_selecting or not 0 <= listed.index < len(listed.items):
            return
        self._wanted = listed.items[listed.index].name
        if context.window is None or context.area is None or context.area.type not in SIDEBAR_AREAS:
            return  # nobody has pressed anything
        now = self._clock()
        (job_id, before), self._pressed = self._pressed, (self._wanted, now)
        if job_id == self._wanted and now - before <= context.preferences.inputs.mouse_double_click_time / 1000:
            self._pressed = ("", -1.0)
            self._opened = job_id
            show_soon(listed, context)

    def take_opened(self) -> "Job | None":
        """The job with a model in a scene whose row was pressed twice since this was asked last; None for none."""
        job_id, self._opened = self._opened, ""
        job = self._queue.job(job_id)
        return job if job is not None and job.state is State.IMPORTED else None

    def selected(self) -> str:
        """The id of the selected job, "" where there is none; of folded variants the first."""
        listed = bpy.context.window_manager.image_to_3d
        if 0 <= listed.index < len(listed.items):
            return str(listed.items[listed.index].name)
        return self._wanted if self.is_behind and self._queue.job(self._wanted) is not None else ""

    def select(self, job_id: str) -> None:
        """Have a job selected, and shown: among those of other files, and with its variants unfolded."""
        listed = bpy.context.window_manager.image_to_3d
        ids = self._ids_of(self._unit_of(job_id))
        if self.is_behind_toggle(job_id):
            listed.other_files = True
        if job_id in ids[1:]:
            self.unfold(job_id, True)
        if ids and listed.search and not self._has(job_id, tuple(listed.search.casefold().split())):
            listed.search = ""
        self._wanted = job_id
        self.fill()

    # What is drawn

    def unfold(self, job_id: str, is_unfolded: bool) -> None:
        """Show the variants among which a job is in full, or fold them."""
        listed = bpy.context.window_manager.image_to_3d
        job = self._queue.job(job_id)
        if job is None or not job.group:
            return
        at = listed.unfolded.find(job.group)
        if is_unfolded and at < 0:
            listed.unfolded.add().name = job.group
        elif not is_unfolded and at >= 0:
            listed.unfolded.remove(at)
        else:
            return
        show_soon(listed, bpy.context)

    def variants(self, job_id: str) -> tuple[str, ...]:
        """The variants that fold together in the row of this job, which is the first of them; none for other rows."""
        ids = self._ids_of(self._unit_of(job_id))
        return ids if len(ids) > 1 and ids[0] == job_id else ()

    def of_group(self, group: str) -> tuple[str, ...]:
        """All variants of a request, wherever they stand."""
        return tuple(job_id for part in (FIRST, OTHER) for job_id in self._ids_of(f"{part} {group}"))

    def is_unfolded(self, job_id: str) -> bool:
        """Whether the variants among which a job is are shown in full."""
        return self._is_open(self._unit_of(job_id))

    def is_of_file(self, job_id: str) -> bool:
        """Whether a job was started in the file that is open, or its model is there."""
        return job_id in self._of_file

    def is_behind_toggle(self, job_id: str) -> bool:
        """Whether a job is shown only where those of other files are."""
        return self._is_other_files(self._unit_of(job_id))

    @property
    def has_of_file(self) -> bool:
        """Whether there is any job of the file that is open."""
        return bool(self._of_file)

    @property
    def has_others(self) -> bool:
        """Whether there are jobs that are shown only where those of other files are."""
        return bool(self._order) and self._order[-1].startswith(OTHER)

    @property
    def more(self) -> int:
        """How many rows there would be more if the jobs of other files were shown."""
        return len(self._hidden)

    @property
    def count_failed(self) -> int:
        """How many of the jobs that are shown have failed."""
        return len(self._failed)

    def failed(self) -> list[str]:
        """The jobs that are shown and have failed, oldest first."""
        return sorted(self._failed)

    def of_file(self) -> list[str]:
        """The jobs of the file that is open, oldest first."""
        return sorted(self._of_file)

    def is_for(self, search: str) -> bool:
        """Whether the items are those that `search` finds, as far as they have been looked at."""
        return self._view is not None and self._view.words == tuple(search.casefold().split())

    def found(self, search: str, at_most: int | None = None) -> list[bool]:
        """For each item, or so many of them: whether all words of `search` are in its job's name, service or state."""
        words = tuple(search.casefold().split())
        shown = self._shown[:at_most]
        return [any(self._has(one, words) for one in self.variants(job_id) or (job_id,)) for job_id in shown]

    def _has(self, job_id: str, words: tuple[str, ...]) -> bool:
        text = self._texts.get(job_id)
        if text is None:
            job = self._queue.job(job_id)
            text = f"{job.name} {label_of(job.service)} {job.state}".casefold() if job else ""
            self._texts[job_id] = text
        return all(word in text for word in words)
