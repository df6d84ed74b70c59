# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done to a picture before it was sent is said with the model, also where the process that sent it died."""

import struct
import zlib

import pytest
from paid_job import Paid
from service.cube import cube_glb

from image_to_3d.jobs.folder import State

NOTE = "Red Star.webp.png is an animation: its first frame was taken."


@pytest.fixture
def moving(star, tmp_path):
    """An animated PNG of the star, and what it is without the animation."""
    content = star.read_bytes()

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    control = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 96, 96, 0, 0, 1, 10, 0, 0))
    path = tmp_path / "Red Star.webp.png"
    path.write_bytes(content[:33] + chunk(b"acTL", struct.pack(">II", 2, 0)) + control + content[33:])
    return path


@pytest.fixture
def paid(moving, tmp_path, stand_in):
    (tmp_path / "cube.glb").write_bytes(cube_glb())
    made = Paid("meshy", tmp_path / "jobs", moving, tmp_path / "cube.glb", stand_in)
    yield made
    made.close()


def test_the_note_is_there_with_the_model_and_what_was_sent_does_not_move(paid, star):
    assert paid.run() == 0
    assert paid.job.state is State.READY and paid.job.note.startswith(NOTE), paid.job.message
    assert paid.stand_in.creates[0].parameters["image_url"].size == star.stat().st_size


def test_it_is_there_too_where_the_process_ended_while_the_task_ran(paid):
    started = paid.start()
    paid.wait_until(lambda: paid.job.task_id)
    started.kill()
    started.wait()
    assert paid.job.picture_note == NOTE
    paid.run()
    assert paid.job.state is State.READY and paid.job.note.startswith(NOTE)
    paid.check()
