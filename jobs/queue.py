# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of one user folder, and the processes that work on them: which there are, which run, start, cancel, retry,
news. No bpy.

One object for whoever has jobs done: Blender's windows, its background, a command line. It never waits, except where a
method says so, and never draws. A look costs the same with 10 and with 10,000 jobs that have ended: it asks the system
for the times of a few files, and reads only what has changed. What takes longer (a long list, many old records, folders
to be deleted) is done a little with each look.
"""

import contextlib
import dataclasses
import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ..api.errors import BusyError, ImageTo3DError, JobError, user_message
from ..programs import process
from ..programs.process import Process
from . import folder as folders
from . import history, worker
from .folder import Job, State
from .index import Index, Signature

ENDED_WITHOUT = (State.FAILED, State.CANCELLED, State.UNCONFIRMED)
"""The states in which a job ends without a model."""

STEP_S = 0.004
"""How long one look goes on with what can wait for the next: a look must not be felt (10 ms), and its last step may be
a long one."""

RECORD_S = 2.0
"""How old what is known of an unfinished job may be; its record is read again then, although the times of its file are
the same."""

DEAF_S = 2.0  # a process sees within a second that it is to cancel or to end, unless the system itself holds it up

AWAITED_S = 190.0
"""What a process may take that waits for the answer to a create request (`Network.create_s`, and a moment to end): it
may be a paid task."""

STOPS_WITHIN_S = 3.0  # what a process may take to end itself, unless a create request of its has no answer yet

LETS_GO_PAUSE_S = 0.01  # between two looks whether it has

KILLED_WITHIN_S = 0.5  # what a process takes that is killed

STARTS_AT_MOST = 2  # a process that dies twice on the same job would die a third time

TELL_PAUSES_S = (60.0, 300.0, 900.0)
"""How long after each try a service is told again that a job was cancelled, where it could not be: the last for as long
as we run."""

BUG = "Something went wrong that should not have: retry the job. Blender's console has the details."


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


class Queue(Index):
    """The jobs under `root()`, which is asked for once, makes the folder where it is missing, and may raise `JobError`
    where there can be none.

    A job's process runs in the Python that the command line `python` begins with. `config_of` gives what it gets on its
    standard input (see `worker.start`), `reason_to_wait` why a job must not go on just now ("" where it may), `at_once`
    how many may run side by side. Without `draws` no process is started for a thumbnail alone. `clock` gives seconds
    that only grow.
    """

    def __init__(
        self,
        root: Callable[[], Path],
        *,
        python: Sequence[str],
        config_of: Callable[[Job], dict[str, Any]],
        reason_to_wait: Callable[[Job], str],
        at_once: Callable[[], int],
        draws: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(root, clock=clock)
        self.python = list(python)
        self.step_s = STEP_S
        self.tell_pauses_s: tuple[float, ...] = TELL_PAUSES_S
        self.trouble = ""
        """Why there is no folder for jobs, "" where there is one."""
        self.config_of = config_of
        self._reason_to_wait = reason_to_wait
        self._at_once = at_once
        self._draws = draws
        self._active: dict[str, Care] = {}
        self._is_greeted = False
        self._asked: set[str] = set()  # jobs that somebody wanted in this session
        self._to_clear: list[str] = []

    # What there is

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
        """Whether there is something that the next look will go on with."""
        return not self.trouble and (bool(self._to_clear) or super().is_behind())

    def reason_to_wait(self, job: Job) -> str:
        """Why an unfinished job does not go on just now, "" if it does or will as soon as others have ended."""
        return self._reason_to_wait(job) if job.state in folders.UNFINISHED else ""

    # One look

    def look(self) -> list[News]:
        """Start what waits, look at what runs and at what another Blender has done. Return what the user should
        hear."""
        half, until = self._clock() + self.step_s / 2, self._clock() + self.step_s
        try:
            self._let_go_of_ended()
            self._look_for_others(half)
        except (JobError, OSError) as error:  # said once, and looked at again with each look
            before, self.trouble = self.trouble, user_message(error)
            return [News("ERROR", self.trouble)] if self.trouble != before else []
        self.trouble = ""
        self._read_on(half)
        news = self._greeting()
        for job_id in self._in_order(self._active):
            if (said := self._care_for(job_id, until)) is not None:
                news.append(said)
        self._clear_on(until)
        self._delete_leftovers(until)
        return news

    def _clear_on(self, until: float) -> None:
        """Clear jobs from the list, at least one and for a while; one that has to stay after all does."""
        while self._to_clear:
            job_id = self._to_clear.pop()
            with contextlib.suppress(JobError, BusyError, OSError):
                history.clear(self.folder_of(job_id))
                self.refresh(job_id)
            if self._clock() >= until:
                return

    @staticmethod
    def _in_order(ids: dict[str, Care]) -> list[str]:
        return sorted(ids) if len(ids) > 1 else list(ids)

    def _greeting(self) -> list[News]:
        """Once, when all records have been read: which jobs of an earlier session go on, or wait."""
        if self._is_greeted or not self.is_complete:
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
        was_over = before.state in folders.HAS_RESULT  # and only its thumbnail is drawn
        try:
            job = self._advance(job_id)
        except (ImageTo3DError, OSError) as error:  # one job's trouble must not stop the others
            return self._give_up_for_now(before, user_message(error))
        except Exception:  # neither may a bug of ours
            traceback.print_exc()
            return self._give_up_for_now(before, BUG)
        if was_over:
            return None
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
        if self._why_it_waits(job):
            return care.process is not None
        # The first that has its turn is started, whatever the time; the others as far as this look has time for them.
        return care.process is None and self._has_turn(job) and (self._clock() < until or not self.is_busy())

    def _is_news(self, before: Job, job: Job) -> bool:
        """Whether a job that has ended without a model is worth a word: not while the service is only just told of
        it."""
        if before.untold:
            return job.message != before.message
        return not (job.untold and self.is_running(job.id))

    def _give_up_for_now(self, job: Job, sentence: str) -> News | None:
        """Show a job as failed that cannot be cared for; where that cannot be written down (a full disk), until the
        next start tries again. One that only lacks its thumbnail has not failed."""
        if job.state in folders.HAS_RESULT:
            self._remember(dataclasses.replace(job, undrawn=False), self._signature_of(job.id))
            return None
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
        if self._why_it_waits(job):
            if care.process is not None:
                process.stop(care.process)  # online access was turned off meanwhile; the job goes on when it is back
                care.stopped_s = self._clock() if care.stopped_s is None else care.stopped_s
                care.starts = 0
            return job
        folder = self.folder_of(job_id)
        # One that has just died is let go of first: it may have been cancelled.
        if care.process is not None or not self._has_turn(job) or folders.is_locked(folder):
            return job
        if job.undrawn and care.starts >= STARTS_AT_MOST:
            return job  # its process could not even note that it has begun: a later session may
        if not job.untold and care.starts >= STARTS_AT_MOST:
            sentence = "The job's process stopped unexpectedly, twice: log.txt in the job's folder has the details."
            history.fail(folder, sentence)
        else:
            self._count_start(job, care)
            care.process = worker.start(folder, python=self.python, config=self.config_of(job))
        return self.refresh(job_id)

    def _why_it_waits(self, job: Job) -> str:
        """Why a process has to wait with what it does for the job; what only draws asks nobody."""
        return "" if job.state in folders.HAS_RESULT else self._reason_to_wait(job)

    def _has_turn(self, job: Job) -> bool:
        """Whether a process may be started for the job now."""
        care = self._active[job.id]
        if job.untold and self._clock() < care.tell_not_before_s:
            return False
        work = _work_at(job)
        if work == "drawing" and not self._draws:
            return False
        # Those that tell a service, or draw, do not take the places of those that make models.
        beside = sum(_work_at(self._jobs[other]) == work for other in self.processes if other in self._jobs)
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
                elif job_id in self._jobs and self._jobs[job_id].state in folders.HAS_RESULT:
                    with contextlib.suppress(JobError, OSError):  # its thumbnail is there now
                        self.refresh(job_id)
                self._drop_if_over(job_id)
                continue
            for since_s, is_cancelled in ((care.cancelled_s, True), (care.stopped_s, False)):
                if since_s is not None and self._clock() - since_s > self._patience_s(job_id, is_cancelled):
                    process.kill(care.process)

    def _patience_s(self, job_id: str, is_cancelled: bool) -> float:
        """How long a process that was asked to give its job up, or to end, may take to heed that."""
        try:
            job = folders.read(self.folder_of(job_id))
        except (JobError, OSError):
            # Its record cannot be read, so nothing that happens to it can be written down either.
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

    def let_go(self, job_id: str, seconds: float) -> None:
        """Wait up to so long for a process of ours that has just written that the job is ready to let go of it. Raises
        `JobError`."""
        until, folder = time.monotonic() + seconds, self.folder_of(job_id)
        while self.is_running(job_id) and folders.is_locked(folder) and time.monotonic() < until:
            time.sleep(LETS_GO_PAUSE_S)

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
        file: str = "",
        group: str = "",
        variant: int = 0,
        scratch: Path | None = None,
        is_shared: bool = False,
        images: Mapping[str, str] = MappingProxyType({}),
    ) -> Job:
        """Write down a new job, as `folder.create` says, whose errors it raises. The next look starts its process."""
        folder = folders.create(
            self.root,
            service=service,
            parameters=parameters,
            name=name,
            place=place,
            file=file,
            group=group,
            variant=variant,
            scratch=scratch,
            is_shared=is_shared,
            images=images,
        )
        job_id = folder.name
        self._asked.add(job_id)
        return self.refresh(job_id)

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
        self._end_drawing(job_id)
        history.retry(self.folder_of(job_id))
        self._begin_anew(job_id)

    def resume(self, job_id: str) -> None:
        """As `retry`, also for a job that was left unfinished. Raises `JobError`, `BusyError`."""
        self._end_drawing(job_id)
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

    def clear(self, job_ids: Sequence[str], seconds: float = STEP_S) -> None:
        """Have jobs that are over leave the list of their file: some at once, for about so long, the others with the
        next looks. Nothing is deleted."""
        self._to_clear += job_ids
        self._clear_on(self._clock() + seconds)

    def to_clear(self) -> list[str]:
        """The jobs that the next looks have leave the list."""
        return list(self._to_clear)

    def remove(self, job_id: str) -> None:
        """Delete a job with all its files, with the next looks. Raises `BusyError` while its process runs, `JobError`,
        `OSError`."""
        self._end_drawing(job_id)
        self._leftovers.append(history.set_aside(self.root, job_id).name)
        self._forget(job_id)

    def _end_drawing(self, job_id: str) -> None:
        """End a process of ours that does nothing any more but draw: it keeps files of the job open, in which Windows
        renames no folder, and would be taken for the next one."""
        running, job = self.processes.get(job_id), self._jobs.get(job_id)
        if running is not None and job is not None and job.state in folders.HAS_RESULT:
            process.kill(running)
            process.wait(running, KILLED_WITHIN_S)
            self._let_go_of_ended()

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
        if job.needs_process:
            care = self._active.setdefault(job.id, Care())
            care.read_s = self._clock()
            if job.state not in folders.UNFINISHED and not job.undrawn:
                care.starts = 0  # where it is tried again, also by another Blender, it starts anew
            if not job.untold:
                care.tells, care.tell_not_before_s = 0, 0.0
        super()._remember(job, signature)
        self._drop_if_over(job.id)

    def _drop_if_over(self, job_id: str) -> None:
        """Forget the care for a job that needs none any more. A process that still runs on it is awaited."""
        care, job = self._active.get(job_id), self._jobs.get(job_id)
        if care is not None and care.process is None and (job is None or not job.needs_process):
            del self._active[job_id]

    def _forget(self, job_id: str) -> None:
        super()._forget(job_id)
        self._asked.discard(job_id)
        self._drop_if_over(job_id)


def _work_at(job: Job) -> str:
    """What a process does for a job."""
    if job.untold:
        return "telling"
    return "drawing" if job.state in folders.HAS_RESULT else "making"


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
