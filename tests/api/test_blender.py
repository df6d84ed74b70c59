# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said where a background Blender cannot be started, with real files that are no Blender. Plain Python."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import image_to_3d
from image_to_3d.api import blender
from image_to_3d.api.errors import BlenderError
from image_to_3d.programs.program import FIT

ROOT = str(Path(image_to_3d.__path__[0]).parent)


def start(binary, folder):
    return blender.start([str(binary), "--background"], FIT, {}, folder)


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


LIMITED = """
import resource, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from image_to_3d.api import blender
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(getattr(resource, sys.argv[4]), (int(sys.argv[5]), int(sys.argv[5])))
try:
    blender.start([sys.argv[2]], "headless.fit", {"picture": "x" * 5000}, Path(sys.argv[3]))
except Exception as error:
    print(type(error).__name__, error)
"""


def limited(stand_in, folder, limit, number):
    """What is said where the system gives no more than so much."""
    command = [sys.executable, "-P", "-c", LIMITED, ROOT, stand_in, str(folder), limit, str(number)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(os.name == "nt", reason="no such limits there")
def test_a_disk_that_takes_no_more_is_no_fault_of_blender_s(tmp_path, stand_in):
    assert limited(stand_in, tmp_path, "RLIMIT_FSIZE", 100).startswith("OSError [Errno 27]")


@pytest.mark.skipif(os.name == "nt", reason="no such limits there")
def test_where_too_many_files_are_open_blender_could_not_be_started(tmp_path, stand_in):
    """A pipe to the new process is refused: the error names no file."""
    said = limited(stand_in, tmp_path, "RLIMIT_NOFILE", 5)
    assert said.startswith("BlenderError Blender could not be started at") and "Too many open files" in said
