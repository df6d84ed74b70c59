# SPDX-License-Identifier: GPL-3.0-or-later
"""A script in a real Blender without windows (`blender -b`): Ctrl+C reaches it, what it has paid for is taken up by the
next run, and all that pipelines do works as in the wheels.

Here and not beside the tests in the wheels, as a Blender with a program of its own has its own handler for Ctrl+C.
"""

import json
import os
import re
import signal
import subprocess
import time

import pytest
from gui import jobs
from gui.blender import ROOT

PROGRAM = ROOT / "tests" / "programs" / "loop_over_pictures.py"
SEVERAL = PROGRAM.with_name("several_jobs.py")
PIPELINE = PROGRAM.with_name("pipeline.py")
DEADLINE_S = 60  # against a hang; nothing is measured with it


@pytest.fixture
def run(binary, tmp_path):
    """Starts the script with some pictures, in a user folder that stays from run to run."""
    extensions = tmp_path / "resources" / "extensions" / "user_default"
    extensions.mkdir(parents=True)
    (extensions / "image_to_3d").symlink_to(ROOT, target_is_directory=True)
    started = []

    def run(stand_in, *pictures, program=PROGRAM):
        options = (
            "-b",
            "--factory-startup",
            "--addons",
            "bl_ext.user_default.image_to_3d",
            "--python-exit-code",
            "7",
            "--offline-mode",
        )
        resources = {"BLENDER_USER_RESOURCES": str(tmp_path / "resources")}
        started.append(
            subprocess.Popen(
                [binary, *options, "--python", str(program), "--", *map(str, pictures)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **resources, **jobs.account(stand_in)},
                text=True,
            )
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def press_ctrl_c_at(process, slow_services, number):
    """Press Ctrl+C when so many tasks are made. Return all that the script has said."""
    until = time.monotonic() + DEADLINE_S
    while len(slow_services.creates) < number:
        assert time.monotonic() < until and process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert "KeyboardInterrupt" in output and process.returncode == 7, output
    assert "Made" not in output and "Failed" not in output, output
    return output


@pytest.mark.usefixtures("newest")
def test_jobs_of_a_script_run_side_by_side_and_go_on_after_ctrl_c(run, slow_services, star, tmp_path):
    other = tmp_path / "Other.png"
    other.write_bytes(star.read_bytes() + b"\0")
    output = press_ctrl_c_at(run(slow_services, star, other, program=SEVERAL), slow_services, 2)
    assert re.search(r"^Image to 3D  [0-9-]+[0-9a-f]+  Other +[0-9]+%  ", output, re.MULTILINE), (
        "nobody has configured logging"
    )

    for create in slow_services.creates:
        slow_services.finish(create.id)
    output, _ = run(slow_services, star, other, program=SEVERAL).communicate(timeout=DEADLINE_S)
    assert "Made Red Star [[0.0, 0.0, 0.0]]" in output and "Made Other [[2.0, 0.0, 0.0]]" in output, output
    assert output.count("Nothing is paid again") == 2 and len(slow_services.creates) == 2, output


@pytest.mark.usefixtures("newest")
def test_ctrl_c_ends_the_script_and_the_next_run_pays_nothing_again(run, slow_services, star, tmp_path):
    other = tmp_path / "Other.png"
    other.write_bytes(star.read_bytes() + b"\0")
    press_ctrl_c_at(run(slow_services, star, other), slow_services, 1)

    (create,) = slow_services.creates
    slow_services.finish(create.id)
    output, _ = run(slow_services, star).communicate(timeout=DEADLINE_S)
    assert "Blender hears Ctrl+C as before" in output, output
    assert f"Made {star}" in output and "Nothing is paid again" in output, output
    assert len(slow_services.creates) == 1


def test_what_pipelines_do(run, services, star, tmp_path):
    process = run(services, star, tmp_path, program=PIPELINE)
    output, _ = process.communicate(timeout=2 * DEADLINE_S)
    assert process.returncode == 0, output
    assert [json.loads(line) for line in output.splitlines() if line.startswith("[")] == [
        ["local", "succeeded"],
        ["converted", True],
        ["without a window", "FINISHED", ["Red Star"]],
        ["private", []],
        ["in a handler", "FINISHED", ["Red Star.001"]],
        ["private", []],
        ["removed", "FINISHED", []],
        ["tidied", "FINISHED", []],
        ["watched", "FINISHED"],
    ], output
    content = (tmp_path / "first.blend").read_bytes()
    assert b"result.blend" not in content and b"/jobs/" not in content
