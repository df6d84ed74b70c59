# SPDX-License-Identifier: GPL-3.0-or-later
"""Which jobs' models are in the open file, for what draws: a file may have ten thousand objects, and a sidebar is drawn
with each move of the mouse. Keeps no object."""

import bpy

from ..scene import found


class Here:
    """What was found in the file last. It is looked at again after a look of the session, or where objects came or
    went; `now` counts the looks."""

    def __init__(self) -> None:
        self._seen = (-1, -1)
        self._jobs: frozenset[str] = frozenset()
        self._images: dict[str, bool] = {}

    def has_model(self, job_id: str, now: int) -> bool:
        """Whether a model of the job stands in a scene."""
        self._look(now)
        return job_id in self._jobs

    def has_images(self, job_id: str, now: int) -> bool:
        """Whether such a model has an image in one of its materials."""
        if not self.has_model(job_id, now):
            return False
        if job_id not in self._images:
            objects = found.whole(found.in_scenes(job_id))
            self._images[job_id] = next(found.images_of(objects), None) is not None
        return self._images[job_id]

    def _look(self, now: int) -> None:
        seen = now, len(bpy.data.objects)
        if seen != self._seen:
            self._seen, self._jobs, self._images = seen, found.jobs_in_scenes(), {}
