# SPDX-License-Identifier: GPL-3.0-or-later
"""From a job to its model in real windows: Show, Show Textures, Keep This One, and what a linked scene shows. Services
are stand-ins on this machine."""

import pytest
from gui import jobs
from gui.blender import Box
from gui.screen import HEIGHT, WIDTH
from thorough import thorough

DIALOG = Box(WIDTH // 4, HEIGHT // 4, WIDTH * 3 // 4, HEIGHT * 3 // 4)  # where Blender asks for a confirmation

SELECTED = "[o.name for o in bpy.context.view_layer.objects.selected]"

IS_FRAMED = """
from bpy_extras.view3d_utils import location_3d_to_region_2d
area = next(area for area in bpy.context.window.screen.areas if area.type == "VIEW_3D")
region = next(region for region in area.regions if region.type == "WINDOW")
view = area.spaces.active.region_3d
view.update()
root = bpy.data.objects["Red Star"]
middle = root.matrix_world @ (sum((__import__("mathutils").Vector(corner) for corner in root.bound_box), __import__("mathutils").Vector()) / 8)
point = location_3d_to_region_2d(region, view, middle)
point is not None and abs(point.x / region.width - 0.5) < 0.1 and abs(point.y / region.height - 0.5) < 0.1 and view.view_distance < 20
"""

FAR = """
root = bpy.data.objects["Red Star"]
root.location = (300, 200, 0)
root.name = "Red Star"
for obj in bpy.context.view_layer.objects:
    obj.select_set(obj.name == "Cube")
bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
bpy.ops.ed.undo_push(message="Far")
0
"""


def imported(blender, picture):
    """A job whose model is in the file, far from the middle; the cube is selected."""
    job = jobs.start(blender, picture)
    jobs.until_state(blender, job, "imported")
    blender.run(FAR)
    return job


def undo(blender):
    blender.move(*blender.area("VIEW_3D", "WINDOW").center)
    blender.press("Z", ctrl=True)


@pytest.mark.usefixtures("newest")
def test_show_selects_and_frames_it_and_is_one_step(blender, services, sign_in, star):
    sign_in(services)
    imported(blender, star)
    panel = jobs.open_panel(blender)
    blender.run("bpy.data.objects['Red Star'].users_collection[0].hide_viewport = True\nbpy.ops.ed.undo_push()\n0")
    blender.click_on("Show", panel, number=0)
    blender.until(f"'Red Star' in {SELECTED}", 10)
    assert blender.run(SELECTED) == ["Red Star"]
    assert blender.run("bpy.context.view_layer.objects.active.name") == "Red Star"
    blender.until(IS_FRAMED, 10)
    undo(blender)
    blender.until(f"{SELECTED} == ['Cube']", 10)
    assert blender.run("bpy.data.objects['Red Star'].users_collection[0].hide_viewport")
    undo(blender)
    assert not blender.run("bpy.data.objects['Red Star'].users_collection[0].hide_viewport")


@thorough
@pytest.mark.usefixtures("newest")
def test_show_leaves_edit_mode_and_undo_leads_back_there(blender, services, sign_in, star):
    sign_in(services)
    imported(blender, star)
    panel = jobs.open_panel(blender)
    blender.move(*blender.area("VIEW_3D", "WINDOW").center)
    blender.press("TAB")
    blender.until("bpy.context.mode == 'EDIT_MESH'", 10)
    blender.click_on("Show", panel, number=0)
    blender.until(f"{SELECTED} == ['Red Star'] and bpy.context.mode == 'OBJECT'", 10)
    undo(blender)
    blender.until("bpy.context.mode == 'EDIT_MESH'", 10)
    undo(blender)
    blender.until("bpy.context.mode == 'OBJECT'", 10)
    assert blender.run("len(bpy.data.objects['Cube'].data.polygons)") == 6


@pytest.mark.usefixtures("newest")
def test_show_works_beside_an_image_and_in_local_view(blender, services, sign_in, star):
    sign_in(services)
    imported(blender, star)
    blender.move(*blender.area("VIEW_3D", "WINDOW").center)
    blender.press("SLASH")
    blender.until("bpy.context.space_data.local_view is not None", 10)
    blender.run(
        "area = next(area for area in bpy.context.screen.areas if area.type == 'DOPESHEET_EDITOR')\n"
        "area.type = 'IMAGE_EDITOR'\n0"
    )
    blender.move(*blender.area("IMAGE_EDITOR", "WINDOW").center)
    blender.search("Show Model")
    blender.until(f"{SELECTED} == ['Red Star']", 10)
    blender.until(IS_FRAMED, 10)
    assert blender.run(
        "space = bpy.context.space_data\nnot space.local_view or bpy.data.objects['Red Star'].local_view_get(space)"
    )


@thorough
@pytest.mark.usefixtures("newest")
def test_what_was_deleted_is_offered_to_be_imported_again(blender, services, sign_in, star):
    sign_in(services)
    imported(blender, star)
    panel = jobs.open_panel(blender)
    blender.run("bpy.data.objects.remove(bpy.data.objects['Red Star'])\nbpy.ops.ed.undo_push(message='Deleted')\n0")
    blender.click_on("Show", panel, number=0)
    blender.find("Red Star is no longer in this file", DIALOG)
    blender.find("Import it again?", DIALOG)
    blender.press("ESC")
    assert jobs.models(blender) == []
    blender.click_on("Show", panel, number=0)
    blender.find("Import it again?", DIALOG)
    blender.press("RET")
    blender.until(f"{SELECTED} == ['Red Star']", 10)
    blender.until(IS_FRAMED, 10)
    undo(blender)
    blender.until("'Red Star' not in bpy.data.objects", 10)


def test_textures_are_offered_with_the_first_model_and_switched_by_the_button_only(start_blender, services, star):
    blender = start_blender(**jobs.account(services))
    blender.run("bpy.context.preferences.system.use_online_access = True")
    panel = jobs.open_panel(blender)
    job = jobs.start(blender, star)
    jobs.until_state(blender, job, "imported")
    shading = "bpy.context.space_data.shading.color_type"
    assert blender.run(shading) == "MATERIAL"
    blender.click_on("Show Textures", panel)
    blender.until(f"{shading} == 'TEXTURE'", 10)
    blender.leave()
    assert not blender.sees("Show Textures", panel)


@pytest.mark.usefixtures("newest")
def test_variants_are_started_with_one_press_and_one_is_kept(blender, services, sign_in, star):
    sign_in(services)
    blender.run(
        "chosen = bpy.context.scene.image_to_3d\nchosen.service, chosen.filepath, chosen.variants = 'MESHY', path, 3\n0",
        path=str(star),
    )
    side = blender.open_sidebar()
    blender.double_click(*blender.find("Generate 3 for 90 Credits", side).center)
    blender.until("len(session.jobs()) == 3 and all(str(job.state) == 'imported' for job in session.jobs())", 90)
    assert len(services.creates) == 3
    assert jobs.models(blender) == ["Red Star 1", "Red Star 2", "Red Star 3"]
    data = "[len(getattr(bpy.data, kind)) for kind in ('objects', 'meshes', 'materials', 'images', 'collections')]"
    before = blender.run(data)
    blender.click(side.left + jobs.HEADER_PX, side.top + jobs.HEADER_PX)
    blender.run("bpy.ops.image_to_3d.select_job(job=sorted(job.id for job in session.jobs())[1])")  # unfolds them
    blender.click_on("Keep This One", side)
    blender.until("sum('image_to_3d_job' in o for o in bpy.data.objects) == 1", 10)
    assert len(blender.run("[job.id for job in session.jobs()]")) == 3
    undo(blender)
    blender.until("sum('image_to_3d_job' in o for o in bpy.data.objects) == 3", 10)
    assert blender.run(data) == before


LINKED = """
bpy.context.scene.name = "Linked"
bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
with bpy.data.libraries.load(path, link=True) as (_, wanted):
    wanted.scenes = ["Linked"]
bpy.context.scene.name = "Own"
0
"""


@thorough
def test_a_linked_scene_is_drawn_grey_and_jobs_go_on_elsewhere(blender, services, sign_in, star, tmp_path):
    sign_in(services)
    blender.run(LINKED, path=str(tmp_path / "linked.blend"))
    job = jobs.start(blender, star)
    blender.run("bpy.context.window.scene = next(scene for scene in bpy.data.scenes if scene.library)\n0")
    side = blender.open_sidebar()
    blender.find("The scene is linked from another file", side)
    blender.find("Generate 3D Model", side)
    jobs.until_state(blender, job, "imported")
    blender.find("Red Star is in the scene", blender.status_bar())
    looks = blender.run("session.current.looks")
    blender.until("session.current.looks > looks + 2", 20, looks=looks)
    assert "Traceback" not in blender.output()
    blender.search("Import Result")  # is found grey, or does nothing
    assert jobs.models(blender) == ["Red Star"] and "Traceback" not in blender.output()


TRANSLATED = """
view = bpy.context.preferences.view
view.use_translate_interface = True
words = {("*", "Sky"): "Himmel", ("*", "Local"): "Lokal", ("Operator", "Show"): "Zeigen"}
bpy.app.translations.register("test", {name: words for name in ("en_US", "en_GB", "en", "C", "")})
[bpy.app.translations.locale, bpy.app.translations.pgettext_iface("Sky")]
"""

AS_BEFORE = """
bpy.app.translations.unregister("test")
bpy.context.preferences.view.use_translate_interface = False
0
"""


@thorough
@pytest.mark.usefixtures("newest")
def test_names_are_not_translated(blender, services, sign_in, star, tmp_path):
    sign_in(services)
    picture = tmp_path / "Sky.png"
    picture.write_bytes(star.read_bytes())
    try:
        assert blender.run(TRANSLATED)[1] == "Himmel"
        jobs.until_state(blender, jobs.start(blender, picture), "imported", seconds=60)
        side = blender.open_sidebar()
        blender.leave()
        said = blender.reads(side)
        blender.click(side.left + jobs.HEADER_PX, side.top + jobs.HEADER_PX)
        blender.leave()
        said += blender.reads(side)
        assert "Zeigen" in said, "words are translated"
        assert "Local" in said and said.count("Sky") >= 2, said
        assert "Lokal" not in said and "Himmel" not in said, said
    finally:
        blender.run(AS_BEFORE)
