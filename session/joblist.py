# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs as Blender's windows show it: one item a job on the WindowManager, and which of them is selected.
Reads no file.

The WindowManager is neither saved nor touched by undo; opening a file empties it, and the next looks fill it again.
"""

from typing import TYPE_CHECKING

import bpy

from ..api.services import label_of

if TYPE_CHECKING:
    from ..jobs.queue import Queue

AT_MOST = 300
"""So many items come and go with one look: ten thousand at once would hold the window up."""


class IMAGE_TO_3D_PG_job(bpy.types.PropertyGroup):
    """A job in the list; its name is its id, which the session knows everything else by"""


class IMAGE_TO_3D_PG_jobs(bpy.types.PropertyGroup):
    """The list of jobs"""

    items: bpy.props.CollectionProperty(name="Jobs", description="All jobs, newest first", type=IMAGE_TO_3D_PG_job)
    index: bpy.props.IntProperty(name="Selected Job", description="Which job of the list is selected", default=-1)
    search: bpy.props.StringProperty(
        name="Search",
        description="Show only jobs with these words in their name, service or state",
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
    )


class JobList:
    """Keeps the items the same as the jobs of a queue."""

    def __init__(self, queue: "Queue") -> None:
        self._queue = queue
        self._shown: list[str] = []  # the ids of the items
        self._changed: set[str] = set()  # jobs whose items are still to be looked at
        self._texts: dict[str, str] = {}  # by job: what a search looks in, in small letters

    def note(self, changed: set[str]) -> None:
        """Note that these jobs have come, gone or changed."""
        self._changed |= changed
        for job_id in changed:
            self._texts.pop(job_id, None)

    def fill(self) -> bool:
        """Bring the items nearer to the jobs. The selected one stays selected; a new one is selected when it comes.

        Return whether the items have changed.
        """
        listed = bpy.context.window_manager.image_to_3d
        if len(listed.items) != len(self._shown):  # another file was opened, or these are an earlier session's
            listed.items.clear()
            listed.index = -1
            self._shown, self._changed = [], set(self._queue.ids())
        before = len(self._shown), self._shown[:1], self._shown[-1:]
        for job_id in sorted(self._changed, reverse=True)[:AT_MOST]:
            self._changed.discard(job_id)
            at = _place_of(job_id, self._shown)
            is_shown = at < len(self._shown) and self._shown[at] == job_id
            if self._queue.job(job_id) is None and is_shown:
                self._remove(listed, at)
            elif self._queue.job(job_id) is not None and not is_shown:
                self._add(listed, at, job_id)
        if listed.index < 0 and self._shown:
            listed.index = 0
        return before != (len(self._shown), self._shown[:1], self._shown[-1:])

    @property
    def is_behind(self) -> bool:
        """Whether the next look goes on."""
        return bool(self._changed)

    def _remove(self, listed: IMAGE_TO_3D_PG_jobs, at: int) -> None:
        listed.items.remove(at)
        del self._shown[at]
        if at == listed.index:  # the newest instead
            listed.index = 0 if self._shown else -1
        elif at < listed.index:
            listed.index -= 1

    def _add(self, listed: IMAGE_TO_3D_PG_jobs, at: int, job_id: str) -> None:
        is_newest_of_several = at == 0 and bool(self._shown)
        listed.items.add().name = job_id
        if at < len(self._shown):
            listed.items.move(len(self._shown), at)
        self._shown.insert(at, job_id)
        if is_newest_of_several:
            listed.index = 0
        elif at <= listed.index:
            listed.index += 1

    def selected(self) -> str:
        """The id of the selected job, "" where there is none."""
        listed = bpy.context.window_manager.image_to_3d
        return listed.items[listed.index].name if 0 <= listed.index < len(listed.items) else ""

    def found(self, search: str) -> list[bool]:
        """For each item: whether all words of `search` are in its job's name, service or state."""
        words = search.casefold().split()
        return [all(word in text for word in words) for text in map(self._text_of, self._shown)]

    def _text_of(self, job_id: str) -> str:
        text = self._texts.get(job_id)
        if text is None:
            job = self._queue.job(job_id)
            text = f"{job.name} {label_of(job.service)} {job.state}".casefold() if job else ""
            self._texts[job_id] = text
        return text


def _place_of(job_id: str, newest_first: list[str]) -> int:
    """Where an id belongs."""
    low, high = 0, len(newest_first)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if newest_first[middle] > job_id else (low, middle)
    return low


_register, _unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_PG_job, IMAGE_TO_3D_PG_jobs))


def register() -> None:
    _register()
    bpy.types.WindowManager.image_to_3d = bpy.props.PointerProperty(type=IMAGE_TO_3D_PG_jobs)


def unregister() -> None:
    if hasattr(bpy.types.WindowManager, "image_to_3d"):
        del bpy.types.WindowManager.image_to_3d
    _unregister()
