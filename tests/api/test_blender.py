# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Blender is started, and what is said where it cannot be, with real files that are no Blender. Plain Python."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

import image_to_3d
from image_to_3d import api
from image_to_3d.api import blender
from image_to_3d.api.errors import BlenderError
from image_to_3d.programs.program import FIT

ROOT = str(Path(image_to_3d.__path__[0]).parent)


def start(binary, folder):
    return blender.start([str(binary), "--background"], FIT, {}, folder, None)


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (None, 0, "there is no"),
        (b"#!/bin/sh\n", 0o600, "Permission denied"),
        (b"no program", 0o700, "Exec format error"),
    ],
    ids=["missing", "may not be run", "no program"],
)
def test_what_cannot_be_started_is_told_as_that_and_named(tmp_path, is_sentence, content, mode, reason):
    binary = tmp_path / "blender"
    if content is not None:
        binary.write_bytes(content)
        binary.chmod(mode)
    with pytest.raises(BlenderError, match="Blender could not be started") as failure:
        start(binary, tmp_path)
    assert reason in str(failure.value) and str(binary) in str(failure.value) and is_sentence(str(failure.value))


def test_a_job_s_folder_that_is_gone_is_no_fault_of_blender_s(tmp_path, stand_in):
    with pytest.raises(FileNotFoundError) as failure:
        start(stand_in, tmp_path / "gone")
    assert "gone" in failure.value.filename


REFUSED = """
import errno, os, resource, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from image_to_3d.api import blender
def strike(event, arguments):
    if event == "subprocess.Popen" and sys.argv[4] != "EFBIG":
        number = getattr(errno, sys.argv[4])
        raise OSError(number, os.strerror(number))
sys.addaudithook(strike)
if sys.argv[4] == "EFBIG":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    blender.start([sys.argv[2]], "headless.fit", {"picture": "x" * 5000}, Path(sys.argv[3]), None)
except Exception as error:
    print(type(error).__name__, error)
"""


def refused(stand_in, folder, number):
    """What is said where the system refuses the next process, or a file (EFBIG), and names neither."""
    command = [sys.executable, "-P", "-c", REFUSED, ROOT, stand_in, str(folder), number]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(os.name == "nt", reason="no such limits there")
def test_a_disk_that_takes_no_more_is_no_fault_of_blender_s(tmp_path, stand_in):
    assert refused(stand_in, tmp_path, "EFBIG").startswith("OSError [Errno 27]")


@pytest.mark.skipif(os.name == "nt", reason="no such limits there")
@pytest.mark.parametrize("number", ["EAGAIN", "ENOMEM", "EMFILE"])
def test_where_there_is_no_room_for_it_blender_could_not_be_started(tmp_path, stand_in, is_sentence, number):
    said = refused(stand_in, tmp_path, number).removeprefix("BlenderError ").strip()
    assert said.startswith("Blender could not be started at") and is_sentence(said)
    assert os.strerror(getattr(errno, number)) in said


# Which Blender is meant


@pytest.mark.parametrize(
    "named",
    [str, Path, lambda binary: str(Path(binary).parent), lambda binary: [binary], lambda binary: ["env", binary]],
    ids=["path", "Path", "folder", "command", "longer command"],
)
def test_a_blender_is_named_by_its_path_or_by_what_starts_it(tmp_path, stand_in, star, named):
    service = api.connect("local", folder=tmp_path, blender=named(stand_in))
    task = api.wait(service, service.create({"image_url": str(star)}).id)
    assert task.status is api.Status.SUCCEEDED, task.error


def test_a_relative_path_is_meant_from_here(tmp_path, stand_in, star, monkeypatch):
    monkeypatch.chdir(Path(stand_in).parent)
    service = api.connect("local", folder=tmp_path, blender="./blender")
    task = api.wait(service, service.create({"image_url": str(star)}).id)
    assert task.status is api.Status.SUCCEEDED, task.error


FOUND = """
import sys
sys.path.insert(0, sys.argv[1])
sys.path.insert(0, sys.argv[2])
if sys.argv[3:]:
    import bpy
from image_to_3d.api import blender
print(blender.find_blender()[0])
"""


def found(binary, folder, *arguments):
    """Which Blender is found by a Python for which `bpy` is a module in `folder`."""
    command = [sys.executable, "-P", "-S", "-c", FOUND, ROOT, str(folder), *arguments]
    environment = {**os.environ, "PATH": f"{Path(binary).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=30, env=environment, check=True
    ).stdout.strip()


def test_what_only_describes_blender_to_an_editor_is_none(tmp_path, stand_in):
    (tmp_path / "bpy").mkdir()
    (tmp_path / "bpy" / "__init__.py").write_text("")
    for imported in ((), ("imported",)):
        assert found(stand_in, tmp_path, *imported) == stand_in


def test_a_blender_that_was_set_on_the_module_is_used(tmp_path, stand_in):
    """As Blender's documentation of `bpy.app.binary_path` has it."""
    (tmp_path / "bpy.py").write_text("class app:\n    binary_path = '/somewhere/blender'\n")
    assert found(stand_in, tmp_path, "imported") == "/somewhere/blender"
