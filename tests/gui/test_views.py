# SPDX-License-Identifier: GPL-3.0-or-later
"""More Views with the mouse: an image of the Blender file becomes the back, and a model is made of both pictures."""

import numpy as np
import pytest
from drawing import png
from gui.jobs import until_state
from thorough import thorough

BUTTON_PX = 22  # from the right edge of what the tab shows to the button that lists the images, beside no preview


@pytest.fixture
def pictures(tmp_path):
    """The front of an orange figure, and its back, which is blue."""
    made = {}
    for name, color in (("fox", (230, 120, 40)), ("fox behind", (40, 90, 200))):
        pixels = np.zeros((96, 64, 4), np.uint8)
        pixels[8:88, 12:52] = (*color, 255)
        made[name] = tmp_path / f"{name}.png"
        made[name].write_bytes(png(pixels))
    return made


def menu_of(blender, side, label):
    """Open the menu of images beside the field of a view."""
    box = blender.find(label, side, number=0)  # the second is below the preview
    blender.click(side.right - BUTTON_PX, box.center[1])


def test_an_image_is_chosen_as_the_back_and_the_model_arrives(blender, pictures, save):
    chosen = "bpy.context.scene.image_to_3d"
    blender.run(f"{chosen}.local.resolution = 'LOW_POLY'")
    blender.run(f"{chosen}.filepath = path", path=str(pictures["fox"]))
    blender.run("bpy.data.images.load(path).pack()", path=str(pictures["fox behind"]))
    side = blender.open_sidebar()
    cut_out = blender.find("Cut Out", side, number=0)  # the second is the parameter Cutout
    assert cut_out.top < blender.find("More Views", side).top < blender.find("ComfyUI", side).top
    blender.click_on("More Views", side)
    blender.leave()
    menu_of(blender, side, "Back")
    blender.click_on("fox behind.png", blender.around())
    blender.until(f"{chosen}.local.back_image_url == 'fox behind.png'")
    blender.leave()
    blender.find("More Views (1)", side)
    blender.find("Back", side, number=1)
    blender.click_on("Generate 3D Model", side)
    blender.until("session.jobs()")
    until_state(blender, blender.run("session.jobs()[0].id"), "imported", seconds=60)
    job = blender.run("[session.jobs()[0].name, session.jobs()[0].images]")
    assert job == ["fox", {"back_image_url": "fox behind.png"}]
    assert blender.run("'fox' in bpy.data.objects")


@thorough
@pytest.mark.usefixtures("newest")
def test_a_name_may_be_typed_and_the_menu_clears_it_with_undo(blender, pictures):
    left = "bpy.context.scene.image_to_3d.local.left_image_url"
    blender.run("bpy.data.images.load(path).pack()", path=str(pictures["fox behind"]))
    blender.run("bpy.ops.ed.undo_push(message='Pictures')")
    side = blender.open_sidebar()
    blender.click_on("More Views", side)
    blender.leave()
    blender.enter("fox behind.png", "Left", side, number=0)
    assert blender.run(left) == "fox behind.png"
    blender.leave()
    menu_of(blender, side, "Left")
    blender.click_on("None", blender.around())
    assert blender.run(left) == ""
    blender.leave()
    blender.press("Z", ctrl=True)
    assert blender.run(left) == "fox behind.png"
