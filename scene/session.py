# SPDX-License-Identifier: GPL-3.0-or-later
"""This Blender's side of the jobs: where they lie, which processes it has started, what it saw last. Never waits.

`tick()` is called by a timer, and all that Blender does about jobs is in it. Panels read `jobs()` and touch no file.
"""

import contextlib
import dataclasses
import os
import sys
import time
from pathlib import Path
from typing import Any

import bpy

from ..api import picture
from ..api.errors import BusyError, ImageTo3DError, JobError, sentence_of
from ..api.network import is_loopback
from ..api.parameters import pictures
from ..api.services import SERVICES
from ..jobs import folder as folders
from ..jobs import history, process
from ..jobs.folder import Job, State
from .place import place
from .refusal import reason_of

PACKAGE = __package__.rpartition(".")[0]

ENDED_WITHOUT = (State.FAILED, State.CANCELLED, State.UNCONFIRMED)
"""The states in which a job ends without a model."""

DEAF_S = 2.0  # a process sees that it is to cancel within a second, unless it waits for a server that has fallen silent

STARTS_AT_MOST = 2  # a process that dies twice on the same job would die a third time

LOOKED_AT_AGAIN = 20
"""So many of the newest jobs are read again after they have ended, where another Blender has changed them; a panel shows fewer."""

_processes: dict[str, process.Process] = {}
_starts: dict[str, int] = {}
_cancelled_at: dict[str, float] = {}
"""By job: when (time.monotonic) the user asked a running process to give it up."""
_expected: dict[str, int] = {}
"""By job: the session_uid of the scene that its result enters by itself. Another file has other scenes."""
_jobs: dict[str, Job] | None = None
"""By id, newest first; None until they have been read for the first time."""
_root_mtime_ns = 0
_record_mtime_ns: dict[str, int] = {}
"""By job: when its record was written that was read last."""


def root() -> Path:
    """The folder of all jobs, which exists then."""
    return Path(bpy.utils.extension_path_user(PACKAGE, path="jobs", create=True))


def folder_of(job_id: str) -> Path:
    """The folder of one job. Raises `JobError` for what is no id, so that no path from a script leads out of the jobs' folder."""
    if not job_id or Path(job_id).name != job_id or job_id.startswith("."):
        raise JobError(f"There is no job {job_id!r}: use an id from the list of jobs.")
    return root() / job_id


def jobs() -> list[Job]:
    """All jobs as they were last seen, newest first."""
    return list((_jobs or {}).values())


def is_busy() -> bool:
    """Whether a process of ours runs, or a result is expected."""
    return bool(_processes or _expected)


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


def create(scene: bpy.types.Scene, *, service: str, parameters: dict[str, Any], name: str) -> Job:
    """Write down a new job, whose result enters `scene`. Raises `ImageTo3DError`, and `OSError` where nothing can be written."""
    reason = key_reason(service) or offline_reason(service, parameters[pictures(SERVICES[service].parameters)[0]])
    if reason:
        raise ImageTo3DError(f"{reason}.")
    place = {"scene": scene.name, "location": list(scene.cursor.location)}
    folder = folders.create(root(), service=service, parameters=parameters, name=name, place=place)
    _expected[folder.name] = scene.session_uid
    return refresh(folder.name)


def refresh(job_id: str) -> Job:
    """Read one job again. Raises `JobError`."""
    folder = folder_of(job_id)
    _record_mtime_ns[job_id] = _mtime_ns(folder)
    job = folders.read(folder)
    if job.state not in folders.UNFINISHED:
        _starts.pop(job_id, None)  # where it is tried again, also by another Blender, it starts anew
    if job.state in (*ENDED_WITHOUT, State.IMPORTED):
        _expected.pop(job_id, None)
    _remember(job)
    return job


def tick() -> list[str]:
    """Start what waits, look at what runs, bring in what is ready. Return a sentence for each job that ended."""
    _let_go_of_ended()
    _look_for_new()
    _look_at_ended()
    return [sentence for job in jobs() if (sentence := _care_for(job))]


def _care_for(job: Job) -> str:
    try:
        if job.state in folders.UNFINISHED:
            job = advance(job.id)
            if job.state in ENDED_WITHOUT:
                return f"{job.name}: {job.message}"
        if job.state is State.READY and job.id in _expected:
            return _bring_in(job)
    except (ImageTo3DError, OSError) as error:  # one job's trouble must not stop the others
        _expected.pop(job.id, None)
        # Where even this cannot be written down (a full disk), the list says it until the next start tries again.
        failed = dataclasses.replace(job, state=State.FAILED, message=sentence_of(error))
        _remember(failed)
        return f"{job.name}: {failed.message}"
    return ""


def advance(job_id: str) -> Job:
    """One step for one unfinished job: start its process where it has none and may have one. Return the job as it is now."""
    _let_go_of_ended()  # before the job is read, so that what is read is the last word of a process that has ended
    job = refresh(job_id)
    folder = folder_of(job_id)
    if job.state in folders.UNFINISHED and offline_reason(job.service, job.source):
        if job_id in _processes:
            process.stop(_processes[job_id])  # online access was turned off meanwhile; the job goes on when it is back
            _starts.pop(job_id, None)
        return job
    if job.state not in folders.UNFINISHED or is_running(job_id) or folders.is_locked(folder):
        return job
    if _starts.get(job_id, 0) >= STARTS_AT_MOST:
        history.fail(
            folder, "The job's process stopped unexpectedly, twice: log.txt in the job's folder has the details."
        )
    elif len(_processes) < _preferences().jobs_at_once:
        _starts[job_id] = _starts.get(job_id, 0) + 1
        orders = {
            "blender": bpy.app.binary_path,
            "connection": connection(job.service),
            "time_limit_s": _preferences().time_limit * 60.0,
        }
        _processes[job_id] = process.start(folder, python=[sys.executable, *bpy.app.python_args], orders=orders)
    return refresh(job_id)


def is_running(job_id: str) -> bool:
    """Whether a process of ours works on the job."""
    return job_id in _processes and process.is_alive(_processes[job_id])


def _let_go_of_ended() -> None:
    for job_id in [job_id for job_id in _processes if not is_running(job_id)]:
        process.stop(_processes.pop(job_id))
        if _cancelled_at.pop(job_id, None) is not None:
            with contextlib.suppress(JobError, OSError):  # removed since, or damaged
                history.cancel(folder_of(job_id))  # which its process has done already, unless it was deaf
    for job_id, asked in _cancelled_at.items():
        # Not while a request is being sent: its answer may be a task that is paid for.
        if time.monotonic() - asked > DEAF_S and not _is_sending(job_id):
            process.kill(_processes[job_id])


def _is_sending(job_id: str) -> bool:
    try:
        return folders.read(folder_of(job_id)).state is State.SUBMITTING
    except (JobError, OSError):  # its record cannot be read, so nothing that happens to it can be written down either
        return False


def import_result(job_id: str, scene: bpy.types.Scene) -> bpy.types.Object:
    """Bring a finished job's model into `scene`, once at a time. Raises `JobError`, `BusyError`."""
    folder = folder_of(job_id)
    with folders.lock(folder):
        job = folders.read(folder)
        if job.state not in folders.HAS_RESULT:
            raise JobError(f"{job.name} has no model yet: it is {job.state}.")
        if job.id not in _expected or job.state is State.IMPORTED:  # asked for by hand: where the user is now
            job.place = {}
        obj = place(folder, job, scene)
        _expected.pop(job.id, None)
        job.state = State.IMPORTED
        folders.write(folder, job)
    refresh(job_id)
    return obj


def cancel(job_id: str) -> None:
    """Give a job up. Its process, if it has one, ends within a second, or when the answer to a create request has come."""
    _expected.pop(job_id, None)
    history.cancel(folder_of(job_id))
    if is_running(job_id):
        _cancelled_at.setdefault(job_id, time.monotonic())
    refresh(job_id)


def retry(job_id: str, scene: bpy.types.Scene) -> None:
    """Try a job that has ended again; its result enters `scene`. Raises `JobError` where it has not ended."""
    history.retry(folder_of(job_id))
    _expect_again(job_id, scene)


def candidates(job_id: str) -> list[str]:
    """The tasks at the service of which one may be an unconfirmed job's, as far as the service lists them."""
    job = (_jobs or {}).get(job_id)
    return job.candidates if job else []


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
    _cancelled_at.pop(job_id, None)
    _expected[job_id] = scene.session_uid
    refresh(job_id)


def remove(job_id: str) -> None:
    """Delete a job with all its files. Raises `BusyError` while its process runs."""
    history.remove(folder_of(job_id))
    _expected.pop(job_id, None)
    if _jobs:
        _jobs.pop(job_id, None)


def _bring_in(job: Job) -> str:
    """Place the result of an expected job; whatever is in the way is said, and the result stays ready to be imported by hand."""
    if refresh(job.id).state is not State.READY:  # another Blender was here first
        return ""
    scene = next((scene for scene in bpy.data.scenes if scene.session_uid == _expected[job.id]), None)
    if scene is None:
        _expected.pop(job.id)
        return f"{job.name} is ready, and its scene is not open: import it from the list of jobs"
    try:
        import_result(job.id, scene)
    except RuntimeError as error:  # Blender's own refusal: once is enough, the result stays ready
        _expected.pop(job.id, None)
        return f"{job.name} could not be added ({reason_of(error)}): import it from the list of jobs"
    except BusyError:
        return ""  # somebody looks at it just now; the next tick tries again
    except ImageTo3DError as error:
        _expected.pop(job.id)
        return str(error)
    return f"{job.name} is in the scene: {job.note}"


def _remember(job: Job) -> None:
    """Note how a job is now, a new one first, and have the panels show it."""
    global _jobs
    known = _jobs or {}
    if known.get(job.id) != job:
        _jobs = {**known, job.id: job} if job.id in known else {job.id: job, **known}
        _redraw()


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def _look_for_new() -> None:
    """Read the list where it was never read, and where a folder came or went (another Blender may share it)."""
    global _jobs, _root_mtime_ns
    if _jobs is None:
        history.tidy_up(root())
    mtime_ns = root().stat().st_mtime_ns
    if _jobs is None or mtime_ns != _root_mtime_ns:
        _root_mtime_ns = mtime_ns
        _jobs = {job.id: job for job in history.list_jobs(root(), known=_jobs or {})}
        for removed in _expected.keys() - _jobs.keys():
            del _expected[removed]
        _redraw()


def _look_at_ended() -> None:
    """Read the newest of the jobs that have ended again where another Blender has imported, retried or decided them."""
    folder = root()
    for job in jobs()[:LOOKED_AT_AGAIN]:
        if job.state not in folders.UNFINISHED:
            mtime_ns = _mtime_ns(folder / job.id)
            if mtime_ns != _record_mtime_ns.setdefault(job.id, mtime_ns):
                with contextlib.suppress(JobError, OSError):  # it was just removed
                    refresh(job.id)


def _mtime_ns(folder: Path) -> int:
    """When the job's record was written; 0 where there is none."""
    try:
        return (folder / folders.RECORD).stat().st_mtime_ns
    except OSError:
        return 0


def _preferences() -> bpy.types.AddonPreferences:
    return bpy.context.preferences.addons[PACKAGE].preferences


def register() -> None:
    """Nothing is read and nothing is started before the first tick."""


def unregister() -> None:
    """Have all processes end themselves; their jobs go on after the next start."""
    global _jobs
    while _processes:
        process.stop(_processes.popitem()[1])
    _expected.clear()
    _starts.clear()
    _cancelled_at.clear()
    _record_mtime_ns.clear()
    _jobs = None
