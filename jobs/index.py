# SPDX-License-Identifier: GPL-3.0-or-later
"""Which jobs there are in a user folder, and how they are: read a little at a time, and again where they have changed.
Starts nothing, and imports no bpy.

What takes long (a long list, many records, folders to be deleted) goes on with each look for as long as it is given.
"""

import bisect
import math
import os
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from .. import files
from ..api import sources
from ..api.errors import JobError
from . import folder as folders
from . import history
from .folder import Job

LISTED_AT_ONCE = 500
"""So many names are read before the clock is asked: it is about a millisecond."""

LISTED_AGAIN_NS = 50_000_000
"""A folder that changed so recently (nanoseconds) may change once more without another time: file systems count in
steps of some ms."""

LOOKED_AT_AGAIN = 20
"""So many of the newest jobs are read again after they have ended, where another Blender has changed them; a panel
shows fewer."""

STUCK_S = 60.0
"""After how long a folder is tried again that could not be deleted: Windows keeps it while a thumbnail of it is drawn.
"""

Signature = tuple[int, int, int]
"""What tells one version of a file from another: time of change (ns), number of the file in its file system, size
(bytes)."""


class Index:
    """The jobs under `root()`, which is asked for once, makes the folder where it is missing, and may raise `JobError`
    where there can be none. `clock` gives seconds that only grow."""

    def __init__(self, root: Callable[[], Path], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.was_read = False
        """Whether it is known which jobs there are. Without looks it never is: whoever has one job done knows its id.
        """
        self._make_root = root
        self._clock = clock
        self._root: Path | None = None
        self._jobs: dict[str, Job] = {}
        self._ids: list[str] = []  # of `_jobs`, oldest first: ids begin with the time
        self._signatures: dict[str, Signature | None] = {}
        self._sizes: dict[str, int] = {}
        self._total_bytes = 0
        self._changed: set[str] = set()
        self._listing: Iterator[os.DirEntry[str]] | None = None
        self._listed: set[str] = set()
        self._made_meanwhile: set[str] = set()
        self._root_mtime_ns = -1
        self._unread: list[str] = []
        self._leftovers: list[str] = []
        self._stuck: list[str] = []
        self._stuck_until_s = 0.0

    @property
    def root(self) -> Path:
        """The folder of all jobs, which exists then. Raises `JobError` where there can be none."""
        if self._root is None:
            self._root = self._make_root()
            files.keep_private(self._root)  # Blender has made it as the user's other folders, or an earlier version has
        return self._root

    def folder_of(self, job_id: str) -> Path:
        """The folder of one job. Raises `JobError` for what is no id, so that no path from a script leads out of the
        jobs' folder."""
        if not folders.is_id(job_id):
            raise JobError(f"There is no job {job_id!r}: use an id from the list of jobs.")
        return self.root / job_id

    def jobs(self) -> list[Job]:
        """All jobs as they were last seen, newest first. For what is asked for once: it takes as long as there are
        jobs."""
        return [self._jobs[job_id] for job_id in reversed(self._ids)]

    def ids(self) -> list[str]:
        """Their ids, newest first."""
        return self._ids[::-1]

    def job(self, job_id: str) -> Job | None:
        """One job as it was last seen, None where there is none."""
        return self._jobs.get(job_id)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def is_complete(self) -> bool:
        """Whether all of them have been read."""
        return self.was_read and not self._unread

    def is_behind(self) -> bool:
        """Whether there is something to go on with: names to be listed, records to be read, folders to be deleted."""
        return self._listing is not None or bool(self._unread or self._leftovers)

    def size_of(self, job_id: str) -> int:
        """How many bytes a job's folder held when it was read last; 0 for one that was not read yet, or is
        unfinished."""
        return self._sizes.get(job_id, 0)

    @property
    def total_bytes(self) -> int:
        """How many bytes all of them hold."""
        return self._total_bytes

    def picture_of(self, job: Job) -> str:
        """Where a picture of the job lies: of its model where there is one, else of what it is made from; "" where that
        is a URL.

        For what draws: no file is touched.
        """
        return self._path_of(job, folders.THUMBNAIL) if job.state in folders.HAS_RESULT else self.source_of(job)

    def source_of(self, job: Job) -> str:
        """Where the picture lies that a job is made from, "" where that is a URL. For what draws, too."""
        return "" if sources.is_url(job.source) else self._path_of(job, job.source)

    def _path_of(self, job: Job, name: str) -> str:
        return os.path.join(self._root, job.id, name) if name and self._root is not None else ""

    def take_changes(self) -> set[str]:
        """The ids of jobs that have come, gone or changed since this was asked last."""
        changed, self._changed = self._changed, set()
        return changed

    def put_away(self, job_id: str) -> None:
        """No longer keep in memory how a job is. For whoever works off more jobs than need to be seen; `refresh` reads
        it again."""
        self._forget(job_id)
        self._changed.discard(job_id)

    def refresh(self, job_id: str) -> Job:
        """Read one job again. Raises `JobError`."""
        folder = self.folder_of(job_id)
        signature = self._signature_of(job_id)
        job = folders.read(folder)
        self._remember(job, signature)
        return job

    def delete_removed(self) -> None:
        """Delete what was removed at once, for whoever has no looks."""
        self._leftovers = []
        history.sweep(self.root, math.inf)

    def _look_for_others(self, until: float) -> None:
        """See which jobs came and went, for a while, and how the newest that have ended are. Raises `JobError`,
        `OSError` where the folder cannot be listed."""
        if self._is_changed():
            self._begin_listing()
        if self._listing is not None and self._list_on(until):
            self._compare()
        self._look_at_ended()

    def _is_changed(self) -> bool:
        """Whether a folder came or went since the last listing began: another Blender may share them."""
        try:
            mtime_ns = os.stat(self.root).st_mtime_ns
        except FileNotFoundError:  # somebody has taken the folder away
            self._root = None
            mtime_ns = os.stat(self.root).st_mtime_ns
        if self._listing is not None or mtime_ns == self._root_mtime_ns:
            return False
        is_settled = abs(time.time_ns() - mtime_ns) > LISTED_AGAIN_NS  # a server's clock may be ahead of ours
        self._root_mtime_ns = mtime_ns if is_settled else -1
        return True

    def _begin_listing(self) -> None:
        self._listing = os.scandir(self.root)
        self._listed, self._leftovers, self._made_meanwhile = set(), [], set()

    def _list_on(self, until: float) -> bool:
        """Read the names in the jobs' folder for a while. Return whether that was all of them."""
        assert self._listing is not None
        for number, entry in enumerate(self._listing, 1):
            name = entry.name
            if folders.is_id(name):
                if history.is_folder(entry):
                    self._listed.add(name)
            elif name.startswith(history.LEFT_OVER):
                self._leftovers.append(name)
            if number % LISTED_AT_ONCE == 0 and self._clock() >= until:
                return False
        self._listing = None
        return True

    def _compare(self) -> None:
        """Forget the jobs that are gone, and note those that have to be read."""
        for job_id in self._jobs.keys() - self._listed - self._made_meanwhile:
            self._forget(job_id)
        self._unread = sorted(self._listed - self._jobs.keys())  # the newest last, which is read first
        self.was_read = True

    def _read_on(self, until: float) -> None:
        """Read records that were never read, at least one and for a while."""
        while self._unread:
            job_id = self._unread.pop()
            try:
                folder = self.root / job_id
                signature = self._signature_of(job_id)
                if job_id not in self._jobs and (found := history.read_or_failed(folder)):
                    self._remember(found, signature)
            except Exception:  # a bug of ours with one record must not hide the others
                traceback.print_exc()
            if self._clock() >= until:
                return

    def _look_at_ended(self) -> None:
        """Read the newest of the jobs that have ended again where another Blender has imported, retried or decided
        them."""
        for job_id in self._ids[: -LOOKED_AT_AGAIN - 1 : -1]:
            if self._jobs[job_id].needs_process or self._signature_of(job_id) == self._signatures[job_id]:
                continue
            try:
                self.refresh(job_id)
            except (JobError, OSError):
                if bad := history.read_or_failed(self.root / job_id):  # else it was just removed
                    self._remember(bad, self._signature_of(job_id))
            except Exception:  # a bug of ours with this one must not stop the others
                traceback.print_exc()

    def _delete_leftovers(self, until: float) -> None:
        """Delete what was removed, or never finished, for a while; what cannot be deleted now is tried again later."""
        while self._leftovers and self._clock() < until:
            name = self._leftovers.pop()
            if not history.delete_leftover(self.root, name):
                self._stuck.append(name)
                self._stuck_until_s = self._clock() + STUCK_S
        if self._stuck and self._clock() > self._stuck_until_s:
            self._leftovers, self._stuck = self._stuck, []

    def _remember(self, job: Job, signature: Signature | None) -> None:
        """Note how a job is now. `signature` is that of its record from before it was read."""
        self._signatures[job.id] = signature
        known = self._jobs.get(job.id)
        self._jobs[job.id] = job
        if known == job:
            return
        if known is None:
            bisect.insort(self._ids, job.id)
            self._made_meanwhile.add(job.id)
        if job.state not in folders.UNFINISHED:
            size = folders.size_of(self.root / job.id)
            self._total_bytes += size - self._sizes.get(job.id, 0)
            self._sizes[job.id] = size
        self._changed.add(job.id)

    def _forget(self, job_id: str) -> None:
        """Forget a job whose folder is gone."""
        if self._jobs.pop(job_id, None) is not None:
            del self._ids[bisect.bisect_left(self._ids, job_id)]
        self._total_bytes -= self._sizes.pop(job_id, 0)
        self._signatures.pop(job_id, None)
        self._made_meanwhile.discard(job_id)
        self._changed.add(job_id)

    def _signature_of(self, job_id: str) -> Signature | None:
        try:
            found = os.stat(f"{self.root}{os.sep}{job_id}{os.sep}{folders.RECORD}")
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size
