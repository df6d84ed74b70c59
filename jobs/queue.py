# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of one user folder, and the processes that work on them: which there are, which run, start, cancel, retry,
news. No bpy.

One object for whoever has jobs done: Blender's windows, its background, a command line. It never waits, except where a
method says so, and never draws. A look costs the same with 10 and with 10,000 jobs that have ended: it asks the system
for the times of a few files, and reads only what has changed. What takes longer (a long list, many old records, folders
to be deleted) is done a little with each look.
"""

import bisect
import contextlib
import dataclasses
import math
import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .. import files
from ..api import picture
from ..api.errors import ImageTo3DError, JobError, user_message
from ..programs import process
from ..programs.process import Process
from . import folder as folders
from . import history, worker
from .folder import Job, State

ENDED_WITHOUT = (State.FAILED, State.CANCELLED, State.UNCONFIRMED)
"""The states in which a job ends without a model."""

STEP_S = 0.004
"""How long one look goes on with what can wait for the next: a look must not be felt (10 ms), and its last step may be
a long one."""

LISTED_AT_ONCE = 500
"""So many names are read before the clock is asked: it is about a millisecond."""

LISTED_AGAIN_NS = 50_000_000
"""A folder that changed so recently (nanoseconds) may change once more without another time: file systems count in
steps of some ms."""

RECORD_S = 2.0
"""How old what is known of an unfinished job may be; its record is read again then, although the times of its file are
the same."""

LOOKED_AT_AGAIN = 20
"""So many of the newest jobs are read again after they have ended, where another Blender has changed them; a panel
shows fewer."""

STUCK_S = 60.0
"""After how long a folder is tried again that could not be deleted: Windows keeps it while a thumbnail of it is drawn.
"""

DEAF_S = 2.0  # a process sees within a second that it is to cancel or to end, unless the system itself holds it up

AWAITED_S = 190.0
"""What a process may take that waits for the answer to a create request (`Network.create_s`, and a moment to end): it
may be a paid task."""

STOPS_WITHIN_S = 3.0  # what a process may take to end itself, unless a create request of its has no answer yet

STARTS_AT_MOST = 2  # a process that dies twice on the same job would die a third time

TELL_PAUSES_S = (60.0, 300.0, 900.0)
"""How long after each try a service is told again that a job was cancelled, where it could not be: the last for as long
as we run."""

BUG = "Something went wrong that should not have: retry the job. Blender's console has the details."

Signature = tuple[int, int, int]
"""What tells one version of a file from another: time of change (ns), number of the file in its file system, size
(bytes)."""


class News(NamedTuple):
    """A sentence for the user. `severity` is one of Blender's kinds of report: INFO for done, WARNING for recoverable,
    ERROR for failed."""

    severity: str
    sentence: str
    service: str = ""
    """The service of the job that it is about, where it is about one that has ended."""
    job_id: str = ""
    state: State | None = None
    """The state that the job has reached."""


@dataclass
class Care:
    """What is known beside its record of a job that a process of ours works on, or should."""

    process: Process | None = None
    starts: int = 0
    """How often a process was started for its model."""
    tells: int = 0
    """How often a process was started to tell its service that it was cancelled."""
    tell_not_before_s: float = 0.0
    cancelled_s: float | None = None
    """When (the queue's clock) the user asked the process to give the job up."""
    stopped_s: float | None = None
    """When the process was told to end, as its job has to wait."""
    read_s: float = -math.inf
    """When the record was read last."""


class Queue:
    """The jobs under `root()`, which is asked for once, makes the folder where it is missing, and may raise `JobError`
    where there can be none.

    A job's process runs in the Python that the command line `python` begins with. `config_of` gives what it gets on its
    standard input (see `worker.start`), `reason_to_wait` why a job must not go on just now ("" where it may), `at_once`
    how many may run side by side. `clock` gives seconds that only grow.
    """

    def __init__(
        self,
        root: Callable[[], Path],
        *,
        python: Sequence[str],
        config_of: Callable[[Job], dict[str, Any]],
        reason_to_wait: Callable[[Job], str],
        at_once: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.python = list(python)
        self.step_s = STEP_S
        self.tell_pauses_s: tuple[float, ...] = TELL_PAUSES_S
        self.trouble = ""
        """Why there is no folder for jobs, "" where there is one."""
        self.was_read = False
        """Whether it is known which jobs there are. Without looks it never is: whoever has one job done knows its id.
        """
        self._make_root = root
        self.config_of = config_of
        self._reason_to_wait = reason_to_wait
        self._at_once = at_once
        self._clock = clock
        self._root: Path | None = None
        self._jobs: dict[str, Job] = {}
        self._ids: list[str] = []  # of `_jobs`, oldest first: ids begin with the time
        self._active: dict[str, Care] = {}
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
        self._is_greeted = False
        self._asked: set[str] = set()  # jobs that somebody wanted in this session

    # What there is

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

    def unfinished(self) -> list[Job]:
        """The jobs that a process works on, or should, oldest first."""
        return [self._jobs[job_id] for job_id in self._in_order(self._active) if job_id in self._jobs]

    @property
    def processes(self) -> dict[str, Process]:
        """The processes of ours, by job; one that has ended is among them until the next look."""
        return {job_id: care.process for job_id, care in self._active.items() if care.process is not None}

    def is_running(self, job_id: str) -> bool:
        """Whether a process of ours works on the job."""
        care = self._active.get(job_id)
        return care is not None and care.process is not None and process.is_alive(care.process)

    def is_busy(self) -> bool:
        """Whether a process of ours runs, or has ended since the last look."""
        return any(care.process is not None for care in self._active.values())

    def is_behind(self) -> bool:
        """Whether there is something that the next look will go on with: records to be read, folders to be deleted."""
        return not self.trouble and (self._listing is not None or bool(self._unread or self._leftovers))

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
        name = folders.THUMBNAIL if job.state in folders.HAS_RESULT else job.source
        if not name or self._root is None or picture.is_url(name):
            return ""
        return os.path.join(self._root, job.id, name)

    def reason_to_wait(self, job: Job) -> str:
        """Why an unfinished job does not go on just now, "" if it does or will as soon as others have ended."""
        return self._reason_to_wait(job) if job.state in folders.UNFINISHED else ""

    def take_changes(self) -> set[str]:
        """The ids of jobs that have come, gone or changed since this was asked last."""
        changed, self._changed = self._changed, set()
        return changed

    # One look

    def look(self) -> list[News]:
        """Start what waits, look at what runs and at what another Blender has done. Return what the user should
        hear."""
        half, until = self._clock() + self.step_s / 2, self._clock() + self.step_s
        try:
            self._let_go_of_ended()
            if self._is_changed():
                self._begin_listing()
            if self._listing is not None and self._list_on(half):
                self._compare()
            self._look_at_ended()
        except (JobError, OSError) as error:  # said once, and looked at again with each look
            before, self.trouble = self.trouble, user_message(error)
            return [News("ERROR", self.trouble)] if self.trouble != before else []
        self.trouble = ""
        self._read_on(half)
        news = self._greeting()
        for job_id in self._in_order(self._active):
            if (said := self._care_for(job_id, until)) is not None:
                news.append(said)
        self._delete_leftovers(until)
        return news

    @staticmethod
    def _in_order(ids: dict[str, Care]) -> list[str]:
        return sorted(ids) if len(ids) > 1 else list(ids)

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

    def _greeting(self) -> list[News]:
        """Once, when all records have been read: which jobs of an earlier session go on, or wait."""
        if self._is_greeted or not self.was_read or self._unread:
            return []
        self._is_greeted = True
        left = [
            job
            for job in self.unfinished()
            if job.state in folders.UNFINISHED and not self._is_ours(job.id) and not self._is_held(job.id)
        ]
        waiting = [job for job in left if self.reason_to_wait(job)]
        going = len(left) - len(waiting)
        news = []
        if going:
            news.append(News("INFO", f"{_count(going)} from before {'goes' if going == 1 else 'go'} on"))
        if waiting:
            verb = "waits" if len(waiting) == 1 else "wait"
            reason = self.reason_to_wait(waiting[0])
            news.append(News("WARNING", f"{_count(len(waiting))} from before {verb}. {reason}"))
        return news

    def _is_ours(self, job_id: str) -> bool:
        """Whether somebody asked for the job in this session."""
        return job_id in self._asked

    def _is_held(self, job_id: str) -> bool:
        """Whether somebody else works on the job, or nobody can."""
        try:
            return folders.is_locked(self.folder_of(job_id))
        except (JobError, OSError):
            return True

    def _care_for(self, job_id: str, until: float) -> News | None:
        before = self._jobs.get(job_id)
        if before is None or not before.needs_process or not self._is_due(job_id, until):
            return None
        was_ours = self._active[job_id].starts > 0
        try:
            job = self._advance(job_id)
        except (ImageTo3DError, OSError) as error:  # one job's trouble must not stop the others
            return self._give_up_for_now(before, user_message(error))
        except Exception:  # neither may a bug of ours
            traceback.print_exc()
            return self._give_up_for_now(before, BUG)
        if job.state is State.IMPORTED:
            return imported_elsewhere(job)
        if job.state in ENDED_WITHOUT and self._is_news(before, job):
            return _farewell(job)
        if job.state is State.READY and was_ours:
            sentence = f"{job.name} is ready: import it from the list of jobs"
            return News("INFO", sentence, job.service, job.id, job.state)
        return None

    def _is_due(self, job_id: str, until: float) -> bool:
        """Whether there may be something to do for a job that needs a process: its record has changed, or it has no
        process."""
        care = self._active[job_id]
        if self._signature_of(job_id) != self._signatures.get(job_id) or self._clock() - care.read_s > RECORD_S:
            return True
        job = self._jobs[job_id]
        if self._reason_to_wait(job):
            return care.process is not None
        # The first that has its turn is started, whatever the time; the others as far as this look has time for them.
        return care.process is None and self._has_turn(job) and (self._clock() < until or not self.is_busy())

    def _is_news(self, before: Job, job: Job) -> bool:
        """Whether a job that has ended without a model is worth a word: not while the service is only just told of
        it."""
        if before.untold:
            return job.message != before.message
        return not (job.untold and self.is_running(job.id))

    def _give_up_for_now(self, job: Job, sentence: str) -> News:
        """Show a job as failed that cannot be cared for; where that cannot be written down (a full disk), until the
        next start tries again."""
        failed = dataclasses.replace(job, state=State.FAILED, message=sentence, untold=False)
        self._remember(failed, self._signature_of(job.id))
        return _farewell(failed)

    # Work on one job

    def advance(self, job_id: str) -> Job:
        """One step for one job: start its process where it needs one, has none and may have one. Return the job as it
        is now.

        For whoever has no looks. Raises `JobError`, `OSError`.
        """
        # Before the job is read, so that what is read is the last word of a process that has ended
        self._let_go_of_ended()
        return self._advance(job_id)

    def _advance(self, job_id: str) -> Job:
        job = self.refresh(job_id)
        care = self._active.get(job_id)
        if care is None:  # nothing is to be done
            return job
        if self._reason_to_wait(job):
            if care.process is not None:
                process.stop(care.process)  # online access was turned off meanwhile; the job goes on when it is back
                care.stopped_s = self._clock() if care.stopped_s is None else care.stopped_s
                care.starts = 0
            return job
        folder = self.folder_of(job_id)
        # One that has just died is let go of first: it may have been cancelled.
        if care.process is not None or not self._has_turn(job) or folders.is_locked(folder):
            return job
        if not job.untold and care.starts >= STARTS_AT_MOST:
            sentence = "The job's process stopped unexpectedly, twice: log.txt in the job's folder has the details."
            history.fail(folder, sentence)
        else:
            self._count_start(job, care)
            care.process = worker.start(folder, python=self.python, config=self.config_of(job))
        return self.refresh(job_id)

    def _has_turn(self, job: Job) -> bool:
        """Whether a process may be started for the job now."""
        care = self._active[job.id]
        if job.untold and self._clock() < care.tell_not_before_s:
            return False
        # Those that tell a service do not take the places of those that make models.
        beside = sum(self._jobs[other].untold == job.untold for other in self.processes if other in self._jobs)
        return beside < self._at_once()

    def _count_start(self, job: Job, care: Care) -> None:
        if not job.untold:
            care.starts += 1
            return
        pause_s = self.tell_pauses_s[min(care.tells, len(self.tell_pauses_s) - 1)]
        care.tells, care.tell_not_before_s = care.tells + 1, self._clock() + pause_s

    def _let_go_of_ended(self) -> None:
        """Note which processes have ended, and kill those that do not although they were asked to."""
        for job_id, care in list(self._active.items()):
            if care.process is None:
                continue
            if not process.is_alive(care.process):
                process.stop(care.process)
                care.process, care.stopped_s, care.read_s = None, None, -math.inf
                if care.cancelled_s is not None:
                    care.cancelled_s = None
                    with contextlib.suppress(JobError, OSError):  # removed since, or damaged
                        history.cancel(self.folder_of(job_id))  # which its process has done already, unless it was deaf
                self._drop_if_over(job_id)
                continue
            for since_s, is_cancelled in ((care.cancelled_s, True), (care.stopped_s, False)):
                if since_s is not None and self._clock() - since_s > self._patience_s(job_id, is_cancelled):
                    process.kill(care.process)

    def _patience_s(self, job_id: str, is_cancelled: bool) -> float:
        """How long a process that was asked to give its job up, or to end, may take to heed that."""
        try:
            job = folders.read(self.folder_of(job_id))
        except (
            JobError,
            OSError,
        ):  # its record cannot be read, so nothing that happens to it can be written down either
            return DEAF_S
        if job.state is State.SUBMITTING and job.awaited:
            return AWAITED_S
        if is_cancelled and job.state not in folders.UNFINISHED:  # it has given the job up, and tells the service
            return math.inf
        return DEAF_S

    def goes_on(self, job: Job) -> bool:
        """Whether something still happens to a job that was advanced just now, without anybody's doing."""
        if self.is_running(job.id) or job.state in folders.UNFINISHED:
            return True
        care = self._active.get(job.id)
        return job.untold and (care is None or care.tells == 0) and not self._reason_to_wait(job)

    def stop(self, job_id: str) -> None:
        """Have a job's process end itself, and wait up to 3 s for it; end one that does not, unless the answer to a
        create request is awaited. The job can go on later, from where it is."""
        running = self.processes.get(job_id)
        if running is None:
            return
        process.stop(running)
        process.wait(running, STOPS_WITHIN_S)
        if process.is_alive(running) and self._patience_s(job_id, is_cancelled=False) <= STOPS_WITHIN_S:
            process.kill(running)
            process.wait(running, STOPS_WITHIN_S)  # so that whoever goes on with the job finds it free

    def let_end(self, job_id: str, seconds: float) -> None:
        """Wait up to so long for a process of ours that has written its last word to end: until then it holds the
        job."""
        running = self.processes.get(job_id)
        if running is not None:
            process.wait(running, seconds)

    def close(self) -> None:
        """Have all processes end themselves; their jobs go on in the next session."""
        for running in self.processes.values():
            process.stop(running)

    # What the user wishes

    def create(
        self,
        *,
        service: str,
        parameters: dict[str, Any],
        name: str,
        place: dict[str, Any] | None = None,
        scratch: Path | None = None,
    ) -> Job:
        """Write down a new job, as `folder.create` says, whose errors it raises. The next look starts its process."""
        folder = folders.create(
            self.root, service=service, parameters=parameters, name=name, place=place, scratch=scratch
        )
        job_id = folder.name
        self._asked.add(job_id)
        return self.refresh(job_id)

    def refresh(self, job_id: str) -> Job:
        """Read one job again. Raises `JobError`."""
        folder = self.folder_of(job_id)
        signature = self._signature_of(job_id)
        job = folders.read(folder)
        self._remember(job, signature)
        return job

    def cancel(self, job_id: str) -> None:
        """Give a job up. Its process, if it has one, writes that down within a second, or when the answer to a create
        request has come, and then tells the service; where it has none, the next look starts one that does."""
        history.cancel(self.folder_of(job_id))
        self.refresh(job_id)
        care = self._active.get(job_id)
        if care is not None:
            care.starts, care.tells, care.tell_not_before_s = 0, 0, 0.0
            if self.is_running(job_id) and care.cancelled_s is None:
                care.cancelled_s = self._clock()

    def retry(self, job_id: str) -> None:
        """Try a job that has ended again. Raises `JobError` where it has not ended, `BusyError`."""
        history.retry(self.folder_of(job_id))
        self._begin_anew(job_id)

    def resume(self, job_id: str) -> None:
        """As `retry`, also for a job that was left unfinished. Raises `JobError`, `BusyError`."""
        history.resume(self.folder_of(job_id))
        self._begin_anew(job_id)

    def take_up(self, job_id: str) -> Job:
        """Have a job go on that another run has left, and return it; one that is ready stays so. Raises `JobError`,
        `BusyError`."""
        folder = self.folder_of(job_id)
        if folders.read(folder).state is not State.READY:
            history.resume(folder)
        return self._begin_anew(job_id)

    def adopt(self, job_id: str, task_id: str) -> None:
        """Say which task an unconfirmed job has made. Raises `JobError`."""
        history.adopt(self.folder_of(job_id), task_id)
        self._begin_anew(job_id)

    def send_again(self, job_id: str) -> None:
        """Send an unconfirmed job's request again. Raises `JobError`."""
        history.send_again(self.folder_of(job_id))
        self._begin_anew(job_id)

    def forget(self, job_id: str) -> None:
        """Give an unconfirmed job up. Raises `JobError`."""
        history.forget(self.folder_of(job_id))
        self.refresh(job_id)

    def remove(self, job_id: str) -> None:
        """Delete a job with all its files, with the next looks. Raises `BusyError` while its process runs, `JobError`,
        `OSError`."""
        self._leftovers.append(history.set_aside(self.root, job_id).name)
        self._forget(job_id)

    def delete_removed(self) -> None:
        """Delete what was removed at once, for whoever has no looks."""
        self._leftovers = []
        history.sweep(self.root, math.inf)

    def _begin_anew(self, job_id: str) -> Job:
        """Forget how often the job was tried: the user wants it."""
        self._asked.add(job_id)
        job = self.refresh(job_id)
        care = self._active.get(job_id)
        if care is not None:
            self._active[job_id] = Care(care.process, stopped_s=care.stopped_s, read_s=care.read_s)
        return job

    # Memory

    def _remember(self, job: Job, signature: Signature | None) -> None:
        """Note how a job is now. `signature` is that of its record from before it was read."""
        self._signatures[job.id] = signature
        if job.needs_process:
            care = self._active.setdefault(job.id, Care())
            care.read_s = self._clock()
            if job.state not in folders.UNFINISHED:
                care.starts = 0  # where it is tried again, also by another Blender, it starts anew
            if not job.untold:
                care.tells, care.tell_not_before_s = 0, 0.0
        known = self._jobs.get(job.id)
        self._jobs[job.id] = job
        if known == job:
            self._drop_if_over(job.id)
            return
        if known is None:
            bisect.insort(self._ids, job.id)
            self._made_meanwhile.add(job.id)
        if job.state not in folders.UNFINISHED:
            size = folders.size_of(self.root / job.id)
            self._total_bytes += size - self._sizes.get(job.id, 0)
            self._sizes[job.id] = size
        self._changed.add(job.id)
        self._drop_if_over(job.id)

    def _drop_if_over(self, job_id: str) -> None:
        """Forget the care for a job that needs none any more. A process that still runs on it is awaited."""
        care, job = self._active.get(job_id), self._jobs.get(job_id)
        if care is not None and care.process is None and (job is None or not job.needs_process):
            del self._active[job_id]

    def _forget(self, job_id: str) -> None:
        """Forget a job whose folder is gone."""
        if self._jobs.pop(job_id, None) is not None:
            del self._ids[bisect.bisect_left(self._ids, job_id)]
        self._total_bytes -= self._sizes.pop(job_id, 0)
        self._signatures.pop(job_id, None)
        self._made_meanwhile.discard(job_id)
        self._asked.discard(job_id)
        self._changed.add(job_id)
        self._drop_if_over(job_id)

    def _signature_of(self, job_id: str) -> Signature | None:
        try:
            found = os.stat(f"{self.root}{os.sep}{job_id}{os.sep}{folders.RECORD}")
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


def _count(number: int) -> str:
    return "1 job" if number == 1 else f"{number} jobs"


def imported_elsewhere(job: Job) -> News:
    """What is said where a model was expected, and another Blender, or a script in one, has imported it."""
    sentence = f"{job.name} was imported by another Blender: import it again from the list of jobs"
    return News("INFO", sentence, job.service, job.id, job.state)


def _farewell(job: Job) -> News:
    """What is said about a job that ended without a model."""
    severity = {State.CANCELLED: "INFO", State.UNCONFIRMED: "WARNING"}.get(job.state, "ERROR")
    if job.state is State.CANCELLED and job.has_unfetched_task:
        severity = "WARNING"  # it may be charged
    return News(severity, f"{job.name}: {job.message}", job.service, job.id, job.state)
