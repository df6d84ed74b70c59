# SPDX-License-Identifier: GPL-3.0-or-later
"""The results in Blender's Asset Browser, as people find them there: with mouse, keyboard and eyes."""

import time

import numpy as np
import pytest
from gui import jobs
from gui.blender import Box
from thorough import thorough

PREVIEW_S = 40  # Blender loads previews beside its events, and other suites may take the cores
PREVIEW_PX = 60  # from the name of an asset up to its picture
ARROW_PX = 14  # from the name of a catalog back to the arrow that unfolds it
DIALOG_PX = (330, 140)  # around the mouse, what a question needs

# The lower half of the 3D View becomes an Asset Browser.
OPEN_BROWSER = """
view = next(area for area in bpy.context.screen.areas if area.type == "VIEW_3D")
with bpy.context.temp_override(area=view, region=next(region for region in view.regions if region.type == "WINDOW")):
    bpy.ops.screen.area_split(direction="HORIZONTAL", factor=0.5)
min((area for area in bpy.context.screen.areas if area.type == "VIEW_3D"), key=lambda area: area.y).ui_type = "ASSETS"
"""

LIBRARIES = "[library.name for library in bpy.context.preferences.filepaths.asset_libraries]"

FORGET_LIBRARIES = """
libraries = bpy.context.preferences.filepaths.asset_libraries
for library in list(libraries):
    if library.name.startswith("Image to 3D"):
        libraries.remove(library)
"""

LINKING = """
browser = next(area for area in bpy.context.screen.areas if area.ui_type == "ASSETS")
browser.spaces.active.params.import_method = "LINK"
"""

UNSAVED = """
browser = next(area for area in bpy.context.screen.areas if area.ui_type == "ASSETS")
region = next(region for region in browser.regions if region.type == "WINDOW")
with bpy.context.temp_override(area=browser, region=region):
    can_save = bpy.ops.asset.catalogs_save.poll()
can_save
"""

# Of each object that came: whether it and its data are the file's own, and by socket the sizes of its packed images.
CAME = """
found = {}
for obj in bpy.data.objects:
    if obj.type != "MESH" or not obj.name.startswith("Red Star"):
        continue
    nodes = obj.material_slots[0].material.node_tree.nodes
    images = {node.image.name: [*node.image.size] for node in nodes if node.type == "TEX_IMAGE" and node.image.packed_file}
    found[obj.name] = [obj.library is None and obj.data.library is None, images]
found
"""


@pytest.fixture
def browser(blender, star):
    """A file without models beside an Asset Browser that shows the results: one, made with all its maps. Gives the box
    of the assets, and the id of the job."""
    blender.run(
        "local = bpy.context.scene.image_to_3d.local; local.resolution = 'LOW_POLY'; local.texture_model = 'PBR'"
    )
    job = jobs.start(blender, star, "LOCAL")
    jobs.until_state(blender, job, "imported", seconds=60)
    jobs.until_drawn(blender)  # an Asset Browser that has read an asset without its picture does not look for it again
    blender.run("bpy.ops.wm.read_homefile(app_template='')")
    blender.leave()
    blender.search("Add to Asset Browser")
    blender.until(f"'Image to 3D' in {LIBRARIES}")
    blender.run(OPEN_BROWSER)
    blender.click_on("All Libraries", blender.area("FILE_BROWSER"))
    blender.click_on("Image to 3D", blender.around())
    blender.leave()
    yield blender.area("FILE_BROWSER", "WINDOW"), job
    blender.run(FORGET_LIBRARIES)


def drag_out(blender, name, assets, to):
    """Drag an asset by its picture to a point."""
    label = blender.find(name, assets)
    blender.drag((label.center[0], label.top - PREVIEW_PX), to)
    blender.settle()


def is_red(picture, box):
    """Whether a part of the screen shows the star."""
    red, green, blue = np.moveaxis(np.asarray(picture.crop(box)), 2, 0)
    return ((red > 120) & (green < 70) & (blue < 70)).sum() > 100


def free_floor(blender):
    """A point of the 3D View with nothing but the floor."""
    view = blender.area("VIEW_3D", "WINDOW")
    return view.left + 300, view.bottom - 120


def test_a_model_is_dragged_out_of_the_asset_browser_with_its_material(blender, browser, save):
    assets, _ = browser
    end = time.monotonic() + PREVIEW_S
    while not is_red(blender.picture(), assets):
        assert time.monotonic() < end, "the asset's preview does not show the model"
    drag_out(blender, "Red Star", assets, free_floor(blender))
    came = blender.until(CAME)
    assert list(came) == ["Red Star"]
    is_own, images = came["Red Star"]
    assert is_own and len(images) == 3 and all(min(size) > 0 for size in images.values())
    assert not blender.run("[c.name for c in bpy.data.collections if c.asset_data]")
    blender.run("bpy.context.space_data.shading.color_type = 'TEXTURE'")
    picture = blender.picture()
    view = blender.area("VIEW_3D", "WINDOW")
    assert is_red(picture, view), "the model's texture is not to be seen"
    save("asset_browser", blender, Box(0, view.top, assets.right, assets.bottom))


@pytest.mark.usefixtures("newest")
def test_the_catalogs_have_the_services_names(blender, browser):
    tree = blender.area("FILE_BROWSER", "TOOLS")
    above = blender.find("Image to 3D", tree, number=1)  # the first is the library's name
    blender.click(above.left - ARROW_PX, above.center[1])
    blender.leave()
    blender.find("Meshy", tree)
    assert not blender.run(UNSAVED), "Blender has made catalogs beside ours"
    blender.click_on("CSM", tree)
    blender.leave()
    assert not blender.sees("Red Star", browser[0])
    blender.click_on("Local", tree)
    blender.leave()
    blender.find("Red Star", browser[0])


@thorough
@pytest.mark.usefixtures("newest")
def test_a_removed_job_is_no_asset_any_more(blender, browser):
    assets, job = browser
    blender.find("Red Star", assets)
    blender.run("bpy.ops.image_to_3d.remove('INVOKE_DEFAULT', job=job)", job=job)
    blender.until("not session.jobs()")
    gone(blender, "Red Star", assets)


def gone(blender, text, box, seconds=40):
    """Wait until a text is no longer on the screen."""
    end = time.monotonic() + seconds
    while blender.sees(text, box):
        assert time.monotonic() < end, f"{text} is still there"


@pytest.mark.usefixtures("newest")
def test_removing_a_linked_model_asks_first(blender, browser):
    assets, job = browser
    blender.run(LINKING)
    drag_out(blender, "Red Star", assets, free_floor(blender))
    came = blender.until(CAME)
    assert came["Red Star"][0] is False and len(came["Red Star"][1]) == 3
    blender.leave()
    blender.run("bpy.ops.image_to_3d.remove('INVOKE_DEFAULT', job=job)", job=job)
    blender.find("The open file links to its model, and would lose it", blender.around())
    blender.press("ESC")
    assert jobs.state(blender, job) == "imported"


@pytest.mark.usefixtures("newest")
def test_the_button_in_the_preferences(blender, request):
    request.addfinalizer(lambda: blender.run(FORGET_LIBRARIES))
    blender.run("session.tick()")
    blender.run("bpy.ops.image_to_3d.show_preferences()")
    window = blender.area("PREFERENCES")
    blender.move(*window.center)
    for _ in range(30):  # down to the end
        blender.press("WHEELDOWNMOUSE")
    blender.click_on("Add to Asset Browser", window)
    blender.until(f"{LIBRARIES}.count('Image to 3D') == 1")
    blender.click_on("Add to Asset Browser", window)
    blender.settle()
    assert len([name for name in blender.run(LIBRARIES) if name.startswith("Image to 3D")]) == 1
