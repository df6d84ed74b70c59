# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs in a temporary user folder, and ways to run their process."""

import contextlib
import sys
import time

import pytest

from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import worker
from image_to_3d.programs import process

DEADLINE_S = 60  # against a hang; nothing is measured with it


class Jobs:
    """The user folder `root`, with what a test does to its jobs."""

    def __init__(self, root, picture):
        self.root = root
        self.picture = picture
        self.started = []

    def create(self, **parameters):
        values = {"image_url": str(self.picture), "resolution": "low_poly", **parameters}
        checked = check(SERVICES["local"].parameters, values)
        return folders.create(self.root, service="local", parameters=checked, name="Red Star")

    def start(self, folder, *, blender="", python=()):
        started = worker.start(folder, python=[sys.executable, "-I", *python], config={"blender": blender})
        self.started.append(started)
        return started

    def finish(self, folder, **options):
        """Run the job's process to its end, and return the record."""
        started = self.start(folder, **options)
        started.wait(DEADLINE_S)
        process.stop(started)
        return folders.read(folder)

    @staticmethod
    def wait_until(condition):
        until = time.monotonic() + DEADLINE_S
        while not (result := condition()):
            assert time.monotonic() < until, "it did not happen"
            time.sleep(0.01)
        return result

    def close(self):
        for started in self.started:
            if process.is_alive(started):
                started.kill()
            started.wait()
            with contextlib.suppress(OSError):
                process.stop(started)


@pytest.fixture
def jobs(tmp_path, star):
    made = Jobs(tmp_path / "jobs", star)
    yield made
    made.close()
