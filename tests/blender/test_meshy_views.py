# SPDX-License-Identifier: GPL-3.0-or-later
"""Several views of one object, through the operator: what Meshy gets, what it costs, and that it is paid for once."""

import hashlib
from pathlib import Path

import bpy
import numpy as np
import pytest
from drawing import png
from once import once
from ticking import tick_until

pytestmark = pytest.mark.usefixtures("quick_models")

PATH = "/meshy/openapi/v1/multi-image-to-3d"


@pytest.fixture
def chosen(tmp_path):
    """The settings, with Meshy chosen and a picture for each view."""
    chosen = bpy.context.scene.image_to_3d
    chosen.service = "MESHY"
    for number, view in enumerate(("back", "left", "right")):
        path = tmp_path / f"{view}.png"
        pixels = np.zeros((40, 60, 4), np.uint8)
        pixels[5:35, 10:50] = (40 * number, 200, 30, 255)
        path.write_bytes(png(pixels))
        setattr(chosen.meshy, f"{view}_image_url", str(path))
    return chosen


@pytest.fixture
def pictures(chosen, star):
    """The SHA-256 of each view's picture."""
    files = {view: getattr(chosen.meshy, f"{view}_image_url") for view in ("back", "left", "right")}
    return {
        view: hashlib.sha256(Path(file).read_bytes()).hexdigest() for view, file in {"front": star, **files}.items()
    }


def roots():
    return [obj for obj in bpy.data.objects if "image_to_3d_job" in obj]


def creates_asked(stand_in):
    return [request.path for request in stand_in.requests if request.step == "create"]


def generate(picture):
    assert bpy.ops.image_to_3d.generate(filepath=str(picture)) == {"FINISHED"}


@once
def test_all_four_are_sent_in_one_list_the_front_first(chosen, pictures, session, account, star):
    generate(star)
    (create,) = account.creates
    assert creates_asked(account) == [PATH]
    sent = [entry.sha256 for entry in create.parameters["image_urls"]]
    assert sent == [pictures[view] for view in ("front", "back", "left", "right")]
    assert not [name for name in create.parameters if name.endswith("image_url")]
    (job,), (root,) = session.jobs(), roots()
    assert root["image_to_3d_task"] == create.id and job.credits == create.credits
    assert not [word for word in ("image_url", ".png") if word in root["image_to_3d_parameters"]]


@once
def test_a_view_that_is_left_out_is_not_in_the_list(chosen, pictures, account, star):
    chosen.meshy.left_image_url = chosen.meshy.right_image_url = ""
    generate(star)
    sent = [entry.sha256 for entry in account.creates[0].parameters["image_urls"]]
    assert sent == [pictures["front"], pictures["back"]]


@once
def test_without_views_it_is_a_task_of_one_picture(chosen, account, star):
    for view in ("back", "left", "right"):
        setattr(chosen.meshy, f"{view}_image_url", "")
    generate(star)
    assert creates_asked(account) == ["/meshy/openapi/v1/image-to-3d"]


@once
@pytest.mark.parametrize(
    "change", [{}, {"should_texture": False}, {"texture_resolution": "8K"}, {"ai_model": "meshy-6-lite"}]
)
def test_the_price_on_the_button_is_what_is_taken(extension, chosen, session, account, star, change):
    for name, value in change.items():
        setattr(chosen.meshy, name, value)
    price = extension.module("scene.request").cost(bpy.context.scene)
    before = account.credits
    generate(star)
    assert before - account.credits == price == session.jobs()[0].credits


@once
def test_a_script_that_is_run_again_pays_nothing_again(chosen, session, start_web, slow_account, star, capfd):
    job = start_web("meshy")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    session.end()
    (create,) = slow_account.creates
    slow_account.finish(create.id)
    generate(star)
    assert len(slow_account.creates) == 1 and [root["image_to_3d_task"] for root in roots()] == [create.id]
    assert "Nothing is paid again" in capfd.readouterr().out


def test_with_another_picture_of_the_back_it_is_another_request(chosen, session, start_web, account, star, tmp_path):
    back, other = chosen.meshy.back_image_url, tmp_path / "other.png"
    other.write_bytes(star.read_bytes())
    job = start_web("meshy")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    session.end()
    chosen.meshy.back_image_url = str(other)
    generate(star)
    assert len(account.creates) == 2
    chosen.meshy.back_image_url = back
    generate(star)
    assert len(account.creates) == 2, "this one was left"
    assert {root["image_to_3d_task"] for root in roots()} == {create.id for create in account.creates}


@once
def test_a_task_whose_answer_was_lost_is_found_at_its_own_path(chosen, session, account, star, hurry):
    account.play("create", "drop_after")
    generate(star)
    assert len(account.creates) == 1 and roots()[0]["image_to_3d_task"] == account.creates[0].id
    assert PATH in [request.path for request in account.requests if request.step == "list"]


@once
def test_adopt_takes_the_id_of_a_task_of_several_views(chosen, session, account, star, hurry):
    account.play("create", "drop_after")
    account.quirk("meshy", no_list=True)
    with pytest.raises(RuntimeError, match="adopt its id"):
        bpy.ops.image_to_3d.generate(filepath=str(star))
    (job,), (create,) = session.jobs(), account.creates
    assert bpy.ops.image_to_3d.adopt(job=job.id, task_id=create.id) == {"FINISHED"}
    assert [root["image_to_3d_task"] for root in roots()] == [create.id] and len(account.creates) == 1


@once
def test_a_cancel_deletes_it_at_its_own_path(chosen, session, start_web, slow_account):
    job = start_web("meshy")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    (create,) = slow_account.creates
    slow_account.set_progress(create.id, -1)
    bpy.ops.image_to_3d.cancel(job=job.id)
    tick_until(session, lambda: not session.is_busy())
    assert session.refresh(job.id).message == "Cancelled"
    assert [request.path for request in slow_account.requests if request.step == "delete"] == [f"{PATH}/{create.id}"]


@once
def test_where_a_view_is_damaged_nothing_is_paid(chosen, account, star):
    path = Path(chosen.meshy.back_image_url)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RuntimeError, match="cut off or damaged"):
        bpy.ops.image_to_3d.generate(filepath=str(star))
    assert not account.creates
