# SPDX-License-Identifier: GPL-3.0-or-later
"""This Blender's side of the jobs: where they lie, which processes it has started, what it saw last. Never waits.

`tick()` is called by a timer, and all that Blender does about jobs is in it. Panels read `jobs()` and touch no file.
"""

import contextlib
import dataclasses
import math
import os
import sys
import time
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import bpy

from ..api import picture
from ..api.errors import BusyError, ImageTo3DError, JobError, user_message
from ..api.network import is_loopback
from ..api.parameters import pictures
from ..api.services import SERVICES
from ..jobs import folder as folders
from ..jobs import history, worker
from ..jobs.folder import Job, State
from ..programs import process
from . import busy, joblist, pace, settings
from .place import place
from .redraw import redraw
from .refusal import reason_of

PACKAGE = __package__.rpartition(".")[0]

ENDED_WITHOUT = (State.FAILED, State.CANCELLED, State.UNCONFIRMED)
"""The states in which a job ends without a model."""

DEAF_S = 2.0  # a process sees within a second that it is to cancel or to end, unless the system itself holds it up

AWAITED_S = 190.0
"""What a process may take that waits for the answer to a create request (`Network.create_s`, and a moment to end): it may be a paid task."""

STARTS_AT_MOST = 2  # a process that dies twice on the same job would die a third time

LOOKED_AT_AGAIN = 20
"""So many of the newest jobs are read again after they have ended, where another Blender has changed them; a panel shows fewer."""

TELL_PAUSES_S = (60.0, 300.0, 900.0)
"""How long after each try a service is told again that a job was cancelled, where it could not be: the last for as long as Blender runs."""

STOPS_WITHIN_S = 3.0  # what a process may take to end itself, unless a create request of its has no answer yet

READ_AT_MOST_S = 0.01
"""How long one tick reads records that were never read, or deletes: a thousand jobs must not hold the window up."""


BUG = "Something went wrong that should not have: retry the job. Blender's console has the details."

HAND_FULL_AT_MOST_S = 60.0  # some add-ons' tools never end; after this a model is there to be imported by hand


class Said(NamedTuple):
    """A sentence for the user. `severity` is one of Blender's kinds of report: INFO for done, WARNING for recoverable, ERROR for failed."""

    severity: str
    sentence: str
    service: str = ""
    """The service of the job that has ended, where one has."""


_processes: dict[str, process.Process] = {}
_starts: dict[str, int] = {}
_tells: dict[str, tuple[int, float]] = {}
"""By job: how often a process was started to tell its service that it was cancelled, and when (time.monotonic) one may be again."""
_cancelled_at: dict[str, float] = {}
"""By job: when (time.monotonic) the user asked a running process to give it up."""
_stopped_at: dict[str, float] = {}
"""By job: when a running process was told to end, as its job has to wait."""
_expected: dict[str, int] = {}
"""By job: the session_uid of the scene that its result enters by itself. Another file has other scenes."""
_jobs: dict[str, Job] | None = None
"""By id, newest first; None until the first of them have been read."""
_unread: list[str] = []
"""Ids of jobs whose records are still to be read, newest first."""
_held_since: dict[str, float] = {}
"""By job: since when (time.monotonic) its result waits for the end of a tool."""
_in_the_way = ""
"""What the last result that was to enter a scene waits for; "" where nothing was in its way."""
_is_listed = False
"""Whether it is known which jobs there are."""
_is_swept = False
"""Whether there is nothing to be deleted."""
_is_greeted = False
"""Whether the user has been told which jobs of an earlier session go on."""
_sizes: dict[str, int] = {}
"""By job: how many bytes its folder holds."""
_trouble = ""
"""Why there is no folder for jobs, "" where there is one."""
_root_mtime_ns = 0
_record_mtime_ns: dict[str, int] = {}
"""By job: when its record was written that was read last."""


def root() -> Path:
    """The folder of all jobs, which exists then. Raises `JobError` where there can be none."""
    path = bpy.utils.extension_path_user(PACKAGE, path="jobs")
    if not path:
        raise JobError("Blender has no user folder to keep jobs in: check the variables that begin with BLENDER_USER.")
    folder = Path(path)
    try:
        # Not by `create=True`: where that fails, Blender (5.2, too) returns "", which as a path is the working directory.
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise JobError(
            f"The folder of the jobs cannot be made at {folder} ({reason}): make sure that you may write there."
        ) from None
    return folder


def trouble() -> str:
    """Why there are no jobs and cannot be any, "" where nothing is wrong. For what draws."""
    return _trouble


def folder_of(job_id: str) -> Path:
    """The folder of one job. Raises `JobError` for what is no id, so that no path from a script leads out of the jobs' folder."""
    if not folders.is_id(job_id):
        raise JobError(f"There is no job {job_id!r}: use an id from the list of jobs.")
    return root() / job_id


def picture_of(job: Job) -> str:
    """Where a picture of the job lies: of its model where there is one, else of what it is made from; "" where that is a URL.

    For what draws: no file is touched.
    """
    name = folders.THUMBNAIL if job.state in folders.HAS_RESULT else job.source
    if not name or picture.is_url(name):
        return ""
    return os.path.join(bpy.utils.extension_path_user(PACKAGE, path="jobs"), job.id, name)


def jobs() -> list[Job]:
    """All jobs as they were last seen, newest first."""
    return list((_jobs or {}).values())


def was_read() -> bool:
    """Whether the list of jobs has been read since the start. In the background it never is: an operator knows the jobs it is told of."""
    return _is_listed


def job(job_id: str) -> Job | None:
    """One job as it was last seen, None where there is none."""
    return (_jobs or {}).get(job_id)


def is_busy() -> bool:
    """Whether a process of ours runs, or a result is expected."""
    return bool(_processes or _expected)


def is_behind() -> bool:
    """Whether there are records to be read, or folders to be deleted, that the next tick will go on with."""
    return not _trouble and (bool(_unread) or not _is_swept)


def size_of(job_id: str) -> int:
    """How many bytes a job's folder held when it was read last; 0 for one that was not read yet."""
    return _sizes.get(job_id, 0)


def reason_to_wait(job: Job) -> str:
    """Why an unfinished job does not go on just now, "" if it does or will as soon as others have ended."""
    return offline_reason(job.service, job.source) if job.state in folders.UNFINISHED else ""


def connection(service: str) -> dict[str, Any]:
    """The options of `api.connect` for a service, as the preferences and, before them, the environment say. Holds the key."""
    chosen = _preferences()
    network = {
        "proxy": chosen.proxy,
        "ca_file": bpy.path.abspath(chosen.ca_file) if chosen.ca_file else "",
        "online": bpy.app.online_access,
    }
    if SERVICES[service].local:
        return {"network": network}
    return {
        "network": network,
        "key": os.environ.get(f"{service.upper()}_API_KEY", "") or getattr(chosen, f"{service}_key"),
        "url": os.environ.get(f"{service.upper()}_API_URL", "") or getattr(chosen, f"{service}_url"),
        "picture_limit_px": chosen.picture_limit,
    }


def offline_reason(service: str, source: str) -> str:
    """Return why a request cannot be sent now, "" if it can. Asked before every connection that leaves this machine."""
    if service not in SERVICES:  # a job that a later version of the extension has left
        return f"The service {service!r} is not known here: update the extension"
    stays = not picture.leaves_machine(source) if SERVICES[service].local else is_loopback(connection(service)["url"])
    if bpy.app.online_access or stays:
        return ""
    if bpy.app.online_access_override:
        return "Online access is off, because Blender was started in offline mode: start it without --offline-mode"
    return "Online access is off: turn on Allow Online Access in the preferences, under System"


def key_reason(service: str) -> str:
    """Return what a web service lacks before it can be asked, "" if nothing."""
    if SERVICES[service].local or connection(service)["key"].strip():
        return ""
    label = SERVICES[service].label
    return f"{label} needs an API key: enter it in the preferences of Image to 3D, or set {service.upper()}_API_KEY"


def create(
    scene: bpy.types.Scene, *, service: str, parameters: dict[str, Any], name: str, where: dict[str, Any]
) -> Job:
    """Write down a new job, whose result enters `scene`, at the place that `where` says (see `place`).

    Raises `ImageTo3DError`, and `OSError` where nothing can be written.
    """
    reason = key_reason(service) or offline_reason(service, parameters[pictures(SERVICES[service].parameters)[0]])
    if reason:
        raise ImageTo3DError(f"{reason}.")
    folder = folders.create(root(), service=service, parameters=parameters, name=name, place=where)
    _expected[folder.name] = scene.session_uid
    return refresh(folder.name)


def refresh(job_id: str) -> Job:
    """Read one job again. Raises `JobError`."""
    folder = folder_of(job_id)
    _record_mtime_ns[job_id] = _mtime_ns(folder)
    job = folders.read(folder)
    if not job.untold:
        _tells.pop(job_id, None)
    if job.state not in folders.UNFINISHED:
        _starts.pop(job_id, None)  # where it is tried again, also by another Blender, it starts anew
    if job.state in (*ENDED_WITHOUT, State.IMPORTED) and not job.untold:  # whose cancel may just be taken back
        _stop_expecting(job_id)
    _remember(job)
    return job


def tick() -> list[Said]:
    """Start what waits, look at what runs, bring in what is ready. Return what the user should hear: that a job has ended, or goes on."""
    global _trouble
    try:
        root()
        _let_go_of_ended()
        _sweep()
        _look_for_new()
        _look_at_ended()
    except (JobError, OSError) as error:  # said once, and looked at again with each tick
        before, _trouble = _trouble, user_message(error)
        if _trouble != before:
            redraw()
        return [Said("ERROR", _trouble)] if _trouble != before else []
    _trouble = ""
    joblist.fill(jobs())  # which another file's opening has emptied
    return [*_greeting(), *(said for job in jobs() if (said := _care_for(job)))]


def _greeting() -> list[Said]:
    """Once a session, when all records have been read: which jobs of an earlier one go on, or wait."""
    global _is_greeted
    if _is_greeted or _unread:
        return []
    _is_greeted = True
    left = [
        job for job in jobs() if job.state in folders.UNFINISHED and job.id not in _expected and not _is_held(job.id)
    ]
    waiting = [job for job in left if reason_to_wait(job)]
    going = len(left) - len(waiting)
    said = []
    if going:
        said.append(Said("INFO", f"{_count(going)} from before {'goes' if going == 1 else 'go'} on"))
    if waiting:
        verb = "waits" if len(waiting) == 1 else "wait"
        said.append(Said("WARNING", f"{_count(len(waiting))} from before {verb}. {reason_to_wait(waiting[0])}"))
    return said


def _is_held(job_id: str) -> bool:
    """Whether somebody else works on the job, or nobody can."""
    try:
        return folders.is_locked(folder_of(job_id))
    except (JobError, OSError):
        return True


def _count(number: int) -> str:
    return "1 job" if number == 1 else f"{number} jobs"


def _care_for(job: Job) -> Said | None:
    try:
        if job.needs_process:
            before, was_ours, was_expected = job, job.id in _starts, job.id in _expected
            job = advance(job.id)
            if job.state is State.IMPORTED and was_expected:
                return _imported_elsewhere(job)
            if job.state in ENDED_WITHOUT and _is_news(before, job):
                return _farewell(job)
            if job.state is State.READY and was_ours and job.id not in _expected:
                return Said("INFO", f"{job.name} is ready: import it from the list of jobs", job.service)
        if job.state is State.READY and job.id in _expected:
            return _bring_in(job)
    except (ImageTo3DError, OSError) as error:  # one job's trouble must not stop the others
        return _give_up_for_now(job, user_message(error))
    except Exception:  # neither may a bug of ours
        traceback.print_exc()
        return _give_up_for_now(job, BUG)
    return None


def _give_up_for_now(job: Job, sentence: str) -> Said:
    """Show a job as failed that cannot be cared for; where that cannot be written down (a full disk), until the next start tries again."""
    _expected.pop(job.id, None)
    failed = dataclasses.replace(job, state=State.FAILED, message=sentence, untold=False)
    _remember(failed)
    return _farewell(failed)


def _imported_elsewhere(job: Job) -> Said:
    """What is said where the model was expected here, and another Blender, or a script in one, has imported it."""
    return Said(
        "INFO", f"{job.name} was imported by another Blender: import it again from the list of jobs", job.service
    )


def _is_news(before: Job, job: Job) -> bool:
    """Whether a job that has ended without a model is worth a word: not while the service is only just told of it."""
    if before.untold:
        return job.message != before.message
    return not (job.untold and is_running(job.id))


def _farewell(job: Job) -> Said:
    """What is said about a job that ended without a model."""
    severity = {State.CANCELLED: "INFO", State.UNCONFIRMED: "WARNING"}.get(job.state, "ERROR")
    if job.state is State.CANCELLED and job.has_unfetched_task:
        severity = "WARNING"  # it may be charged
    return Said(severity, f"{job.name}: {job.message}", job.service)


def advance(job_id: str) -> Job:
    """One step for one job that needs a process: start its process where it has none and may have one. Return the job as it is now."""
    _let_go_of_ended()  # before the job is read, so that what is read is the last word of a process that has ended
    job = refresh(job_id)
    folder = folder_of(job_id)
    if job.needs_process and offline_reason(job.service, job.source):
        if job_id in _processes:
            process.stop(_processes[job_id])  # online access was turned off meanwhile; the job goes on when it is back
            _stopped_at.setdefault(job_id, time.monotonic())
            _starts.pop(job_id, None)
        return job
    if not job.needs_process or is_running(job_id) or folders.is_locked(folder):
        return job
    if not job.untold and _starts.get(job_id, 0) >= STARTS_AT_MOST:
        history.fail(
            folder, "The job's process stopped unexpectedly, twice: log.txt in the job's folder has the details."
        )
    elif _may_start(job):
        config = {
            "blender": bpy.app.binary_path,
            "connection": connection(job.service),
            "time_limit_s": _preferences().time_limit * 60.0,
        }
        _processes[job_id] = worker.start(folder, python=[sys.executable, *bpy.app.python_args], config=config)
    return refresh(job_id)


def _may_start(job: Job) -> bool:
    """Whether a process may be started for the job now, which is then counted."""
    # Those that tell a service do not take the places of those that make models.
    beside = [known for job_id in _processes if (known := _jobs and _jobs.get(job_id)) and known.untold == job.untold]
    if len(beside) >= _preferences().jobs_at_once:
        return False
    if not job.untold:
        _starts[job.id] = _starts.get(job.id, 0) + 1
        return True
    tries, not_before_s = _tells.get(job.id, (0, 0.0))
    if time.monotonic() < not_before_s:
        return False
    _tells[job.id] = tries + 1, time.monotonic() + TELL_PAUSES_S[min(tries, len(TELL_PAUSES_S) - 1)]
    return True


def is_running(job_id: str) -> bool:
    """Whether a process of ours works on the job."""
    return job_id in _processes and process.is_alive(_processes[job_id])


def _let_go_of_ended() -> None:
    for job_id in [job_id for job_id in _processes if not is_running(job_id)]:
        process.stop(_processes.pop(job_id))
        _stopped_at.pop(job_id, None)
        if _cancelled_at.pop(job_id, None) is not None:
            with contextlib.suppress(JobError, OSError):  # removed since, or damaged
                history.cancel(folder_of(job_id))  # which its process has done already, unless it was deaf
    for asked_at in (_cancelled_at, _stopped_at):
        for job_id, asked_s in asked_at.items():
            if job_id in _processes and time.monotonic() - asked_s > _patience_s(job_id, asked_at is _cancelled_at):
                process.kill(_processes[job_id])


def _patience_s(job_id: str, is_cancelled: bool) -> float:
    """How long a process that was asked to give its job up, or to end, may take to heed that."""
    try:
        job = folders.read(folder_of(job_id))
    except (JobError, OSError):  # its record cannot be read, so nothing that happens to it can be written down either
        return DEAF_S
    if job.state is State.SUBMITTING and job.awaited:
        return AWAITED_S
    if is_cancelled and job.state not in folders.UNFINISHED:  # it has given the job up, and tells the service
        return math.inf
    return DEAF_S


def import_result(job_id: str, scene: bpy.types.Scene) -> bpy.types.Object:
    """Bring a finished job's model into `scene`, once at a time: to where the job was asked for, or, by hand, to where the scene's
    settings say now. Raises `JobError`, `BusyError`."""
    folder = folder_of(job_id)
    with folders.lock(folder):
        job = folders.read(folder)
        if job.state not in folders.HAS_RESULT:
            raise JobError(f"{job.name} has no model yet: it is {job.state}.")
        by_hand = job.id not in _expected or job.state is State.IMPORTED
        if reader := busy.reader():
            raise JobError(
                f"{job.name} would stand in what is made just now: wait for {reader} to end, then import it."
            )
        # While a tool is held, its end is the next undo step, and the model comes with it.
        obj = place(
            folder,
            job,
            settings.target_of(scene) if by_hand else scene,
            settings.place_of(scene) if by_hand else job.place,
            undo_step=not busy.is_tool_held(),
        )
        _stop_expecting(job.id)
        job.state = State.IMPORTED
        folders.write(folder, job)
    refresh(job_id)
    return obj


def cancel(job_id: str) -> None:
    """Give a job up. Its process, if it has one, writes that down within a second, or when the answer to a create request has come,
    and then tells the service; where it has none, the next tick starts one that does."""
    _stop_expecting(job_id)
    _starts.pop(job_id, None)
    _tells.pop(job_id, None)
    history.cancel(folder_of(job_id))
    if is_running(job_id):
        _cancelled_at.setdefault(job_id, time.monotonic())
    refresh(job_id)


def goes_on(job: Job) -> bool:
    """Whether something still happens to a job that was advanced just now, without anybody's doing."""
    if is_running(job.id) or job.state in folders.UNFINISHED:
        return True
    return job.untold and job.id not in _tells and not offline_reason(job.service, job.source)


def stop(job_id: str) -> None:
    """Have a job's process end itself, and wait a moment for it; end one that does not, unless the answer to a create request is awaited.
    The job can go on later, from where it is."""
    if job_id not in _processes:
        return
    process.stop(_processes[job_id])
    process.wait(_processes[job_id], STOPS_WITHIN_S)
    if is_running(job_id) and _patience_s(job_id, is_cancelled=False) <= STOPS_WITHIN_S:
        process.kill(_processes[job_id])
        process.wait(_processes[job_id], STOPS_WITHIN_S)  # so that whoever goes on with the job finds it free


def take_up(job_id: str) -> Job:
    """Have a job go on that another run has left, and return it; one that is ready stays so. Raises `JobError`, `BusyError`."""
    folder = folder_of(job_id)
    if folders.read(folder).state is not State.READY:
        history.resume(folder)
    _starts.pop(job_id, None)
    _tells.pop(job_id, None)
    _cancelled_at.pop(job_id, None)
    return refresh(job_id)


def resume(job_id: str, scene: bpy.types.Scene) -> None:
    """As `retry`, also for a job that was left unfinished. Raises `JobError`, `BusyError`."""
    history.resume(folder_of(job_id))
    _expect_again(job_id, scene)


def retry(job_id: str, scene: bpy.types.Scene) -> None:
    """Try a job that has ended again; its result enters `scene`. Raises `JobError` where it has not ended."""
    history.retry(folder_of(job_id))
    _expect_again(job_id, scene)


def candidates(job_id: str) -> list[str]:
    """The tasks at the service of which one may be an unconfirmed job's, as far as the service lists them."""
    found = job(job_id)
    return found.candidates if found else []


def adopt(job_id: str, task_id: str, scene: bpy.types.Scene) -> None:
    """Say which task an unconfirmed job has made; its result enters `scene`. Raises `JobError`."""
    history.adopt(folder_of(job_id), task_id)
    _expect_again(job_id, scene)


def send_again(job_id: str, scene: bpy.types.Scene) -> None:
    """Send an unconfirmed job's request again; its result enters `scene`. Raises `JobError`."""
    history.send_again(folder_of(job_id))
    _expect_again(job_id, scene)


def forget(job_id: str) -> None:
    """Give an unconfirmed job up. Raises `JobError`."""
    history.forget(folder_of(job_id))
    refresh(job_id)


def _expect_again(job_id: str, scene: bpy.types.Scene) -> None:
    _starts.pop(job_id, None)
    _tells.pop(job_id, None)
    _cancelled_at.pop(job_id, None)
    _expected[job_id] = scene.session_uid
    refresh(job_id)


def remove(job_id: str) -> None:
    """Delete a job with all its files, in the next ticks. Raises `BusyError` while its process runs, `JobError`, `OSError`."""
    global _is_swept
    history.set_aside(root(), job_id)
    _is_swept = False
    _expected.pop(job_id, None)
    pace.forget(job_id)
    _sizes.pop(job_id, None)
    if _jobs:
        _jobs.pop(job_id, None)  # the next tick shows it, once for as many as go


def waits_for(job: Job) -> str:
    """What a result that enters its scene by itself waits for, "" where it waits for nothing or for the user: "the render"."""
    return _in_the_way if job.state is State.READY and job.id in _expected else ""


def _bring_in(job: Job) -> Said | None:
    """Place the result of an expected job; whatever is in the way is said, and the result stays ready to be imported by hand."""
    found = refresh(job.id)
    if found.state is not State.READY:  # another Blender was here first
        return _imported_elsewhere(found) if found.state is State.IMPORTED else None
    scene = next((scene for scene in bpy.data.scenes if scene.session_uid == _expected[job.id]), None)
    if scene is None:
        _stop_expecting(job.id)
        return Said(
            "WARNING", f"{job.name} is ready, and its scene is not open: import it from the list of jobs", job.service
        )
    reader, is_held = busy.reader(), busy.is_tool_held()
    _note_in_the_way(reader or ("the tool in use" if is_held else ""))
    if reader:  # a model that came now would stand in the rest of the pictures; however long it takes, a later tick brings it in
        return None
    if is_held:
        if time.monotonic() - _held_since.setdefault(job.id, time.monotonic()) < HAND_FULL_AT_MOST_S:
            return None
        # An undo step that is pushed now would hold the half of what the tool does, also where the user then cancels the tool.
        _stop_expecting(job.id)
        # What to do comes first: beside the hints of a tool, the status bar shows the beginning only.
        return Said("WARNING", f"{job.name} is ready: import it from the list of jobs. A tool is in use", job.service)
    try:
        import_result(job.id, scene)
    except RuntimeError as error:  # Blender's own refusal: once is enough, the result stays ready
        _stop_expecting(job.id)
        return Said("ERROR", f"{job.name} could not be added ({reason_of(error)}): import it from the list of jobs")
    except BusyError:
        return None  # somebody looks at it just now; the next tick tries again
    except ImageTo3DError as error:
        _stop_expecting(job.id)
        return Said("ERROR", str(error))
    return Said("INFO", f"{job.name} is in the scene: {job.note}", job.service)


def _stop_expecting(job_id: str) -> None:
    """The result does not enter a scene by itself any more."""
    _held_since.pop(job_id, None)
    if _expected.pop(job_id, None) is not None:
        redraw()  # it does not wait any more


def _note_in_the_way(what: str) -> None:
    global _in_the_way
    if what != _in_the_way:
        _in_the_way = what
        redraw()


def _remember(job: Job) -> None:
    """Note how a job is now, a new one first, and have the panels show it."""
    global _jobs
    known = _jobs or {}
    if known.get(job.id) == job:
        return
    _jobs = {**known, job.id: job} if job.id in known else {job.id: job, **known}
    if job.state in folders.UNFINISHED:
        pace.note(job.id, job.progress, time.monotonic())
    else:
        pace.forget(job.id)
        _sizes[job.id] = folders.size_of(folder_of(job.id))
    show()


def show() -> None:
    """Have the windows show the jobs as they are now."""
    joblist.fill(jobs())
    redraw()


def _sweep() -> None:
    """Delete the folders of jobs that were removed, a few at a time."""
    global _is_swept
    if not _is_swept:
        _is_swept = history.sweep(root(), READ_AT_MOST_S)


def _look_for_new() -> None:
    """Read the records that were never read, a few at a time; and see whether a folder came or went (another Blender may share them)."""
    global _jobs, _root_mtime_ns, _unread, _is_listed
    mtime_ns = root().stat().st_mtime_ns
    if _jobs is None or mtime_ns != _root_mtime_ns:
        _root_mtime_ns = mtime_ns
        known = _jobs or {}
        ids = history.list_ids(root())
        _jobs = {job_id: known[job_id] for job_id in ids if job_id in known}
        _unread = [job_id for job_id in ids if job_id not in known]
        _is_listed = True
        for removed in _expected.keys() - set(ids):
            del _expected[removed]
        show()
    if not _unread:
        return
    until = time.monotonic() + READ_AT_MOST_S
    read: dict[str, Job] = {}
    while True:
        job_id = _unread.pop(0)
        try:
            if found := history.read_or_failed(root() / job_id):
                read[job_id] = found
                _sizes[job_id] = folders.size_of(root() / job_id)
        except Exception:  # a bug of ours with one record must not hide the others
            traceback.print_exc()
        if not _unread or time.monotonic() >= until:
            break
    merged = {**read, **_jobs}
    _jobs = {job_id: merged[job_id] for job_id in sorted(merged, reverse=True)}  # ids begin with the time
    show()


def _look_at_ended() -> None:
    """Read the newest of the jobs that have ended again where another Blender has imported, retried or decided them."""
    folder = root()
    for job in jobs()[:LOOKED_AT_AGAIN]:
        if not job.needs_process:
            mtime_ns = _mtime_ns(folder / job.id)
            if mtime_ns != _record_mtime_ns.setdefault(job.id, mtime_ns):
                try:
                    refresh(job.id)
                except (JobError, OSError):
                    if bad := history.read_or_failed(folder / job.id):  # else it was just removed
                        _remember(bad)
                except Exception:  # a bug of ours with this one must not stop the others
                    traceback.print_exc()


def _mtime_ns(folder: Path) -> int:
    """When the job's record was written; 0 where there is none."""
    try:
        return (folder / folders.RECORD).stat().st_mtime_ns
    except OSError:
        return 0


def delete_removed() -> None:
    """Delete what was removed at once, for a Blender that has no ticks."""
    history.sweep(root(), math.inf)


def _preferences() -> Any:
    """The preferences; their defaults where the extension was enabled without an entry of its own (`blender --addons`, some scripts)."""
    if PACKAGE in bpy.context.preferences.addons:
        return bpy.context.preferences.addons[PACKAGE].preferences
    kinds = bpy.types.AddonPreferences.__subclasses__()
    properties = next(kind for kind in kinds if kind.is_registered and kind.bl_idname == PACKAGE).bl_rna.properties
    return SimpleNamespace(**{entry.identifier: entry.default for entry in properties if hasattr(entry, "default")})


def register() -> None:
    """Nothing is read and nothing is started before the first tick."""


def unregister() -> None:
    """Have all processes end themselves; their jobs go on after the next start."""
    global _jobs, _is_greeted, _is_listed, _is_swept, _trouble
    while _processes:
        process.stop(_processes.popitem()[1])
    _expected.clear()
    _starts.clear()
    _tells.clear()
    _cancelled_at.clear()
    _stopped_at.clear()
    _held_since.clear()
    _record_mtime_ns.clear()
    _sizes.clear()
    _unread.clear()
    _jobs, _is_greeted, _is_listed, _is_swept, _trouble = None, False, False, False, ""
