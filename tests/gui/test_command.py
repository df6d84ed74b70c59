# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender --command image_to_3d` in a real Blender: its words, its exit codes, Ctrl+C, and a list on standard input.

Here and not beside the tests in the wheels, as a Blender with a program of its own reads the command line itself, and
has its own handler for Ctrl+C.
"""

import os
import signal
import subprocess

import pytest
from gui import jobs
from gui.blender import ROOT

DEADLINE_S = 90  # against a hang; nothing is measured with it


@pytest.fixture
def command(binary, tmp_path):
    """Starts the command in a user folder that stays from call to call."""
    extensions = tmp_path / "resources" / "extensions" / "user_default"
    extensions.mkdir(parents=True)
    (extensions / "image_to_3d").symlink_to(ROOT, target_is_directory=True)
    started = []

    def command(*words, services=None):
        resources = {"BLENDER_USER_RESOURCES": str(tmp_path / "resources")}
        started.append(
            subprocess.Popen(
                [binary, "--factory-startup", "--addons", "bl_ext.user_default.image_to_3d"]
                + ["--command", "image_to_3d", *map(str, words)],
                cwd=tmp_path,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, **resources, **(jobs.account(services) if services else {})},
                text=True,
            )
        )
        return started[-1]

    yield command
    for process in started:
        process.kill()
        process.communicate()


def test_a_list_of_pictures_becomes_files(command, star, tmp_path):
    process = command("-", "--output", "made", "--format", "blend,glb", "--set", "resolution=low_poly")
    output, _ = process.communicate(f"{star}\nnowhere.png\n", timeout=DEADLINE_S)
    assert process.returncode == 1, output
    assert "choose one that exists" in output and "Traceback" not in output
    assert sorted(path.name for path in (tmp_path / "made").glob("*.*") if path.is_file()) == [
        "Red Star.blend",
        "Red Star.glb",
    ]


@pytest.mark.usefixtures("newest")
def test_the_words_are_the_commands_own(command):
    helped, wrong = command("--help", "--service", "local"), command("x.png", "--output", "y", "--set", "reslution=1")
    output, _ = helped.communicate(timeout=DEADLINE_S)
    assert helped.returncode == 0 and "resolution=low_poly | high_poly" in output, output
    output, _ = wrong.communicate(timeout=DEADLINE_S)
    assert wrong.returncode == 2 and "did you mean 'resolution'?" in output, output


@pytest.mark.usefixtures("newest")
def test_ctrl_c_ends_it_in_order_and_the_same_call_pays_nothing_again(command, slow_services, star, tmp_path):
    words = (star, "--service", "meshy", "--output", "made")
    process = command(*words, services=slow_services)
    (create,) = jobs.created(slow_services, seconds=DEADLINE_S)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130 and "The same call again goes on" in output, output

    slow_services.finish(create.id)
    again = command(*words, services=slow_services)
    output, _ = again.communicate(timeout=DEADLINE_S)
    assert again.returncode == 0, output
    assert (tmp_path / "made" / "Red Star.blend").is_file()
    assert len(slow_services.creates) == 1
