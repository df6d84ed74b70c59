# SPDX-License-Identifier: GPL-3.0-or-later
"""The command as a user calls it: a process of its own in a Blender of a wheel, and services on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from drawing import star_png
from service.cube import cube_glb
from service.stand_in import StandIn

import image_to_3d

PROGRAM = Path(__file__).parents[1] / "programs" / "command_line.py"
DEADLINE_S = 90  # against a hang; nothing is measured with it


class Call:
    """One call of the command, which runs. `end` waits for it."""

    def __init__(self, words, environment, folder, text=None):
        self.process = subprocess.Popen(
            [sys.executable, "-P", *map(str, words)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self._text = text
        self.code, self.output, self.errors = None, "", ""

    def read_until(self, word):
        """Wait until a line with this word is said."""
        while word not in (line := self.process.stdout.readline()):
            assert line, "it has ended"

    def end(self):
        self.output, self.errors = self.process.communicate(self._text, timeout=DEADLINE_S)
        self.code = self.process.returncode
        assert "Traceback" not in self.output + self.errors, self.output + self.errors
        return self

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def lines(self):
        """What was said with `--json`: by the name of the files."""
        return {line["stem"] or line["picture"]: line for line in map(json.loads, self.output.splitlines())}


def _account(services):
    """The environment that makes the services' accounts ours, and their ComfyUI."""
    return {
        "COMFYUI_API_URL": services.comfyui_url,
        **{
            f"{name.upper()}_API_{what.upper()}": getattr(services, f"{name}_{what}")
            for name in ("csm", "meshy")
            for what in ("key", "url")
        },
    }


@pytest.fixture
def until():
    """Waits until something is so, and returns it."""

    def until(condition):
        end = time.monotonic() + DEADLINE_S
        while not (found := condition()):
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.02)
        return found

    return until


@pytest.fixture
def call(stand_in, tmp_path):
    """Calls the command in the folder of the test. With `services`, their keys are in the environment."""
    calls = []

    def call(*words, services=None, text=None, blender=stand_in, **variables):
        environment = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_API_URL"))}
        environment |= _account(services) if services else {}
        environment["PYTHONPATH"] = str(Path(image_to_3d.__path__[0]).parent)
        program = [PROGRAM, blender] if blender else ["-m", "image_to_3d.command"]
        calls.append(Call([*program, *words], environment | variables, tmp_path, text))
        return calls[-1]

    yield call
    for each in calls:
        if each.process.poll() is None:
            each.kill()


@pytest.fixture
def make_pictures(tmp_path):
    """Makes pictures that all show something else."""

    def make_pictures(number, folder="pictures"):
        made = tmp_path / folder
        made.mkdir(exist_ok=True)
        star = star_png(96)
        for index in range(number):
            (made / f"{folder} {index}.png").write_bytes(star + bytes([index % 256, index // 256]))
        return made

    return make_pictures


@pytest.fixture(scope="session")
def cube(tmp_path_factory):
    """The model that the web services make."""
    path = tmp_path_factory.mktemp("models") / "cube.glb"
    path.write_bytes(cube_glb())
    return path


@pytest.fixture
def services(cube):
    """The services, which make every model at once."""
    with StandIn(model=cube) as made:
        yield made


@pytest.fixture
def slow_services(cube):
    """The services, which make a model when a test says so."""
    with StandIn(model=cube, seconds=None) as made:
        yield made
