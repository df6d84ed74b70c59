# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut Out with a real mouse: the figure appears as an image in the Image Editor, what is wrong is erased and brought
back with Blender's own brush, and Generate takes exactly that."""

import time

import numpy as np
import pytest
from drawing import png
from gui.jobs import until_state

SEEN_S = 20
LOOK_S = 0.2

ORANGE, BLUE = (230, 120, 10), (60, 120, 200)
SIZE = 256

BESIDE = """
area = next(area for area in bpy.context.screen.areas if area.type == "DOPESHEET_EDITOR")
area.type = "IMAGE_EDITOR"
area.spaces.active.ui_mode = "PAINT"
0
"""

FRAMED = """
area = next(area for area in bpy.context.screen.areas if area.type == "IMAGE_EDITOR")
region = next(region for region in area.regions if region.type == "WINDOW")
with bpy.context.temp_override(area=area, region=region):
    bpy.ops.image.view_all(fit_view=True)
area.spaces.active.image.name
"""

BRUSH = """
tools = bpy.context.tool_settings
shared = getattr(tools.image_paint, "unified_paint_settings", None) or tools.unified_paint_settings  # 5.2, 4.3
brush = tools.image_paint.brush
for owner in filter(None, (brush, shared)):
    owner.size, owner.strength = 10, 1
if brush is not None:
    brush.blend = blend
brush is not None
"""

ALPHA = """
import numpy as np
image = bpy.data.images["Fox Cutout"]
values = np.empty(len(image.pixels), np.float32)
image.pixels.foreach_get(values)
np.round(values.reshape(image.size[1], image.size[0], 4)[::-1, :, 3] * 255).astype(int).tolist()
"""


@pytest.fixture
def fox(tmp_path):
    """An orange disc before a plain blue."""
    y, x = (np.mgrid[0:SIZE, 0:SIZE] + 0.5) / SIZE * 2 - 1
    pixels = np.full((SIZE, SIZE, 4), 255, np.uint8)
    pixels[..., :3] = BLUE
    pixels[np.hypot(x, y) < 0.7, :3] = ORANGE
    path = tmp_path / "Fox.png"
    path.write_bytes(png(pixels))
    return path


def alpha_of(blender):
    return np.array(blender.run(ALPHA))


def button(blender, side):
    """Where the button is, once it is drawn: above Local's parameter, which reads the same."""
    blender.find("Cut Out", side, number=1)
    return blender.find("Cut Out", side, number=0).center


def until_blue_is_gone(blender, side):
    """Wait until the preview shows nothing of what was cut away."""
    end = time.monotonic() + SEEN_S
    while True:
        red, green, blue = np.moveaxis(np.asarray(blender.picture().crop(side).convert("RGB"), int), 2, 0)
        if ((blue > 240) & (red < 150) & (green > 165)).sum() < 50:
            return
        assert time.monotonic() < end, f"the background is still seen after {SEEN_S} s"
        time.sleep(LOOK_S)


def cut_out(blender, fox, side):
    """Choose the picture, press the button, and wait for the image."""
    blender.run("bpy.context.scene.image_to_3d.filepath = path", path=str(fox))
    blender.click(*button(blender, side))
    blender.leave()
    blender.until("bpy.context.scene.image_to_3d.image")


@pytest.mark.usefixtures("newest")
@pytest.mark.timeout(300)  # it goes the whole way, to the model
def test_the_figure_is_cut_out_painted_and_generated(blender, fox):
    blender.run("bpy.context.scene.image_to_3d.local.resolution = 'LOW_POLY'")
    blender.run(BESIDE)
    side = blender.open_sidebar()
    cut_out(blender, fox, side)
    blender.find("Fox Cutout is chosen as the picture", blender.status_bar())
    blender.find("Fox Cutout", side)
    assert blender.run(FRAMED) == "Fox Cutout"
    blender.settle()
    until_blue_is_gone(blender, side)
    cut = alpha_of(blender)
    assert cut[SIZE // 2, SIZE // 2] == 255 and cut[4, 4] == 0
    if not blender.run(BRUSH, blend="ERASE_ALPHA"):
        pytest.skip("this Blender comes without brushes")
    x, y = blender.area("IMAGE_EDITOR", "WINDOW").center
    blender.drag((x - 30, y), (x + 30, y))
    erased = alpha_of(blender)
    assert erased[SIZE // 2, SIZE // 2] < 10 and (erased <= cut).all()
    blender.run(BRUSH, blend="ADD_ALPHA")
    blender.drag((x, y), (x + 30, y))
    added = alpha_of(blender)
    assert added[SIZE // 2, SIZE // 2] > 200 and (added >= erased).all() and (added != cut).any()
    blender.click_on("Generate 3D Model", side)
    blender.until("len(session.jobs()) == 1")
    job = blender.run("session.jobs()[0].id")
    until_state(blender, job, "imported", seconds=90)
    shown = "[bpy.data.images.load(str(session.folder_of(job) / session.job(job).source)).name]"
    (sent,) = blender.run(shown, job=job)
    assert (np.array(blender.run(ALPHA.replace('"Fox Cutout"', "sent"), sent=sent)) == added).all()


def test_undo_takes_the_image_back_and_redo_brings_it_again(blender, fox):
    side = blender.open_sidebar()
    cut_out(blender, fox, side)
    blender.find("after opening it in an Image Editor", blender.status_bar())
    blender.move(*blender.area("VIEW_3D", "WINDOW").center)
    blender.press("Z", ctrl=True)
    blender.until("bpy.context.scene.image_to_3d.source == 'FILE'")
    blender.press("Z", ctrl=True, shift=True)
    blender.until("bpy.context.scene.image_to_3d.image")


def test_it_is_found_in_the_menu_search_and_can_be_stopped(blender, fox):
    side = blender.open_sidebar()
    blender.run("bpy.context.scene.image_to_3d.filepath = path", path=str(fox))
    blender.move(*blender.area("VIEW_3D", "WINDOW").center)
    blender.search("Cut Out Figure")
    blender.until("session.current.cutting.is_busy()")
    blender.run("bpy.ops.image_to_3d.stop_cut_out(); 0")
    assert not blender.run("session.current.cutting.is_busy()")
    assert button(blender, side)
    assert blender.run("len([each for each in bpy.data.images if 'Cutout' in each.name])") == 0
