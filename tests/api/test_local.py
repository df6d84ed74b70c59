# SPDX-License-Identifier: GPL-3.0-or-later
"""The Local service as a script uses it: connect, create, wait, fetch. With a real background Blender."""

import time

import pytest

from image_to_3d import api
from image_to_3d.api import glb


def wait(service, task, deadline_s=60):
    until = time.monotonic() + deadline_s
    seen = []
    while (now := service.get(task.id)).status is api.Status.RUNNING:
        assert time.monotonic() < until, "the task did not end"
        seen.append(now.progress)
        time.sleep(0.02)
    return now, seen


def test_a_picture_becomes_a_whole_glb_with_progress_on_the_way(tmp_path, star):
    service = api.connect("local", folder=tmp_path)
    task = service.create({"image_url": str(star), "resolution": "low_poly"})
    assert task.status is api.Status.RUNNING
    task, seen = wait(service, task)
    assert task.status is api.Status.SUCCEEDED, task.message
    assert seen == sorted(seen) and len(set(seen)) >= 3
    service.fetch(task.result.glb, tmp_path / "star.glb")
    glb.check(tmp_path / "star.glb")


def test_a_picture_that_cannot_be_read_fails_with_a_sentence(tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_text("this is no picture")
    service = api.connect("local", folder=tmp_path)
    task, _ = wait(service, service.create({"image_url": str(broken)}))
    assert task.status is api.Status.FAILED
    message = str(task.error)
    assert message.endswith(".") and "Traceback" not in message and "\n" not in message


def test_a_cancelled_task_ends_at_once_and_is_not_known_any_more(tmp_path, star):
    service = api.connect("local", folder=tmp_path)
    task = service.create({"image_url": str(star)})
    service.cancel(task.id)
    assert service.get(task.id).status is api.Status.GONE


def test_a_blender_that_is_not_there_or_does_nothing_is_an_error_that_says_so(tmp_path, star):
    with pytest.raises(api.errors.BlenderError, match="there is no /nowhere/blender"):
        api.connect("local", folder=tmp_path, blender=["/nowhere/blender"]).create({"image_url": str(star)})
    service = api.connect("local", folder=tmp_path, blender=["true"])
    task, _ = wait(service, service.create({"image_url": str(star)}))
    assert task.status is api.Status.FAILED and "stopped unexpectedly" in str(task.error)


def test_an_unknown_service_is_refused_with_the_known_ones():
    with pytest.raises(api.ImageTo3DError, match="use one of local"):
        api.connect("nobody")
