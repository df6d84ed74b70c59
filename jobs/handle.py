# SPDX-License-Identifier: GPL-3.0-or-later
"""One job, as scripts and the command line hold it. Always tells what is on the disk now; waits only where it says so.
No bpy."""

from pathlib import Path
from typing import Any

from ..api import errors
from ..api.errors import ImageTo3DError
from . import folder as folders
from . import shown
from .folder import Job
from .queue import Queue
from .state import HAS_RESULT, UNFINISHED, State


class Handle:
    """The job `job_id` of `queue`. What it tells is read anew each time; raises `JobError` where the job is gone."""

    def __init__(self, queue: Queue, job_id: str) -> None:
        self._queue = queue
        self._id = job_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._id}>"

    @property
    def id(self) -> str:
        """Its id: the name of its folder, in the order of time."""
        return self._id

    @property
    def record(self) -> Job:
        """Its whole record as it is now."""
        return self._queue.refresh(self._id)

    @property
    def state(self) -> State:
        """Where it is: a string such as "running", "ready", "imported" or "failed"."""
        return self.record.state

    @property
    def progress(self) -> float:
        """How far it is, 0 to 1."""
        return self.record.progress

    @property
    def message(self) -> str:
        """What happens now, or why it failed: a sentence."""
        return self.record.message

    @property
    def task_id(self) -> str:
        """The id of its task at the service, "" as long as there is none."""
        return self.record.task_id

    @property
    def parameters(self) -> dict[str, Any]:
        """What the service was asked for, by wire name."""
        return dict(self.record.parameters)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.record.state not in UNFINISHED

    @property
    def error(self) -> ImageTo3DError | None:
        """Why it ended without a model, as the error that the api raised; None where it has one, or goes on."""
        job = self.record
        if job.state in UNFINISHED or job.state in HAS_RESULT:
            return None
        return errors.restored(job.error, job.message)

    @property
    def folder(self) -> Path:
        """The folder of its record and files."""
        return self._queue.folder_of(self._id)

    @property
    def glb_path(self) -> Path | None:
        """The model as the service made it, None as long as it is not there."""
        return _there(self.folder / folders.GLB)

    @property
    def blend_path(self) -> Path | None:
        """The .blend file with the prepared model, None as long as it is not there."""
        return _there(self.folder / folders.BLEND)

    def make_shown(self) -> Path:
        """Return the .blend file that shows the prepared model in a scene when it is opened. Where its process has made
        none, a background Blender does, and is waited for. Raises `ImageTo3DError`, `OSError`."""
        return _there(self.folder / folders.SHOWN) or shown.make(self.folder, self._queue.config_of(self.record))

    def cancel(self) -> None:
        """Give it up; its service is told as soon as somebody works on it. Raises `JobError`, `BusyError`."""
        self._queue.cancel(self._id)

    def retry(self) -> None:
        """Try it again from where it stopped. Raises `JobError` where it has not ended, `BusyError`."""
        self._queue.retry(self._id)


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None
