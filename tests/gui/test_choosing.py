# SPDX-License-Identifier: GPL-3.0-or-later
"""How people come to a picture, and see which one it is: the file browser, a drop on the tab, recent pictures, and the
preview, which follows what is painted, reloaded or replaced."""

import shutil
import time

import numpy as np
import pytest
from drawing import png
from gui.jobs import until_state
from thorough import thorough

SEEN_S = 20
LOOK_S = 0.2

RECENT_PX = 22  # from the right edge of what the tab shows to the button of the recent pictures

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)

DROP_ON_TAB = """
region = next(region for region in bpy.context.area.regions if region.type == "UI")
with bpy.context.temp_override(region=region):
    bpy.ops.wm.drop_import_file("INVOKE_DEFAULT", directory=folder, files=[{"name": name}])
0
"""

BESIDE = """
area = next(area for area in bpy.context.screen.areas if area.type == "DOPESHEET_EDITOR")
area.type = "IMAGE_EDITOR"
area.spaces.active.image = bpy.data.images[name]
area.spaces.active.ui_mode = "PAINT"
0
"""

BIG_RED_BRUSH = """
tools = bpy.context.tool_settings
shared = getattr(tools.image_paint, "unified_paint_settings", None) or tools.unified_paint_settings  # 5.2, 4.3
for owner in filter(None, (tools.image_paint.brush, shared)):
    owner.color, owner.size = (1, 0, 0), 300
bool(tools.image_paint.brush)
"""


def block(path, color, size=64):
    """Write a picture of one color."""
    pixels = np.full((size, size, 4), 255, np.uint8)
    pixels[..., :3] = color
    path.write_bytes(png(pixels))


def until_seen(blender, color, within):
    """Wait until there is much of a color in a box of the screen."""
    end = time.monotonic() + SEEN_S
    while True:
        pixels = np.asarray(blender.picture().crop(within), int)
        if (np.abs(pixels - color).max(axis=-1) < 10).sum() > 1000:
            return
        assert time.monotonic() < end, f"{color} is not seen after {SEEN_S} s"
        time.sleep(LOOK_S)


def chosen(blender):
    return blender.run("[bpy.context.scene.image_to_3d.source, bpy.context.scene.image_to_3d.filepath]")


@pytest.fixture
def pictures(star, tmp_path):
    """A folder with two pictures, a text, and a .blend that is open."""
    (tmp_path / "Notes.txt").write_text("None")
    return [shutil.copy(star, tmp_path / f"{name} Star.png") for name in ("Left", "Right")]


@pytest.mark.usefixtures("newest")
def test_file_is_chosen_in_the_browser(blender, pictures):
    folder = pictures[0].parent
    blender.run("bpy.context.preferences.view.filebrowser_display_type = 'SCREEN'")
    blender.run("bpy.ops.wm.save_as_mainfile(filepath=path); 0", path=str(folder / "Scene.blend"))
    side = blender.open_sidebar()
    blender.click_on("Drop a Picture, or Choose", side)
    browser = blender.area("FILE_BROWSER", "WINDOW")
    blender.find("Left Star.png", browser)
    assert not blender.sees("Notes.txt", browser)
    assert not blender.sees("Scene.blend", browser)
    shown = "next(a for a in bpy.context.screen.areas if a.type == 'FILE_BROWSER').spaces.active.params.display_type"
    assert blender.run(shown) == "THUMBNAIL"
    blender.click_on("Right Star.png", browser)
    blender.click_on("Choose Picture", blender.area("FILE_BROWSER", "EXECUTE"))
    blender.until("bpy.context.scene.image_to_3d.filepath")
    blender.run("bpy.context.preferences.view.property_unset('filebrowser_display_type')")
    assert chosen(blender) == ["FILE", str(pictures[1])]
    assert blender.run("len(session.jobs())") == 0


@pytest.mark.usefixtures("newest")
def test_picture_dropped_on_the_tab_is_chosen(blender, star):
    side = blender.open_sidebar()
    blender.move(*side.center)
    blender.run(DROP_ON_TAB, folder=f"{star.parent}/", name=star.name)
    blender.settle()
    blender.click_on("Choose Picture", blender.around())
    blender.until("bpy.context.scene.image_to_3d.filepath")
    assert chosen(blender) == ["FILE", str(star)]
    assert blender.run("len(session.jobs())") == 0
    blender.press("Z", ctrl=True)
    assert chosen(blender)[1] == ""


@thorough
@pytest.mark.usefixtures("newest")
def test_browser_opens_where_the_last_picture_was(blender, star):
    blender.run("bpy.context.scene.image_to_3d.local.resolution = 'LOW_POLY'")
    side = blender.open_sidebar()
    blender.run("bpy.ops.image_to_3d.generate(filepath=path); 0", path=str(star))
    until_state(blender, blender.run("session.jobs()[0].id"), "imported", seconds=60)
    blender.run("bpy.context.preferences.view.filebrowser_display_type = 'SCREEN'")
    try:
        blender.click_on("Drop a Picture, or Choose", side)
        blender.find(star.name, blender.area("FILE_BROWSER", "WINDOW"))
        blender.press("ESC")
    finally:
        blender.run("bpy.context.preferences.view.property_unset('filebrowser_display_type')")


@thorough
@pytest.mark.usefixtures("newest")
def test_recent_picture_is_chosen_again(blender, pictures):
    blender.run("bpy.context.scene.image_to_3d.local.resolution = 'LOW_POLY'")
    side = blender.open_sidebar()
    for path in pictures:
        blender.run("bpy.ops.image_to_3d.generate(filepath=path); 0", path=str(path))
    for number in range(2):
        until_state(blender, blender.run("session.jobs()[number].id", number=number), "imported", seconds=60)
    blender.find("usually", side)
    blender.click(side.right - RECENT_PX, blender.find("File", side, number=1).center[1])
    blender.click_on("Left Star.png", blender.around())
    assert chosen(blender) == ["FILE", str(pictures[0])]


@pytest.mark.usefixtures("newest")
def test_preview_follows_a_file_that_is_replaced(blender, tmp_path):
    picture = tmp_path / "block.png"
    block(picture, RED)
    side = blender.open_sidebar()
    blender.enter(str(picture), "File", side, number=1)
    blender.leave()
    until_seen(blender, RED, side)
    block(picture, GREEN)
    until_seen(blender, GREEN, side)


@pytest.mark.usefixtures("newest")
def test_preview_follows_an_image_that_is_reloaded_and_painted(blender, tmp_path):
    picture = tmp_path / "block.png"
    block(picture, BLUE, 512)
    blender.run("bpy.data.images.load(path)\nbpy.context.scene.image_to_3d.source = 'IMAGE'", path=str(picture))
    blender.run("bpy.context.scene.image_to_3d.image = bpy.data.images['block.png']")
    side = blender.open_sidebar()
    blender.leave()
    until_seen(blender, BLUE, side)
    blender.run(BESIDE, name="block.png")
    beside = blender.area("IMAGE_EDITOR", "WINDOW")
    block(picture, GREEN, 512)
    blender.move(*beside.center)
    blender.press("R", alt=True)
    until_seen(blender, GREEN, side)
    if not blender.run(BIG_RED_BRUSH):
        pytest.skip("this Blender comes without brushes")
    x, y = beside.center
    blender.drag((x - 30, y), (x + 30, y))
    until_seen(blender, RED, side)
