# SPDX-License-Identifier: GPL-3.0-or-later
"""Local: the built-in service. A background Blender shapes the picture's silhouette; no account, no network, no cost.

It does not guess hidden sides as the AI services do. Here is the process; the shaping itself is `headless/sculpt.py`.
"""

import contextlib
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from .... import files
from ....programs.program import LOG, SCRATCH_PREFIX, SCULPT, Program
from ... import blender as blenders
from ... import picture
from ...about import About
from ...errors import GoneError, PictureError, TaskFailedError
from ...network import USUAL, Network
from ...parameters import check
from ...paths import AnyPath, folder_of, path_of
from ...task import Result, Status, Task, nothing
from ...words import named
from ..rows import IMAGE_URL, VIEWS
from . import ABOUT, PARAMETERS


class Local:
    """The service, working in `folder` with the Blender that `blender` names (see `blender.command_of`).

    Without `folder` it makes one among the system's temporary files, and deletes it when nobody has this object any
    more, or Python ends. One that is named has to exist, and what is made there stays. The model is called `name`, by
    default like the picture's file. `sleep` is called with 0 while the picture is looked at; it may raise. `called`
    says by parameter what the user calls a picture in `folder`.
    """

    about: ClassVar[About] = ABOUT
    pace_s: ClassVar[tuple[float, float]] = (0.1, 0.1)  # it is a look at a file

    def __init__(
        self,
        *,
        folder: AnyPath | None = None,
        blender: blenders.Blender | None = None,
        name: str = "",
        network: Network = USUAL,
        sleep: Callable[[float], None] = time.sleep,
        called: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._name = name
        self._network = network
        self._blender = blenders.command_of(blender)
        self._sleep = sleep
        self._names = called
        self.picture_note = ""
        self._programs: dict[str, Program] = {}
        self._folder = folder_of(folder) if folder else Path(tempfile.mkdtemp(prefix="image_to_3d-"))
        if not folder:
            weakref.finalize(self, _clear_away, self._folder, self._programs)

    def create(
        self, parameters: Mapping[str, Any], before_sending: Callable[[], None] = nothing, task_id: str = ""
    ) -> Task:
        """Start sculpting. Raises `ParameterError`, `PictureError`, `ConnectionFailedError` (for a URL) and
        `BlenderError`."""
        values = check(PARAMETERS, parameters)
        sources = {name: values.pop(name) for name in (IMAGE_URL.name, *VIEWS)}
        pictures = {name: self._picture(name, source) for name, source in sources.items() if source}
        self.picture_note = " ".join(dict.fromkeys(filter(None, (note for _, _, note in pictures.values()))))
        file, called, _ = pictures.pop(IMAGE_URL.name)
        before_sending()
        task_id = f"sculpt-{os.getpid()}-{len(self._programs)}"  # whatever was asked for: it ends with this process
        request = {
            "picture": file,
            "called": called,
            "views": {
                name.partition("_")[0]: {"picture": file, "called": called}
                for name, (file, called, _) in pictures.items()
            },
            "name": self._name or picture.name_of(sources[IMAGE_URL.name]),
            "parameters": values,
            "output": str(self._output(task_id)),
        }
        self._programs[task_id] = blenders.start(self._blender, SCULPT, request, self._folder, self._folder / LOG)
        return Task(task_id, Status.RUNNING)

    def _picture(self, name: str, source: str) -> tuple[str, str, str]:
        """The file that the sculptor reads for a picture, what the user calls it, and what to say of it."""
        stem = self._folder / f"{SCRATCH_PREFIX}{'picture' if name == IMAGE_URL.name else name}"
        called = self._called(name, source)
        whose = "" if name == IMAGE_URL.name else called
        file = Path(source) if picture.is_path(source) else self._brought(source, stem, whose)
        file, note = picture.readable(
            file,
            stem.with_name(f"{stem.name}-read"),
            called=called,
            check_cancelled=lambda: self._sleep(0.0),
            takes_part=True,
        )
        return str(file.absolute()), called, note

    def _brought(self, source: str, stem: Path, called: str) -> Path:
        """The file of an address or of a data URI. Of what goes wrong, `called` says which picture it is about."""
        try:
            return picture.to_file(source, stem, network=self._network, check_cancelled=lambda: self._sleep(0.0))
        except PictureError as error:
            raise PictureError(f"{called}: {error}" if called else str(error)) from error

    def _called(self, name: str, source: str) -> str:
        """What the user calls the picture `source`: its file, but for data, and for a job's copy whose name nobody has
        told."""
        if name in self._names:
            return named(self._names[name])
        is_users = picture.is_path(source) and Path(source).absolute().parent != self._folder
        if is_users:
            return named(Path(source).name)
        return "The picture" if name == IMAGE_URL.name else f"The picture of the {name.partition('_')[0]}"

    def get(self, task_id: str) -> Task:
        """How far the sculptor is. A task of another process, or of one that has died, is `GONE`."""
        program = self._programs.get(task_id)
        if program is None:
            error = GoneError("The background Blender that made this model has ended: generate it again.")
            return Task(task_id, Status.GONE, error=error)
        report = blenders.heard(program)
        if report.error:
            return Task(task_id, Status.FAILED, report.progress, error=TaskFailedError(report.error))
        if report.done is None:
            return Task(task_id, Status.RUNNING, report.progress, report.message)
        result = Result(str(self._output(task_id)), note=report.done["note"])
        return Task(task_id, Status.SUCCEEDED, 1.0, report.message, result)

    def listen(self, task_id: str, wait: Callable[[float], None]) -> Iterator[Task]:
        """Give the task as it is now; a sculptor tells nothing by itself."""
        yield self.get(task_id)

    def find(self, parameters: Mapping[str, Any], age_s: float) -> list[str]:
        """Return nothing: a sculptor ends with the process that started it."""
        return []

    def cancel(self, task_id: str) -> bool:
        """End the sculptor at once."""
        program = self._programs.pop(task_id, None)
        if program:
            program.stop()
        return True

    def check_key(self) -> None:
        """Return None: there is no key."""

    def check_ready(self, parameters: Mapping[str, Any]) -> str:
        """Return "": what it needs is Blender itself."""
        return ""

    def fetch(self, url: str, path: AnyPath, on_progress: Callable[[float], None] = lambda fraction: None) -> None:
        """Copy the finished GLB to `path`. It stays where it is, so that it can be fetched again."""
        target = path_of(path, "The file")
        part = target.with_name(f"{target.name}.part")
        with open(url, "rb") as made, part.open("wb") as copy:
            shutil.copyfileobj(made, copy)
            copy.flush()
            files.sync_open(copy.fileno())
        files.replace(part, target)
        on_progress(1.0)

    def _output(self, task_id: str) -> Path:
        # Named by process, so that a sculptor whose job was taken over by another process cannot get in its way.
        return self._folder / f"{SCRATCH_PREFIX}{task_id}.glb"


def _clear_away(folder: Path, programs: Mapping[str, Program]) -> None:
    """End what still works in a folder of ours, and delete that."""
    for program in programs.values():
        program.stop()
    with contextlib.suppress(OSError):  # what cannot be deleted is the system's to clear
        files.remove_tree(folder)
