# SPDX-License-Identifier: GPL-3.0-or-later
"""A job whose model cannot be converted: it says why and that the model is kept, leaves nothing behind, and tried again
only converts. With a real background Blender."""

import pytest
from once import once
from service.cube import cube_glb
from service.textures import assembled, parted

from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history
from image_to_3d.jobs.folder import State

pytestmark = once

KEPT = "The model is kept as result.glb in the job's folder, and Retry only converts it again."
OURS = {"job.json", "lock", "log.txt", "result.glb"}


def changed(change) -> bytes:
    """A cube whose JSON has been changed."""
    document, binary = parted(cube_glb())
    change(document)
    return assembled(document, binary)


def require(document, name="KHR_texture_basisu"):
    document.update(extensionsUsed=[name], extensionsRequired=[name])


def two_corners(document):
    document["accessors"][3]["count"] = 2


def model_is_there(jobs, content):
    """A job whose model has just arrived."""
    folder = jobs.create()
    (folder / folders.GLB).write_bytes(content)
    return folder


def names_in(folder):
    return {entry.name for entry in folder.iterdir() if not entry.name.startswith("picture")}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (require, r"lacks what this model needs (KHR_texture_basisu): retry in a newer Blender, which may read it."),
        (two_corners, "The model's file is damaged (2 corners of a mesh do not make triangles): "),
    ],
    ids=["what Blender lacks", "what is damaged"],
)
def test_it_says_why_and_keeps_the_model_and_nothing_else(jobs, change, sentence):
    content = changed(change)
    folder = model_is_there(jobs, content)
    job = jobs.finish(folder)
    assert job.state is State.FAILED
    assert sentence in job.message and job.message.endswith(KEPT)
    assert "generate" not in job.message.lower() and "try again" not in job.message
    assert names_in(folder) == OURS
    assert (folder / folders.GLB).read_bytes() == content


def test_tried_again_it_only_converts_what_is_there(jobs):
    """As in a newer Blender, which reads it: here the file is another one meanwhile."""
    folder = model_is_there(jobs, changed(require))
    assert jobs.finish(folder).state is State.FAILED
    mended = cube_glb()
    (folder / folders.GLB).write_bytes(mended)
    history.retry(folder)
    job = jobs.finish(folder)
    assert job.state is State.READY, job.message
    assert job.task_id == ""  # nobody was asked for a model
    assert (folder / folders.GLB).read_bytes() == mended
    assert names_in(folder) == OURS | {"result.blend", "thumbnail.png"}


def test_tried_again_in_vain_it_says_the_same(jobs):
    folder = model_is_there(jobs, changed(two_corners))
    first = jobs.finish(folder)
    history.retry(folder)
    again = jobs.finish(folder)
    assert (again.state, again.message) == (first.state, first.message)
    assert names_in(folder) == OURS


def test_a_background_blender_that_crashes_leaves_nothing_behind(jobs, stand_in, tmp_path):
    script = tmp_path / "crashing"
    script.write_text(f'#!/bin/sh\ncase "$*" in *headless.convert*) kill -SEGV $$;; esac\nexec "{stand_in}" "$@"\n')
    script.chmod(0o755)
    folder = jobs.create()
    job = jobs.finish(folder, blender=str(script))
    assert "stopped unexpectedly (exit code -11)" in job.message and job.message.endswith(KEPT)
    assert "again." not in job.message.removesuffix(KEPT)
    assert names_in(folder) == OURS


def test_what_a_killed_process_has_left_goes_with_the_next_run(jobs, stand_in):
    folder = jobs.create()
    left = folder / "tmp-read-left"
    left.mkdir()
    (left / "model.glb").write_bytes(b"half of it")
    (folder / "tmp-convert-1-report.jsonl").write_text("{}\n")
    assert jobs.finish(folder, blender=stand_in).state is State.READY
    assert not list(folder.glob("tmp-*"))


def test_a_cancelled_job_leaves_nothing_behind(jobs, stand_in, tmp_path):
    """It is cancelled while the model is converted."""
    script = tmp_path / "slow"
    script.write_text(f'#!/bin/sh\ncase "$*" in *headless.convert*) exec sleep 60;; esac\nexec "{stand_in}" "$@"\n')
    script.chmod(0o755)
    folder = jobs.create()
    started = jobs.start(folder, blender=str(script))
    jobs.wait_until(lambda: list(folder.glob("tmp-convert-*")))
    folders.ask_cancel(folder)
    started.wait(60)
    assert folders.read(folder).state is State.CANCELLED
    assert not list(folder.glob("tmp-*"))
