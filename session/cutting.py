# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure that is cut out of the chosen picture just now: begun, heard, and brought into the file as an image. Never
waits, and changes no picture.

A process works (`jobs/cutting.py`), and `look()`, which a timer calls, hears what it says. One is cut out at a time.
What is asked for goes into the scene that asked, as long as that is open; where another picture was chosen meanwhile,
that stays chosen.
"""

import contextlib
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from .. import files
from ..api import picture
from ..api.errors import BusyError, ImageTo3DError
from ..api.services import SERVICES
from ..api.words import named
from ..jobs import cutting
from ..jobs.queue import News
from ..scene import cutout, request, settings
from ..scene.refusal import reason_of
from . import access, busy
from .redraw import redraw

if TYPE_CHECKING:
    from ..programs.process import Process

PREFIX = "image_to_3d_cut_out_"
"""How the folders begin that a process works in."""

Choice = tuple[str, str, int, str]
"""Which picture is chosen: source, path, number of the Blender image (0 for none), address."""


@dataclass
class _Work:
    """One figure that is cut out."""

    title: str
    source: str
    scene: int
    """The session_uid of the scene that asked. Another file has other scenes."""
    image: int
    """That of the Blender image that it is cut out of; 0 for none."""
    chosen: Choice
    folder: Path
    process: "Process"
    shape_from: str = ""
    """Where its shape comes from, once it is there."""
    note: str = ""
    """What is to be said about it besides."""


class Cutting:
    """What is cut out, and what is to be tidied up behind it."""

    def __init__(self) -> None:
        self._work: _Work | None = None
        self._left: list[Path] = []
        """Folders that a process may still have been writing to when it was ended."""

    @property
    def title(self) -> str:
        """What the picture is called whose figure is cut out just now; "" for none."""
        return self._work.title if self._work else ""

    def start(self, scene: bpy.types.Scene, image: bpy.types.Image | None = None) -> None:
        """Begin to cut the figure out of the picture that `scene` has chosen, or of `image`. Raises `ImageTo3DError`
        with a sentence for the user, `OSError`."""
        if self._work is not None:
            raise BusyError(f"{self._work.title} is being cut out: wait for it, or stop it.")
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=bpy.app.tempdir))
        try:
            self._work = _begun(scene, image, folder)
        except BaseException:
            self._left.append(folder)
            self._tidy()
            raise
        redraw()

    @property
    def process(self) -> "Process | None":
        """The process that works; None for none."""
        return self._work.process if self._work else None

    def is_busy(self) -> bool:
        """Whether a figure is cut out."""
        return self._work is not None

    def look(self) -> list[News]:
        """Hear the process, and bring in what it has made, as soon as Blender is free for it. Return what the user
        should hear."""
        self._tidy()
        work = self._work
        if work is None:
            return []
        if not work.shape_from:
            if reason := access.offline_reason("local", [work.source]):
                self.stop()
                return [News("ERROR", f"{reason}.")]
            found = cutting.answer(work.process)
            if found is None:
                return []
            if not found["ok"]:
                self._end(work)
                return [News("ERROR", found["sentence"])]
            work.shape_from, work.note = found["shape_from"], found.get("note", "")
        # An undo step in the middle of a tool would hold half of it, and a render reads the scene.
        if busy.reader() or busy.is_tool_held():
            return []
        try:
            return _brought_in(work)
        except RuntimeError as error:
            return [News("ERROR", f"The figure of {work.title} could not be taken ({reason_of(error)}): try again.")]
        finally:
            self._end(work)

    def stop(self) -> None:
        """Cut nothing out any more: the file stays as it is."""
        if self._work is not None:
            cutting.kill(self._work.process)
            self._end(self._work)

    def close(self) -> None:
        """The same, at the end."""
        self.stop()
        self._tidy()

    def _end(self, work: _Work) -> None:
        self._left.append(work.folder)
        self._work = None
        self._tidy()
        redraw()

    def _tidy(self) -> None:
        for folder in list(self._left):
            with contextlib.suppress(OSError):  # the next look tries again; what is left in the end goes with Blender
                files.remove_tree(folder, patience_s=0.0)
            if not folder.exists():
                self._left.remove(folder)


def _begun(scene: bpy.types.Scene, image: bpy.types.Image | None, folder: Path) -> _Work:
    """Start the process for the picture that `scene` has chosen, or for `image`, in `folder`. Raises as `Cutting.start`
    does."""
    chosen = scene.image_to_3d
    source, title = request.picture_of(scene, image, folder)
    if reason := access.offline_reason("local", [source]):
        raise ImageTo3DError(f"{reason}.")
    if not picture.is_path(source) and not picture.is_url(source):
        source = str(picture.to_file(source, folder / "picture"))  # a pipe would hold the window up for so much
    is_own = Path(source).parent == folder
    local = settings.values(chosen.local, SERVICES["local"].parameters)
    is_filled = settings.service_of(chosen) == "local" and local["cutout"] == "filled"
    limits = access.preferences()
    work = folder / "work"
    work.mkdir()
    process = cutting.start(
        python=[sys.executable, *bpy.app.python_args],
        config={
            "source": source,
            "called": title if is_own or picture.is_url(source) else Path(source).name,
            "how": "filled" if is_filled else "auto",
            "folder": str(work),
            "blender": bpy.app.binary_path,
            "bounds": {"memory_bytes": limits.model_memory_gb << 30, "seconds": limits.model_minutes * 60.0},
            "network": access.connection("local")["network"],
        },
    )
    shown = image or (chosen.image if settings.source_of(chosen) == "IMAGE" else None)
    number = shown.session_uid if shown else 0
    return _Work(title, source, scene.session_uid, number, _choice(scene), folder, process)


def _choice(scene: bpy.types.Scene) -> Choice:
    chosen = scene.image_to_3d
    image = chosen.image.session_uid if chosen.image else 0
    return settings.source_of(chosen), chosen.filepath, image, chosen.url


def _brought_in(work: _Work) -> list[News]:
    """Make an image of what was cut out, choose and show it, in one undo step. Return what the user should hear."""
    scene = next((scene for scene in bpy.data.scenes if scene.session_uid == work.scene), None)
    title = named(work.title)
    if scene is None:
        return [News("WARNING", f"The scene that {title} was cut out for is not open any more: cut it out again")]
    image = cutout.take(work.folder / "work" / cutting.CUT_OUT_FILE, cutout.name_for(work.title))
    is_wanted = _choice(scene) == work.chosen and not settings.locked_reason(scene)
    before = next((each for each in bpy.data.images if each.session_uid == work.image), None)
    is_shown = False
    if is_wanted:
        scene.image_to_3d.source, scene.image_to_3d.image = "IMAGE", image
        is_shown = cutout.show(image, before)
    bpy.ops.ed.undo_push(message="Cut Out")
    said = _said(title, named(image.name), work.shape_from, is_wanted=is_wanted, is_shown=is_shown)
    # The note comes first, as the status bar keeps what is said last, and cuts what is long.
    return [News("INFO", work.note.removesuffix(".")), said] if work.note else [said]


def _said(title: str, name: str, shape_from: str, *, is_wanted: bool, is_shown: bool) -> News:
    """What the user should hear of the image `name`, which was cut out of `title`."""
    if not is_wanted:
        return News("INFO", f"{name} is among the images; another picture was chosen meanwhile, and stays chosen")
    where = "in the Image Editor" if is_shown else "after opening it in an Image Editor"
    if shape_from == "rectangle":
        paint = f"erase its background {where}, with a brush whose blend is Erase Alpha"
        return News("WARNING", f"No figure could be told apart, so {name} is as opaque as {title}: {paint}")
    paint = f"what is wrong can be painted {where}, with the brush blends Erase Alpha and Add Alpha"
    if shape_from == "alpha":
        return News("INFO", f"{title} has transparency already, and {name} keeps it: {paint}")
    return News("INFO", f"{name} is chosen as the picture: {paint}")
