# SPDX-License-Identifier: GPL-3.0-or-later
"""All jobs of a user folder: list, cancel, retry, remove, tidy up. Starts nothing; one unreadable folder never hides the others."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from ..api.errors import BusyError, JobError, sentence_of
from . import folder as folders
from .folder import Job, State

ABANDONED_S = 3600.0  # a folder that was still being made this long ago belongs to nobody any more


def list_jobs(root: Path, *, known: Mapping[str, Job] | None = None) -> list[Job]:
    """Return every job under `root`, newest first; one that cannot be read as a failed job that says so.

    Those `known` by their id are not read again.
    """
    return [(known or {}).get(folder.name) or _read_or_failed(folder) for folder in _folders(root)]


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    found = [entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    return sorted(found, key=lambda folder: folder.name, reverse=True)  # ids begin with the time


def _read_or_failed(folder: Path) -> Job:
    try:
        return folders.read(folder)
    except (JobError, OSError) as error:
        return Job(folder.name, "", folder.name, {}, state=State.FAILED, message=sentence_of(error))


def cancel(folder: Path) -> None:
    """Have the job cancelled: by its process within a second, or here and now where it has none."""
    folders.ask_cancel(folder)
    try:
        with folders.lock(folder):
            job = folders.read(folder)
            if job.state in folders.UNFINISHED:
                job.state, job.message = State.CANCELLED, "Cancelled"
                folders.write(folder, job)
    except BusyError:
        pass  # its process has seen the marker, or will


def retry(folder: Path) -> None:
    """Put a failed or cancelled job back among the waiting ones. Raises `JobError` where it is neither, or is being worked on."""
    with folders.lock(folder):
        job = folders.read(folder)
        if job.state not in (State.FAILED, State.CANCELLED):
            raise JobError(f"{job.name} is {job.state}: only a failed or cancelled job can be tried again.")
        folders.withdraw_cancel(folder)
        job.state, job.message = State.WAITING, folders.WAITING_MESSAGE
        job.progress, job.task_id = 0.0, ""
        folders.write(folder, job)


def fail(folder: Path, sentence: str) -> None:
    """Write down why an unfinished job will not be finished, unless a process works on it after all."""
    try:
        with folders.lock(folder):
            job = folders.read(folder)
            if job.state in folders.UNFINISHED:
                job.state, job.message = State.FAILED, sentence
                folders.write(folder, job)
    except BusyError:
        pass


def remove(folder: Path) -> None:
    """Delete the job's folder with all it holds. Raises `BusyError` while its process runs."""
    with folders.lock(folder):
        pass  # and given back at once: Windows does not rename a folder in which a file is open
    shutil.rmtree(folder.rename(folder.with_name(f"{folders.UNFINISHED_PREFIX}{folder.name}")))


def tidy_up(root: Path) -> None:
    """Delete what an interrupted `folder.create` or `remove` left behind."""
    for leftover in root.glob(f"{folders.UNFINISHED_PREFIX}*"):
        if time.time() - leftover.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(leftover, ignore_errors=True)
