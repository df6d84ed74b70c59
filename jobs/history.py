# SPDX-License-Identifier: GPL-3.0-or-later
"""All jobs of a user folder: list, cancel, retry, remove, tidy up. Starts nothing; one unreadable folder never hides
the others."""

import contextlib
import os
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from .. import files
from ..api import picture
from ..api.errors import BusyError, JobError, ParameterError, PictureError, user_message
from ..api.parameters import check, renewed
from ..api.parameters import pictures as pictures_of
from ..api.services import SERVICES, label_of
from ..api.words import task_id as task_id_of
from . import folder as folders
from . import pictures
from .folder import Job, State

RETRIABLE = frozenset({State.FAILED, State.CANCELLED, State.UNCONFIRMED, State.READY, State.IMPORTED})

TASK_ID = re.compile(r"[\w.:~+=@-]+", re.ASCII)  # of both services, and nothing that would lead an address elsewhere

ABANDONED_S = 3600.0  # a folder that was still being made this long ago belongs to nobody any more


def list_ids(root: Path) -> list[str]:
    """Return the names of the folders under `root` that may be jobs, newest first: those that have the form of an id.
    No file is read."""
    found = [entry.name for entry in _entries(root) if folders.is_id(entry.name)]
    return sorted(found, reverse=True)  # ids begin with the time


def _entries(root: Path) -> list[os.DirEntry[str]]:
    """The folders in `root`, and no links to one; none where there is no `root`. Each may be gone already: other
    Blenders share them."""
    try:
        with os.scandir(root) as entries:
            return [entry for entry in entries if is_folder(entry)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, and no link to one. It may be gone already."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def list_jobs(root: Path) -> list[Job]:
    """Return every job under `root`, newest first; one that cannot be read as a failed job that says so."""
    return [job for job_id in list_ids(root) if (job := read_or_failed(root / job_id))]


def read_or_failed(folder: Path) -> Job | None:
    """Return the job in `folder`; a failed job that says so where its record cannot be read; None where it holds no
    record."""
    if not folders.holds_record(folder):
        return None
    try:
        return folders.read(folder)
    except (JobError, OSError) as error:
        return Job(folder.name, "", folder.name, {}, state=State.FAILED, message=user_message(error))


def find_paid(root: Path, service: str, parameters: Mapping[str, Any], scratch: Path) -> Job | None:
    """Return the newest job that has asked, or is to ask, a paid service for the same, and whose model may still be
    had: it is unfinished, or has a model or a task that was never imported. None where there is none.

    `parameters` are checked ones. Pictures are compared by their content; one that is a data URI is decoded into
    `scratch`. Raises `PictureError` where there is no such picture.
    """
    return find_each_paid(root, service, [parameters], scratch)[0]


def find_each_paid(
    root: Path,
    service: str,
    requests: Sequence[Mapping[str, Any]],
    scratch: Path,
    *,
    without: Collection[str] = (),
) -> list[Job | None]:
    """The same for each of the variants of one request, in their order; no job is found for two of them, and none of
    those whose ids are in `without`.

    A variant whose model was imported is found, too, where another of the same group was left: whoever asks for all
    of them again was interrupted, and has paid for that one.
    """
    found: list[Job | None] = [None] * len(requests)
    if not SERVICES[service].is_paid:
        return found
    all_asked = [_asked(service, parameters, scratch) for parameters in requests]
    jobs = [job for job in list_jobs(root) if job.service == service and job.id not in without]
    left = [job for job in jobs if _is_left(job)]
    _find(found, [_asking(root, left, asked) for asked in all_asked])
    groups = {job.group for job in found if job and job.group}
    imported = [job for job in jobs if job.group in groups and job.state is State.IMPORTED]
    _find(found, [_asking(root, imported, asked) for asked in all_asked])
    return found


def _find(found: list[Job | None], pools: list[list[Job]]) -> None:
    """Give each request that has none a job of its pool that no other has: its own variant's where that is there."""
    taken = {job.id for job in found if job}
    for is_own in (True, False) if len(found) > 1 else (False,):
        for index, pool in enumerate(pools):
            free = (job for job in pool if job.id not in taken and (job.variant == index + 1 or not is_own))
            if found[index] is None and (job := next(free, None)):
                found[index] = job
                taken.add(job.id)


def _asked(service: str, parameters: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """All that makes a request the same as another, by wire name."""
    table = SERVICES[service].parameters
    asked = {entry.name: parameters[entry.name] for entry in table}
    for name in pictures_of(table):
        asked[name] = _content_of(asked[name], scratch / f"compared-{name}")
    return asked


def _asking(root: Path, jobs: list[Job], asked: Mapping[str, Any]) -> list[Job]:
    return [job for job in jobs if _asks(root, job, asked)]


def _is_left(job: Job) -> bool:
    """Whether a paid job may still give its model without another payment."""
    if job.state in (*folders.UNFINISHED, State.READY, State.UNCONFIRMED):
        return True
    return job.state is not State.IMPORTED and bool(job.sent and job.task_id) and not job.task_over


def _asks(root: Path, job: Job, asked: Mapping[str, Any]) -> bool:
    """Whether a job asks for just this; of pictures the content counts."""
    table = SERVICES[job.service].parameters
    names = pictures_of(table)
    try:
        known = {entry.name: job.parameters[entry.name] for entry in table if entry.name in job.parameters}
        there = check(table, renewed(table, known))
        if any(there[name] != asked[name] for name in there if name not in names):
            return False
        folder = root / job.id
        return all(_content_of(folders.picture_in(folder, job, name), Path()) == asked[name] for name in names)
    # Its picture is gone, has changed, or is none of its own; or it asks for what the service does not take any more.
    except (JobError, ParameterError, PictureError, OSError):
        return False


def _content_of(source: str, stem: Path) -> str:
    """What makes a picture the same as another: its address, or the SHA-256 of its file; "" for none."""
    if not source or picture.is_url(source):
        return source
    file = Path(source) if picture.is_path(source) else picture.to_file(source, stem)
    if not os.path.isfile(file):  # also where the name is endless
        raise PictureError(f"There is no picture at {file}: choose one that exists.")
    return pictures.sha256_of(file)


def cancel(folder: Path) -> None:
    """Have the job cancelled: by its process within a second, or here and now where it has none.

    Where a service has still to be told of it, the record says so (`untold`), and the next process of the job does it.
    """
    if not folders.holds_record(folder):
        raise JobError(f"There is no job in {folder}.")
    job = folders.read(folder)
    if job.state in folders.UNFINISHED or job.untold:
        folders.ask_cancel(folder)
        _end(folder, lambda job: job.give_up(has_model=folders.has_model(folder)))


def fail(folder: Path, sentence: str) -> None:
    """Write down why an unfinished job will not be finished, unless a process works on it after all."""
    _end(folder, lambda job: job.end(State.FAILED, sentence))


def _end(folder: Path, end: Callable[[Job], None]) -> None:
    try:
        with folders.lock(folder):
            job = folders.read(folder)
            if job.state in folders.UNFINISHED:
                end(job)
                folders.write(folder, job)
    except BusyError:
        pass  # its process has seen the marker, or will


def retry(folder: Path) -> None:
    """Put a job that has ended back among the waiting ones. What was made and fetched already is kept.

    A new task is asked for only where the service has said that nothing comes from the old one; an unconfirmed job
    looks for its task once more. Raises `JobError` where the job is unfinished, `BusyError` where it is being worked
    on.
    """
    try:
        with folders.lock(folder):
            job = folders.read(folder)
            if job.state not in RETRIABLE:
                raise JobError(f"{job.name} is {job.state}: only a job that has ended can be tried again.")
            if job.task_over:
                _forget_task(folder, job)
            # Its model is there and cannot be read, or looks wrong: prepare it anew.
            if job.state in folders.HAS_RESULT:
                files.remove(folder / folders.BLEND, missing_ok=True)
            _wait_again(folder, job)
    except BusyError:
        if not folders.read(folder).untold:
            raise
        folders.withdraw_cancel(folder)  # its process is just telling the service, and sees that the wish is taken back


def resume(folder: Path) -> None:
    """Have a job go on: one that has ended as `retry` does, one that was left unfinished from where it is. Raises as
    `retry` does."""
    if folders.read(folder).state in folders.UNFINISHED:
        folders.withdraw_cancel(folder)  # whoever wants it to go on does not want it cancelled
    else:
        retry(folder)


class Payment(Enum):
    """Whether a service that is paid is asked for a new task."""

    NONE = "none"
    PERHAPS = "perhaps"
    """The service is asked for the old task once more, which it did not know when it was asked last."""
    ANEW = "anew"


def payment_of_retry(job: Job) -> Payment:
    """Whether a job that is tried again has its service asked, and paid, for a new task. What is in its folder is not
    looked at."""
    if job.service not in SERVICES or not SERVICES[job.service].is_paid:
        return Payment.NONE
    if job.state not in (State.FAILED, State.CANCELLED):
        return Payment.NONE  # it is prepared anew, goes on, or looks for its task
    if job.task_over or not (job.sent or job.task_id):
        return Payment.ANEW
    return Payment.PERHAPS if job.gone else Payment.NONE


def is_clearable(job: Job) -> bool:
    """Whether nothing more is expected of a job, so that it may leave the list: a model that was never imported, and a
    task that may still have one, must stay in sight. What cannot be read stays as well."""
    is_over = job.state in (State.IMPORTED, State.FAILED, State.CANCELLED)
    return bool(job.service) and is_over and not (job.has_unfetched_task or job.untold or job.is_cleared)


def clear(folder: Path) -> None:
    """Have a job that is over leave the list of its file; nothing of it is deleted. Raises `JobError` where it has to
    stay, `BusyError` where it is being worked on."""
    with folders.lock(folder):
        job = folders.read(folder)
        if not is_clearable(job):
            raise JobError(f"{job.name} stays in the list: it is {job.state}, and something is still to come of it.")
        job.is_cleared = True
        folders.write(folder, job, synced=False)


def adopt(folder: Path, task_id: str) -> None:
    """Say which task at the service is an unconfirmed job's. Raises `JobError` where it is not unconfirmed, or
    `task_id` is none.

    Where the service does not know the task either, the job becomes unconfirmed again.
    """
    if not (TASK_ID.fullmatch(task_id.strip()) and task_id_of(task_id.strip())):
        raise JobError("That is not the id of a task: choose one that was found, or copy it from the service's page.")
    with folders.lock(folder):
        job = _unconfirmed(folder)
        job.task_id, job.adopted = task_id.strip(), True
        _wait_again(folder, job)


def send_again(folder: Path) -> None:
    """Have an unconfirmed job's request sent again, which may be paid twice. Raises `JobError` where it is not
    unconfirmed."""
    with folders.lock(folder):
        job = _unconfirmed(folder)
        _forget_task(folder, job)
        _wait_again(folder, job)


def forget(folder: Path) -> None:
    """Give an unconfirmed job up. Raises `JobError` where it is not unconfirmed."""
    with folders.lock(folder):
        job = _unconfirmed(folder)
        _forget_task(folder, job)
        job.end(State.CANCELLED, "Forgotten")
        folders.write(folder, job)


def _unconfirmed(folder: Path) -> Job:
    job = folders.read(folder)
    if job.state is not State.UNCONFIRMED:
        raise JobError(f"{job.name} is {job.state}: this is for unconfirmed jobs only.")
    return job


def _forget_task(folder: Path, job: Job) -> None:
    job.give_task_up()
    folders.clear_results(folder)


def _wait_again(folder: Path, job: Job) -> None:
    folders.withdraw_cancel(folder)
    job.state, job.message, job.progress, job.note = State.WAITING, folders.WAITING_MESSAGE, 0.0, ""
    job.untold, job.undrawn, job.is_cleared = False, False, False
    folders.write(folder, job)


def remove(root: Path, job_id: str) -> None:
    """Delete the job's folder with all it holds; what cannot be deleted just now, `sweep` will. Raises as `set_aside`
    does."""
    aside = set_aside(root, job_id)
    with contextlib.suppress(OSError):
        _delete(aside)


def set_aside(root: Path, job_id: str) -> Path:
    """Take the job from the list, and return the folder that `sweep` will delete: many at once would take long.

    Raises `BusyError` while its process runs or a file of it is open, `JobError` where there is no such job under
    `root` or it waits for a model that is paid for, and `OSError`.
    """
    folder = root / job_id
    if not folders.is_id(job_id) or not folders.holds_record(folder):
        raise JobError(f"There is no job {job_id!r} in {root}.")
    aside = root / f"{folders.REMOVED_PREFIX}{job_id}"
    if not files.is_plain_file(folder / folders.LOCK):  # it is no whole job, and nobody can be working on it
        return _renamed(folder, aside)
    with folders.lock(folder):
        _refuse_paid(folder)
        if not files.IS_WINDOWS:
            return _renamed(folder, aside)
    return _renamed(folder, aside)  # Windows renames no folder in which a file is open, like the lock


def _renamed(folder: Path, aside: Path) -> Path:
    """Rename the folder of a job, at once. Raises `JobError` where somebody else has just removed it, `BusyError` where
    a file in it is open."""
    try:
        files.rename(folder, aside, patience_s=files.AT_ONCE_S)
    except FileNotFoundError:
        raise JobError(f"There is no job {folder.name!r} in {folder.parent}.") from None
    except OSError as error:
        if files.is_in_use(error):
            raise BusyError(f"A file of job {folder.name} is open in a program: try again in a moment.") from None
        raise
    # Until it is deleted, Blender's Asset Browser would show its model: it looks into hidden folders, too (5.2.2).
    with contextlib.suppress(OSError):
        files.replace(aside / folders.BLEND, aside / f"{folders.BLEND}.removed", patience_s=files.AT_ONCE_S)
    return aside


def _refuse_paid(folder: Path) -> None:
    """Raise `JobError` for a job that is to get a model that is paid for: nothing would lead to its task any more."""
    try:
        job = folders.read(folder)
    except JobError:  # whatever it was, nobody can go on with it
        return
    if job.state in folders.UNFINISHED and job.sent:
        raise JobError(f"{job.name} has a task at {label_of(job.service)} that may be charged: cancel the job first.")


def _delete(folder: Path) -> None:
    """Delete a folder that was set aside, and wait for nobody who has a file in it open. Raises `OSError` where
    something is left.

    Its record goes last: as long as anything else is left, it is known to be a job's. Another Blender may be doing the
    same.
    """
    for name in os.listdir(folder):
        if name != folders.RECORD:
            with contextlib.suppress(FileNotFoundError):
                files.remove_tree(folder / name, patience_s=files.AT_ONCE_S)
    files.remove(folder / folders.RECORD, missing_ok=True, patience_s=files.AT_ONCE_S)
    files.remove_folder(folder, patience_s=files.AT_ONCE_S)


class Swept(Enum):
    """How far `sweep` came."""

    ALL_GONE = "all gone"
    OUT_OF_TIME = "out of time"
    """There is more to delete: go on as soon as there is time again."""
    KEPT = "kept"
    """Something could not be deleted just now, as on Windows a file that is open in a program: try again after a while.
    """


def sweep(root: Path, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> Swept:
    """Delete what was set aside, and what an interrupted `folder.create` left behind, for about so long. Return how far
    that went.

    Never waits for a file that is open elsewhere.
    """
    files.keep_private(root)  # an earlier version has left it open to everybody
    until = clock() + seconds
    swept = Swept.ALL_GONE
    for name in (entry.name for entry in _entries(root) if entry.name.startswith(LEFT_OVER)):
        if clock() > until:
            return Swept.OUT_OF_TIME
        if not delete_leftover(root, name):
            swept = Swept.KEPT
    return swept


LEFT_OVER = (folders.REMOVED_PREFIX, folders.UNFINISHED_PREFIX)
"""How the names of folders begin that may have to be deleted."""


def delete_leftover(root: Path, name: str) -> bool:
    """Delete the folder `name` in `root` where it is ours: set aside, or left by an interrupted `folder.create` long
    ago. That is: it is named by us and by an id, has a record in it, and is no link.

    Never waits for files that are in use. Return False where that cannot be done now, so that it has to be tried again.
    """
    folder = root / name
    is_new = name.startswith(folders.UNFINISHED_PREFIX)
    job_id = name.removeprefix(folders.UNFINISHED_PREFIX if is_new else folders.REMOVED_PREFIX)
    if not folders.is_id(job_id) or (is_new and not _is_abandoned(folder)):
        return True
    try:
        if folders.holds_record(folder):
            _delete(folder)
        elif files.is_own_folder(folder) and not os.listdir(folder):  # all but the folder itself was deleted before
            files.remove_folder(folder, patience_s=files.AT_ONCE_S)
    except FileNotFoundError:  # another Blender was faster
        return True
    except OSError:
        return False
    return True


def _is_abandoned(folder: Path) -> bool:
    try:
        return time.time() - folder.lstat().st_mtime > ABANDONED_S
    except OSError:  # another Blender has just finished it, or deleted it
        return False
