# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that the newest jobs were made from, to be chosen again. From the jobs' records: saves nothing, reads no
file."""

from typing import TYPE_CHECKING

from ..api.parameters import pictures as pictures_of
from ..api.services import SERVICES

if TYPE_CHECKING:
    from ..jobs.folder import Job

AT_MOST = 24
"""So many are kept: more than a menu shows, as some of the files may be gone."""


class Recent:
    """The main pictures of jobs, as far as they were files of the user's."""

    def __init__(self) -> None:
        self._jobs: dict[str, str] = {}
        """By path: the newest job that was made from it."""

    def note(self, job: "Job") -> None:
        """Note which picture a job was made from. Costs the same however many jobs there are."""
        service = SERVICES.get(job.service)
        path = job.origins.get(pictures_of(service.parameters)[0], "") if service else ""
        if not path or not _is_text(path):
            return
        self._jobs[path] = max(job.id, self._jobs.get(path, ""))
        if len(self._jobs) > AT_MOST:
            del self._jobs[min(self._jobs, key=self._jobs.__getitem__)]  # ids begin with the time

    def paths(self) -> list[str]:
        """Where the pictures were, newest first, each once. Some of the files may be gone by now."""
        return sorted(self._jobs, key=self._jobs.__getitem__, reverse=True)


def _is_text(path: str) -> bool:
    """Whether a menu can show a path: a name of a file may be no text."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
