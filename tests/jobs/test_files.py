# SPDX-License-Identifier: GPL-3.0-or-later
"""files.py: patient where Windows says that another process has a file open, durable where money depends on it, and the
only way to a file's name."""

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from image_to_3d import files

ROOT = Path(__file__).resolve().parents[2]
SHARING_VIOLATION, ACCESS_DENIED, LOCK_VIOLATION = 32, 5, 33  # System Error Codes of Windows
NOT_FOUND = 2


def violation(winerror):
    """What Python raises on Windows."""
    error = PermissionError(
        errno.EACCES, "The process cannot access the file because it is being used by another process"
    )
    error.winerror = winerror
    return error


@pytest.fixture
def in_use(monkeypatch):
    """Has a function of the system fail so many times, as it does on Windows while a scanner has the file open. Returns
    the calls."""

    def in_use(module, name, times, winerror=SHARING_VIOLATION):
        calls = []
        really = getattr(module, name)

        def refused(*arguments, **options):
            calls.append(arguments)
            if len(calls) <= times:
                raise violation(winerror)
            return really(*arguments, **options)

        monkeypatch.setattr(module, name, refused)
        return calls

    return in_use


def filled(path):
    path.mkdir()
    (path / "file").write_text("content")
    return path


ACTIONS = {
    "replace": ("replace", lambda folder, **how: files.replace(folder / "a", folder / "b", **how)),
    "rename": ("rename", lambda folder, **how: files.rename(folder / "sub", folder / "other", **how)),
    "remove": ("unlink", lambda folder, **how: files.remove(folder / "a", **how)),
    "remove_folder": ("rmdir", lambda folder, **how: files.remove_folder(folder / "empty", **how)),
    "remove_tree of a file": ("unlink", lambda folder, **how: files.remove_tree(folder / "a", **how)),
    "remove_tree": ("rmdir", lambda folder, **how: files.remove_tree(folder / "sub", **how)),
    "sync": ("open", lambda folder: files.sync(folder / "a")),
}
"""The function of `os` that is refused, and what asks for it."""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a").write_text("content")
    (tmp_path / "empty").mkdir()
    filled(tmp_path / "sub")
    return tmp_path


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


AFTER = {
    "replace": ["b", "empty", "sub"],
    "rename": ["a", "empty", "other"],
    "remove": ["empty", "sub"],
    "remove_folder": ["a", "sub"],
    "remove_tree of a file": ["empty", "sub"],
    "remove_tree": ["a", "empty"],
    "sync": ["a", "empty", "sub"],
}


@pytest.mark.parametrize("winerror", [SHARING_VIOLATION, ACCESS_DENIED, LOCK_VIOLATION])
@pytest.mark.parametrize("action", ACTIONS)
def test_what_another_process_has_open_is_waited_for(folder, in_use, action, winerror):
    name, act = ACTIONS[action]
    calls = in_use(os, name, 3, winerror)
    act(folder)
    assert len(calls) >= 4 and names(folder) == AFTER[action]


@pytest.mark.parametrize("action", [name for name in ACTIONS if name != "sync"])
def test_at_once_is_one_try(folder, in_use, action):
    name, act = ACTIONS[action]
    calls = in_use(os, name, 1)
    with pytest.raises(PermissionError):
        act(folder, patience_s=files.AT_ONCE_S)
    assert len(calls) == 1 and {"a", "empty", "sub"} <= set(names(folder))


def test_the_patience_has_an_end_and_pauses_between_two_tries():
    now, pauses = [0.0], []

    def sleep(seconds):
        pauses.append(seconds)
        now[0] += seconds

    def refused():
        raise violation(SHARING_VIOLATION)

    with pytest.raises(PermissionError):
        files.patiently(refused, patience_s=1.0, sleep=sleep, clock=lambda: now[0])
    assert len(pauses) > 10 and 1.0 <= now[0] < 1.1


@pytest.mark.parametrize(
    "error", [OSError(errno.EACCES, "no"), violation(NOT_FOUND), FileNotFoundError(), OSError(errno.ENOSPC, "full")]
)
def test_another_fault_is_said_at_once(error):
    tries = []

    def refused():
        tries.append(1)
        raise error

    with pytest.raises(OSError):
        files.patiently(refused, sleep=lambda seconds: pytest.fail("it waited"))
    assert len(tries) == 1


def test_of_a_link_only_the_link_is_removed(folder):
    (folder / "link").symlink_to(folder / "sub", target_is_directory=True)
    files.remove_tree(folder / "link")
    assert names(folder) == ["a", "empty", "sub"] and names(folder / "sub") == ["file"]


def test_a_file_is_moved_to_another_file_system_as_a_copy(folder, monkeypatch):
    def far(*_, **__):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "replace", far)
    files.move(folder / "a", folder / "b")
    assert (folder / "b").read_text() == "content" and names(folder) == ["b", "empty", "sub"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has one way to sync")
class TestFullSync:
    """macOS takes a plain fsync for done when the disk has the data in its cache. Its constant is injected here."""

    FULL = 51  # F_FULLFSYNC in macOS' <sys/fcntl.h>

    @pytest.fixture
    def asked(self, monkeypatch):
        import fcntl

        asked = []
        really = os.fsync
        monkeypatch.setattr(fcntl, "F_FULLFSYNC", self.FULL, raising=False)
        monkeypatch.setattr(fcntl, "fcntl", lambda descriptor, command, *_: asked.append(command))
        monkeypatch.setattr(os, "fsync", lambda descriptor: asked.append("fsync") or really(descriptor))
        return asked

    def test_what_money_depends_on_goes_past_the_disks_cache(self, asked, folder):
        files.sync(folder / "a", is_money=True)
        files.sync(folder, is_money=True)
        assert asked == [self.FULL, self.FULL]

    def test_what_can_be_made_again_does_not(self, asked, folder):
        files.sync(folder / "a")
        assert asked == ["fsync"]

    def test_a_file_system_that_does_not_know_it_is_synced_as_usual(self, asked, folder, monkeypatch):
        import fcntl

        def unknown(*_):
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

        monkeypatch.setattr(fcntl, "fcntl", unknown)
        files.sync(folder / "a", is_money=True)
        assert asked == ["fsync"]

    def test_a_record_is_money(self, asked, jobs):
        from image_to_3d.jobs import folder as folders

        folder = jobs.create()
        job = folders.read(folder)
        asked.clear()
        folders.write(folder, job)
        assert asked == [self.FULL, self.FULL]  # the record, and its name in the folder
        asked.clear()
        folders.write(folder, job, synced=False)
        assert asked == []


LOCKED_BY_ANOTHER = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(7)
"""


def is_free_for_others(path):
    return subprocess.run([sys.executable, "-c", LOCKED_BY_ANOTHER, str(path)]).returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="the other process speaks POSIX")
def test_a_lock_is_given_back_although_the_file_stays_open(folder):
    with (folder / "a").open("r+b") as file:
        assert files.try_lock(file.fileno())
        assert not is_free_for_others(folder / "a")
        files.unlock(file.fileno())
        assert is_free_for_others(folder / "a")


@pytest.mark.skipif(os.name == "nt", reason="the other process speaks POSIX")
def test_a_jobs_lock_is_given_back_explicitly(jobs, monkeypatch):
    """Windows gives the lock of a file that is merely closed back "at some time": here a copy of the descriptor keeps
    the file open."""
    from image_to_3d.jobs import folder as folders

    folder = jobs.create()
    kept = []
    really = files.try_lock
    monkeypatch.setattr(files, "try_lock", lambda descriptor: kept.append(os.dup(descriptor)) or really(descriptor))
    try:
        with folders.lock(folder):
            assert not is_free_for_others(folder / "lock")
        assert is_free_for_others(folder / "lock")
    finally:
        os.close(kept[0])


OF_OS = {"replace", "rename", "renames", "unlink", "remove", "rmdir", "removedirs", "fsync", "fdatasync", "link"}
OF_SHUTIL = {"rmtree", "move"}


def bare(source):
    """Lines and words of what goes to a file's name, or to the disk, and not through files.py.

    A method is known by how it is called: `Path.replace` and `rename` take one argument, `str.replace` two, those of
    dataclasses and dates names; `Path.unlink` and `rmdir` take none, Blender's `unlink` the one that is unlinked.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            kinds = {"os": OF_OS, "shutil": OF_SHUTIL, "posix": OF_OS, "nt": OF_OS}.get(node.module or "", set())
            found += [(node.lineno, alias.name) for alias in node.names if alias.name in kinds]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            kinds = {"os": OF_OS, "shutil": OF_SHUTIL, "Path": OF_OS}.get(node.value.id, set())
            found += [(node.lineno, f"{node.value.id}.{node.attr}")] if node.attr in kinds else []
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name, number = node.func.attr, len(node.args)
            named = {keyword.arg for keyword in node.keywords}
            is_path = (name in ("replace", "rename", "hardlink_to") and number == 1 and not named) or (
                name in ("unlink", "rmdir") and number == 0 and named <= {"missing_ok"}
            )
            found += [(node.lineno, name)] if is_path else []
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.replace(a, b)",
        "import os\nlist(map(os.remove, names))",
        "from os import rename as r",
        "import shutil\nshutil.rmtree(a)",
        "path.replace(target)",
        "path.with_name('x').rename(target)",
        "path.unlink()",
        "path.unlink(missing_ok=True)",
        "map(Path.unlink, paths)",
        "path.rmdir()",
        "os.fsync(file)",
    ],
)
def test_a_bare_call_is_seen(source):
    assert bare(source)


@pytest.mark.parametrize(
    "source",
    [
        "files.replace(a, b)",
        "files.remove(a)",
        "text.replace('a', 'b')",
        "text.replace('a', 'b', 1)",
        "from dataclasses import replace\nreplace(job, state=1)",
        "dataclasses.replace(job, state=1)",
        "moment.replace(tzinfo=None)",
        "names.remove(name)",
        "collection.objects.unlink(obj)",
        "import os\nos.utime(a)\nos.open(a, 0)",
    ],
)
def test_another_call_of_such_a_name_is_none(source):
    assert not bare(source)


NO_PRODUCT = {"tests", "tools", "docs", "demo", "dist"}


def test_nobody_else_touches_a_files_name_or_syncs():
    product = [path for path in ROOT.glob("*.py") if path.name not in ("dev.py", "files.py")]
    rooms = [room for room in ROOT.iterdir() if room.is_dir() and room.name not in NO_PRODUCT and room.name[0] != "."]
    product += [path for room in rooms for path in room.rglob("*.py")]
    assert len(product) > 50
    found = {
        str(path.relative_to(ROOT)): calls for path in product if (calls := bare(path.read_text(encoding="utf-8")))
    }
    assert not found
