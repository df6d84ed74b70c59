# SPDX-License-Identifier: GPL-3.0-or-later
"""The Local service as a script uses it: connect, create, wait, fetch. With a real background Blender."""

import base64
import time

import numpy as np
import pytest
from drawing import png
from once import once

from image_to_3d import api
from image_to_3d.api import glb

pytestmark = once


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


# Several sides of one object


@pytest.fixture
def sides(tmp_path):
    """A front and a back in files of their own: the same shape in two colors, on nothing."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return {
        name: picture_of(folder / f"{name}.png", (*color, 255))
        for name, color in (("front", (230, 120, 40)), ("behind", (40, 90, 200)))
    }


def picture_of(path, color, around=(0, 0, 0, 0)):
    pixels = np.empty((96, 64, 4), np.uint8)
    pixels[:] = around
    pixels[8:88, 12:52] = color
    path.write_bytes(png(pixels))
    return path


@pytest.fixture
def make(tmp_path):
    """Have a model made, and return how the task ended."""
    folder = tmp_path / "job"
    folder.mkdir()

    def make(front, back, **options):
        service = api.connect("local", folder=folder, **options)
        parameters = {"image_url": str(front), "back_image_url": str(back), "resolution": "low_poly"}
        task, _ = wait(service, service.create({**parameters, "texture_model": "none"}))
        return task, service

    return make


@pytest.mark.parametrize("kind", ["path", "address", "data"])
def test_a_further_picture_may_come_from_anywhere(make, sides, web, kind):
    content = sides["behind"].read_bytes()
    back = {
        "path": sides["behind"],
        "address": web.serve("/behind.png", content, "image/png"),
        "data": "data:image/png;base64," + base64.b64encode(content).decode(),
    }[kind]
    task, _ = make(sides["front"], back)
    assert task.status is api.Status.SUCCEEDED, task.error


def test_a_further_picture_that_is_not_there_is_named(make, sides, web):
    with pytest.raises(api.errors.PictureError, match=r"There is no picture at .*gone\.png"):
        make(sides["front"], sides["front"].with_name("gone.png"))
    with pytest.raises(
        api.errors.PictureError, match=r"^The picture of the back: .* answered 404 .*: check the URL\.$"
    ):
        make(sides["front"], web.address("/gone.png"))
    with pytest.raises(api.errors.PictureError, match=r"^The picture of the back: The data URI is incomplete"):
        make(sides["front"], "data:image/png")


@pytest.mark.parametrize("what", ["transparent", "damaged", "heic"])
def test_a_further_picture_that_shows_nothing_is_named(make, sides, what):
    back = sides["behind"]
    if what == "transparent":
        picture_of(back, (0, 0, 0, 0))
    elif what == "damaged":
        back.write_bytes(b"\x89PNG\r\n\x1a\n" + b"nothing of the kind")
    else:
        back = back.with_suffix(".heic")
        back.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    try:
        task, _ = make(sides["front"], back)
        message = str(task.error)
    except api.errors.PictureError as error:
        message = str(error)
    assert message.startswith(f"{back.name} is ") and "Traceback" not in message, message


def test_a_further_picture_is_called_as_the_user_calls_it(make, sides):
    picture_of(sides["behind"], (0, 0, 0, 0))
    task, _ = make(sides["front"], sides["behind"], called={"back_image_url": "Fox Behind"})
    assert str(task.error).startswith("Fox Behind is fully transparent: ")


@pytest.mark.parametrize("veiled", [("behind",), ("front", "behind")])
def test_a_note_says_of_which_picture_it_is_and_of_all_only_once(make, sides, veiled):
    for name in veiled:
        picture_of(sides[name], (30, 60, 90, 128), around=(255, 255, 255, 128))
    task, _ = make(sides["front"], sides["behind"])
    said = "The picture is equally translucent everywhere, so its colours decided."
    assert task.status is api.Status.SUCCEEDED, task.error
    assert task.result.note.count(said) == 1
    assert (f"behind.png: {said}" in task.result.note) == (len(veiled) == 1)
