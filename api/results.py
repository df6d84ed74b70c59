# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished task -> files on this machine, with fresh addresses where the old ones are over. Knows no service."""

import filecmp
from collections.abc import Callable
from pathlib import Path

from .. import files
from . import glb, target
from .errors import AddressExpiredError, GlbError, ServiceError
from .paths import AnyPath
from .task import Result, Service, Task, never_back
from .words import is_web_page

Tell = Callable[[float], None]


def save(service: Service, task: Task, path: AnyPath, on_progress: Tell = lambda fraction: None) -> Task:
    """Bring the model of a succeeded `task` to `path`, checked to be a whole GLB 2.0 that refers to nothing outside
    itself. What has that name already is replaced in the end, in one step; the same task can be saved as often as is
    wanted.

    Broken downloads are resumed, and what is there already is not fetched again by a later call. A file that is refused
    is fetched once more, and kept beside `path`, as it may be paid for, unless it is a web page. `on_progress` hears
    how much is there (0 to 1, never less than before) and may raise. Return the task with the addresses that worked.

    Raises `TargetError` where `path` is a folder, or in one that is not there (`check_target` says so before anything
    is paid), `GlbError`, `DownloadError`, `ConnectionFailedError`, `ServiceError`, and `OSError` where the disk
    refuses.
    """
    path = target.named(path)
    on_progress = never_back(on_progress)
    unchecked = path.with_name(f"{path.name}{target.UNCHECKED}")
    whose = path.with_name(f"{path.name}.task")  # of which task `unchecked` is
    if unchecked.exists() and whose.exists() and whose.read_text(encoding="utf-8") != task.id:
        keep_aside(unchecked, path)
    whose.write_text(task.id, encoding="utf-8")
    try:
        task = _bring(service, task, unchecked, path, on_progress)
        files.replace(unchecked, path)
    finally:
        if not unchecked.exists():
            files.remove(whose, missing_ok=True)
    return task


def _bring(service: Service, task: Task, unchecked: Path, path: Path, on_progress: Tell) -> Task:
    """Have a whole GLB at `unchecked`. Return and raise as `save` does."""
    kept: Path | None = None
    for is_last_try in (False, True):
        if not unchecked.exists():  # else a call that was interrupted has left it
            task = fetch(service, task, lambda result: result.glb, unchecked, on_progress)
        try:
            glb.check(unchecked)
            break
        except GlbError as error:
            sentence = str(error)
            if _is_web_page(unchecked):  # of a hotel's network, say: nobody has paid for that
                files.remove(unchecked)
                sentence = "The link led to a web page and not to the model: retry, which costs nothing."
            else:
                kept = keep_aside(unchecked, path)
            if is_last_try or not service.about.is_paid:
                said = f" The delivered file is kept as {kept.name}." if kept else ""
                raise GlbError(f"{sentence}{said}", kept=kept) from error
            task = _renewed(service, task)
    return task


def _is_web_page(file: Path) -> bool:
    with file.open("rb") as stream:
        return is_web_page(stream.read(1000))


def keep_aside(file: Path, path: Path) -> Path:
    """Rename a delivered `file` to a free name beside `path`, like "fox-kept-1.glb", and return that. Raises `OSError`.

    Where the same was kept before, it is not kept twice.
    """
    number = 1
    while (kept := path.with_name(f"{path.stem}-kept-{number}{path.suffix}")).exists():
        if filecmp.cmp(file, kept, shallow=False):
            break
        number += 1
    files.replace(file, kept)
    return kept


def fetch(
    service: Service,
    task: Task,
    address: Callable[[Result], str],
    path: Path,
    on_progress: Tell = lambda fraction: None,
) -> Task:
    """Bring one file of a succeeded `task` to `path`; `address` picks it from the result. Return the task as `save`
    does."""
    try:
        service.fetch(address(_result_of(task)), path, on_progress)
    except AddressExpiredError:
        task = _renewed(service, task)
        service.fetch(address(_result_of(task)), path, on_progress)
    return task


def _renewed(service: Service, task: Task) -> Task:
    """Ask for the task again: its addresses are signed afresh each time."""
    task = service.get(task.id)
    if task.error:
        raise task.error
    return task


def _result_of(task: Task) -> Result:
    if task.result is None:
        raise ServiceError("The model is not finished yet: wait until the task has succeeded.")
    return task.result
