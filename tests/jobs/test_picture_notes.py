# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done to a picture, or is missing from it, reaches the user with the model, by the name of the user's file."""

import json
import shutil
from pathlib import Path

import pytest
from once import once

from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history
from image_to_3d.jobs.folder import State

pytestmark = once

PICTURES = Path(__file__).parents[1] / "pictures"

CUT_OFF = "My Horse.jpg is cut off, so its lower part is missing: get the whole file if the model should have it."


@pytest.fixture
def user_file(jobs, tmp_path):
    """Makes a job of a file of the user's that has this name and content."""

    def user_file(name, content):
        (tmp_path / name).write_bytes(content)
        return jobs.create(image_url=str(tmp_path / name))

    return user_file


def gif(*frames):
    """A GIF of frames of 2 x 2 pixels, each a red and a white one in turn."""
    picture = b"\x2c" + bytes(4) + b"\x02\0\x02\0\0" + b"\x02\x03\x44\x02\x05\0"
    return b"GIF89a\x02\0\x02\0\x80\0\0\xff\0\0\xff\xff\xff" + picture * len(frames) + b"\x3b"


def test_a_jpeg_that_is_cut_off_is_modelled_with_a_note(jobs, user_file):
    content = (PICTURES / "horse.jpg").read_bytes()
    folder = user_file("My Horse.jpg", content[: len(content) * 7 // 10])
    job = jobs.finish(folder)
    assert job.state is State.READY, job.message
    assert job.note.startswith(f"{CUT_OFF} ") and "faces" in job.note


DAMAGED = "is cut off or damaged: open it and save it anew, or choose another."


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("My Bear.png", (PICTURES / "bear.png").read_bytes()[:-200], DAMAGED),
        ("My Horse.jpg", (PICTURES / "horse.jpg").read_bytes()[:300], DAMAGED),
        ("My Fox.gif", gif(1)[:-8], DAMAGED),
    ],
)
def test_what_is_damaged_is_not_modelled_and_the_user_s_name_is_said(
    jobs, user_file, stand_in, name, content, sentence
):
    job = jobs.finish(user_file(name, content), blender=stand_in)
    assert (job.state, job.message) == (State.FAILED, f"{name} {sentence}")


def test_of_an_animation_the_first_frame_is_modelled_and_nothing_is_left_behind(jobs, user_file, stand_in):
    folder = user_file("My Fox.gif", gif(1, 2))
    job = jobs.finish(folder, blender=stand_in)
    assert job.state is State.READY, job.message
    assert job.note == "My Fox.gif is an animation: its first frame was taken. Made by a stand-in. 1 face."
    assert not list(folder.glob("tmp-*"))


def test_a_note_is_that_of_the_last_try(jobs, user_file, stand_in):
    folder = user_file("My Fox.gif", gif(1, 2))
    jobs.finish(folder, blender=stand_in)
    job = folders.read(folder)
    (folder / "result.glb").unlink()
    shutil.copyfile(jobs.picture, folder / job.parameters["image_url"])
    history.retry(folder)
    again = jobs.finish(folder, blender=stand_in)
    assert again.state is State.READY and "animation" not in again.note


def test_a_record_of_an_earlier_version_has_no_note_of_a_picture(jobs):
    folder = jobs.create()
    record = json.loads((folder / "job.json").read_text())
    del record["picture_note"]
    (folder / "job.json").write_text(json.dumps(record))
    assert folders.read(folder).picture_note == ""
