# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace, rename, remove, sync and lock files: patient where another process has one open, durable where power may
fail.

Every room that writes goes through here. Imports nothing of ours, and no bpy.

Windows refuses to touch a file for as long as another process (a virus scanner, an indexer, a Blender that draws its
thumbnail) has it open without sharing it. That passes, so it is waited for. macOS takes a plain fsync for done when the
disk has the data in its cache only (`man 2 fsync`), so what money depends on is synced with F_FULLFSYNC there.
"""

import contextlib
import errno
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

T = TypeVar("T")

IS_WINDOWS = sys.platform == "win32"

PATIENCE_S = 2.0
"""How long another process's open file is waited for: a scanner looks at a new file for half a second or so."""
AT_ONCE_S = 0.0
"""For Blender's own thread, which comes again with its next look."""
PAUSE_S = 0.02  # between two tries

IN_USE = (5, 32, 33)
"""What Windows says of a file that another process has open: ERROR_ACCESS_DENIED (also for a folder or a target),
ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION (System Error Codes)."""

MOUNT_POINT_TAG = 0xA0000003  # what Windows calls a junction, `stat.IO_REPARSE_TAG_MOUNT_POINT`, which only Windows has

FILE_MODE, FOLDER_MODE = 0o600, 0o700
"""For the owner only: a picture may be private, and who may open the lock can hold the job. Windows gives what the
user's folder gives; a mode would make an access list there (Python 3.13), which other programs do not expect."""

PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""With these, no link is followed and no pipe is waited for when a file is opened."""
NOT_PLAIN = (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR)
"""What the systems say of a link (FreeBSD: EMLINK), a pipe that nobody reads, and a folder."""


class NotPlainError(OSError):
    """Something else than a plain file is where one of ours should be."""


def patiently(
    action: Callable[[], T],
    *,
    patience_s: float = PATIENCE_S,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Return `action()`, tried again for up to `patience_s` seconds while Windows says that another process has the
    file open."""
    until = clock() + patience_s
    while True:
        try:
            return action()
        except OSError as error:
            if not is_in_use(error) or clock() >= until:
                raise
            sleep(PAUSE_S)


def is_in_use(error: OSError) -> bool:
    """Whether Windows has refused something because another process has the file open."""
    return getattr(error, "winerror", None) in IN_USE


def replace(source: Path, target: Path, *, patience_s: float = PATIENCE_S) -> Path:
    """Give the file `source` the name `target`, whatever has that name, in one step; return `target`. Raises
    `OSError`."""
    return patiently(lambda: source.replace(target), patience_s=patience_s)


def rename(folder: Path, target: Path, *, patience_s: float = PATIENCE_S) -> Path:
    """Give a folder, and all that is in it, another name; return it. Raises `OSError`."""
    return patiently(lambda: folder.rename(target), patience_s=patience_s)


def move(source: Path, target: Path) -> None:
    """Give the file `source` the name `target`; a copy of it where that lies on another file system. Raises
    `OSError`."""
    try:
        replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copyfile(source, target)
        remove(source)


def link(source: Path, target: Path) -> None:
    """Give the file at `source`, of a symbolic link the file that it leads to, the further name `target`. Copies
    nothing. Raises `OSError`."""
    os.link(os.path.realpath(source), target)


def remove(path: Path, *, missing_ok: bool = False, patience_s: float = PATIENCE_S) -> None:
    """Remove a file; of a link only the link. Raises `OSError`."""
    patiently(lambda: path.unlink(missing_ok=missing_ok), patience_s=patience_s)


def remove_folder(path: Path, *, patience_s: float = PATIENCE_S) -> None:
    """Remove an empty folder. Raises `OSError`."""
    patiently(path.rmdir, patience_s=patience_s)


def remove_tree(path: Path, *, patience_s: float = PATIENCE_S) -> None:
    """Remove a file, or a folder with all it holds; of a link only the link. Raises `OSError`."""
    if is_own_folder(path):
        patiently(lambda: shutil.rmtree(path), patience_s=patience_s)
    else:
        remove(path, patience_s=patience_s)


def is_own_folder(path: Path) -> bool:
    """Whether a folder itself is at `path`: neither a symbolic link nor a junction. Raises `OSError` where there is
    nothing."""
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and getattr(found, "st_reparse_tag", 0) != MOUNT_POINT_TAG


def is_plain_file(path: Path) -> bool:
    """Whether a file itself is at `path`: no link, which may lead to any file of the user's, and no pipe, which would
    be waited for."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def make_folder(path: Path) -> None:
    """Make a folder that only its owner may open. Raises `OSError`."""
    path.mkdir(0o777 if IS_WINDOWS else FOLDER_MODE)


def keep_private(path: Path) -> None:
    """Take a file or folder of ours away from the machine's other users, where they may do anything with it. Never
    raises."""
    if IS_WINDOWS:
        return
    with contextlib.suppress(OSError):  # some file systems know no modes
        found = path.lstat()
        is_ours = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode)
        if is_ours and stat.S_IMODE(found.st_mode) & 0o077:
            path.chmod(stat.S_IMODE(found.st_mode) & 0o700)


def open_private(path: Path, mode: str, encoding: str | None = None) -> IO[Any]:
    """Open a file that only its owner may open. Raises `NotPlainError` where something else than a plain file is in its
    place, `OSError`."""
    keep_private(path)  # an earlier version may have left it to all
    return open_plain(path, mode, encoding)


def open_plain(path: Path, mode: str, encoding: str | None = None) -> IO[Any]:
    """Open a file that somebody else may have put there. Raises as `open_private` does."""
    try:
        file = open(  # noqa: SIM115 -- whoever called closes it
            path, mode, encoding=encoding, opener=lambda name, flags: os.open(name, flags | PLAIN, FILE_MODE)
        )
    except OSError as error:
        if error.errno in NOT_PLAIN:
            raise NotPlainError(error.errno, error.strerror, str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise NotPlainError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    return file


def sync(path: Path, *, is_money: bool = False) -> None:
    """Have the system write a file, or a folder's entries, to the disk. Windows does not open folders, and needs no
    such step.

    `is_money` says that a payment depends on it: see `sync_open`.
    """
    is_folder = path.is_dir()
    if is_folder and IS_WINDOWS:
        return
    descriptor = patiently(lambda: os.open(path, os.O_RDONLY if is_folder else os.O_RDWR))
    try:
        sync_open(descriptor, is_money=is_money)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def sync_open(descriptor: int, *, is_money: bool = False) -> None:
        """Have the system write an open file to the disk."""
        os.fsync(descriptor)

    def try_lock(descriptor: int) -> bool:
        """Lock an open file for this process, and return True; False where another process has it locked."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def unlock(descriptor: int) -> None:
        """Give a lock back. Windows gives one of a file that is merely closed back "at some time" (LockFile,
        Remarks)."""
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def sync_open(descriptor: int, *, is_money: bool = False) -> None:
        """Have the system write an open file to the disk; where a payment depends on it (`is_money`), past the disk's
        own cache."""
        whole = getattr(fcntl, "F_FULLFSYNC", None) if is_money else None  # macOS alone has it
        if whole is not None:
            try:
                fcntl.fcntl(descriptor, whole)
                return
            except OSError:  # a network's file system may not know it
                pass
        os.fsync(descriptor)

    def try_lock(descriptor: int) -> bool:
        """Lock an open file for this process, and return True; False where another process has it locked. Raises
        `OSError`."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True

    def unlock(descriptor: int) -> None:
        """Give a lock back."""
        fcntl.flock(descriptor, fcntl.LOCK_UN)
