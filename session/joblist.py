# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs as Blender's windows show it: one item a job on the WindowManager, and which of them is selected. Reads no file.

The WindowManager is neither saved nor touched by undo; opening a file empties it, and the next looks fill it again.
"""

import bpy

from ..jobs.folder import label_of
from ..jobs.queue import Queue

ADDED_AT_MOST = 500
"""So many items come with one look: ten thousand at once would hold the window up."""


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

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._shown: list[str] = []  # the ids of the items
        self._version = -1  # of the queue, which the items are as new as
        self._texts: dict[str, str] = {}  # by job: what a search looks in, in small letters

    def note(self, changed: set[str]) -> None:
        """Note that these jobs have changed."""
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
            self._shown, self._version = [], -1
        if self._version == self._queue.version:
            return False
        wanted = self._queue.ids()
        kept = set(wanted)
        for at in reversed([at for at, job_id in enumerate(self._shown) if job_id not in kept]):
            self._remove(listed, at)
        there = set(self._shown)
        missing = [job_id for job_id in wanted if job_id not in there]
        for job_id in missing[:ADDED_AT_MOST]:
            self._add(listed, job_id)
        if len(missing) <= ADDED_AT_MOST:
            self._version = self._queue.version
        if listed.index < 0 and self._shown:
            listed.index = 0
        return True

    @property
    def is_behind(self) -> bool:
        """Whether the next look will add more items."""
        return self._version != self._queue.version

    def _remove(self, listed: IMAGE_TO_3D_PG_jobs, at: int) -> None:
        listed.items.remove(at)
        del self._shown[at]
        if at == listed.index:  # the newest instead
            listed.index = 0 if self._shown else -1
        elif at < listed.index:
            listed.index -= 1

    def _add(self, listed: IMAGE_TO_3D_PG_jobs, job_id: str) -> None:
        at = _place_of(job_id, self._shown)
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
