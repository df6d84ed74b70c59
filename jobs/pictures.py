# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of a job: noted when Generate is pressed, made the job's own by its process. Never writes to a file of
the user's, and never changes who may open it.

Copying and hashing 500 MB would hold Blender's window for a second. So `choose`, in Blender, only gives the picture a
second name in the job's folder (a hard link), and notes its size and when it was changed. `make_own`, in the job's
process and before anything is sent, copies and hashes it, and refuses one that is not as it was noted. What is written
through another name of the file changes the link as well; a program that saves a new file under the old name leaves it
as it was.
"""

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

from .. import files
from ..api import picture
from ..api.errors import JobError, PictureError
from ..api.words import named

PIECE_BYTES = 1 << 20  # of a copy, between two looks at whether it is still wanted

NAME_LENGTH = 255  # that every file system knows


class Note(TypedDict):
    """What is known of a picture that is not yet the job's own."""

    path: str
    """Where the user's file is; "" where the picture was made for the job and only has to be hashed and synced."""
    size: int
    mtime_ns: int
    is_linked: bool
    """Whether the name in the job's folder is another name of the user's file, or of another job's. If not, and there
    is a file of that name, it is the job's."""


def choose(source: str, stem: Path, scratch: Path | None, *, is_shared: bool = False) -> tuple[str, Note]:
    """Give the picture at `source`, a path or a data URI, the name `stem` plus its ending; return that name, and what
    is to be noted.

    A picture that lies in `scratch`, a folder of the caller's that will be deleted, is moved; where it `is_shared`,
    `scratch` is the folder of a job that keeps it, and it gets a second name. Nothing else is copied, or read beyond
    its beginning: where the file system cannot link the file, the name is not there yet. Raises `PictureError`,
    `OSError`.
    """
    if not picture.is_path(source):
        made = picture.to_file(source, stem)
        files.keep_private(made)
        return made.name, _note(made.stat(), path="", is_linked=False)
    if not os.path.isfile(source):
        raise picture.missing(source)
    path = Path(os.path.abspath(source))
    found = picture.look_at(path)
    target = stem.with_suffix(picture.ending_for(path))
    if scratch is not None and path.parent == Path(os.path.abspath(scratch)):
        if is_shared:
            is_linked = _is_linked(path, found, target)
            if not is_linked:
                shutil.copyfile(path, target)
                files.keep_private(target)
            return target.name, _note(target.stat(), path="", is_linked=is_linked)
        files.move(path, target)
        files.keep_private(target)
        return target.name, _note(target.stat(), path="", is_linked=False)
    return target.name, _note(found, path=str(path), is_linked=_is_linked(path, found, target))


def _note(found: os.stat_result, *, path: str, is_linked: bool) -> Note:
    return {"path": path, "size": found.st_size, "mtime_ns": found.st_mtime_ns, "is_linked": is_linked}


def _is_linked(path: Path, found: os.stat_result, target: Path) -> bool:
    """Give the file at `path` the further name `target`, and return True; False where the system or the file system
    does not do it."""
    if files.IS_WINDOWS and not found.st_mode & stat.S_IWRITE:
        return False  # Windows neither removes nor replaces a name of a file that is read-only
    try:
        files.link(path, target)
    except OSError:  # another file system, one without links, or a file of another user's
        return False
    return True


def is_plain_name(name: str) -> bool:
    """Whether `name` is the name of a file and nothing more on every system: no path, no drive, no stream of another
    file."""
    return 0 < len(name) <= NAME_LENGTH and name not in (".", "..") and not re.search(r"[/\\:\x00-\x1f]", name)


def find(folder: Path, name: Any, note: Note | None) -> Path:
    """Return where a job's picture lies that its record calls `name`: in the job's own folder, or where `note` says
    that it still is.

    A record may come from anywhere, and what it names is sent: so no path and no link leads to another file of the
    user's. A note leads to one only where whoever wrote it knew its size and the nanosecond of its last change. Raises
    `JobError` where there is no such file in the folder, `PictureError` where the one that is noted is not as it was.
    """
    if isinstance(name, str) and is_plain_name(name):
        if files.is_plain_file(folder / name):
            if note is not None and note["is_linked"]:
                _require_same((folder / name).stat(), note)
            return folder / name
        if note is not None and note["path"] and not note["is_linked"]:
            path = Path(note["path"])
            _require_same(picture.look_at(path), note)
            return path
    called = named(name, 80)
    raise JobError(
        f"The picture {called!r} of the job in {folder} is no file in that folder: put the picture there again."
    )


def make_own(folder: Path, name: Any, note: Note, check_cancelled: Callable[[], None]) -> str:
    """Make the picture `name` the job's own: a synced file in `folder`, which only the user may open. Return its
    SHA-256.

    Can be interrupted anywhere, and done again. `check_cancelled` is called once a megabyte and may raise. Raises as
    `find` does, `PictureError` where the picture is changed meanwhile, and `OSError`.
    """
    source = find(folder, name, note)
    target = folder / name
    is_own = source == target and not note["is_linked"]
    if is_own:
        # Power failed before it was synced, or somebody has put another there.
        if target.stat().st_size != note["size"]:
            raise _changed(note)
        digest = sha256_of(target, check_cancelled)
        files.sync(target, is_money=True)
        return digest
    part = folder / f"{name}.part"
    files.remove(part, missing_ok=True)
    try:
        digest = _copied(source, part, note, check_cancelled)
        # Interrupted from here on, the job finds a file that is as it was noted.
        os.utime(part, ns=(note["mtime_ns"], note["mtime_ns"]))
        files.replace(part, target)
    except BaseException:
        files.remove(part, missing_ok=True)
        raise
    return digest


def _copied(source: Path, part: Path, note: Note, check_cancelled: Callable[[], None]) -> str:
    """Copy the picture to `part`, synced, if it is as it was noted before and after; return its SHA-256."""
    digest = hashlib.sha256()
    with picture.opened(source) as original, files.open_private(part, "xb") as copy:
        _require_same(os.fstat(original.fileno()), note)
        while piece := original.read(PIECE_BYTES):
            check_cancelled()
            digest.update(piece)
            copy.write(piece)
        _require_same(os.fstat(original.fileno()), note)
        if copy.tell() != note["size"]:
            raise _changed(note)
        copy.flush()
        files.sync_open(copy.fileno(), is_money=True)
    return digest.hexdigest()


def _require_same(found: os.stat_result, note: Note) -> None:
    """Raise `PictureError` where a file is not the one that was noted."""
    if (found.st_size, found.st_mtime_ns) != (note["size"], note["mtime_ns"]) or not stat.S_ISREG(found.st_mode):
        raise _changed(note)


def _changed(note: Note) -> PictureError:
    called = named(os.path.basename(note["path"]) or "The picture")
    return PictureError(f"{called} has changed since Generate was pressed: press Generate again.")


def sha256_of(file: Path, check_cancelled: Callable[[], None] = lambda: None) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal. `check_cancelled` is called once a megabyte and may
    raise."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(PIECE_BYTES):
            check_cancelled()
            digest.update(piece)
    return digest.hexdigest()
