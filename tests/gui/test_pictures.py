# SPDX-License-Identifier: GPL-3.0-or-later
"""What each state of the interface shows, in words that can be read; and its picture for the manual, where that is
asked for (see `save`).

The states are set up by calls, as they are not what is tested here.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from gui import jobs
from gui.blender import PICTURES_FROM, ROOT, Box
from PIL import Image

only_for_the_manual = pytest.mark.skipif(
    not os.environ.get("IMAGE_TO_3D_PICTURES"),
    reason="other tests see this state; its picture is made when it is asked for",
)

EXAMPLE = ROOT / "docs" / "penguin.png"

MARGIN_PX = 14

SHADED = "bpy.context.space_data.shading.color_type = 'TEXTURE'"

ELSEWHERE = """
chosen = bpy.context.scene.image_to_3d
chosen.source, chosen.url, chosen.image = source, "https://example.org/penguin.png", bpy.data.images.load(path)
"""

PAINTED = """
area = next(area for area in bpy.context.screen.areas if area.type == "IMAGE_EDITOR")
editor = area.spaces.active
editor.ui_mode, editor.show_region_tool_header = "PAINT", True
region = next(region for region in area.regions if region.type == "WINDOW")
with bpy.context.temp_override(area=area, region=region):
    bpy.ops.image.view_all(fit_view=True)
tools = bpy.context.tool_settings.image_paint
tools.brush.blend = "ERASE_ALPHA"
for owner in (tools.brush, tools.unified_paint_settings):
    owner.size, owner.strength = 24, 1
editor.image.name
"""

MONKEYS = """
import math
scene = bpy.context.scene
for obj in list(bpy.data.objects):
    bpy.data.objects.remove(obj)
bpy.ops.mesh.primitive_monkey_add()
bpy.ops.object.shade_smooth()
bpy.context.object.modifiers.new("Smooth", "SUBSURF")
scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
scene.collection.objects.link(scene.camera)
scene.camera.data.type, scene.camera.data.ortho_scale = "ORTHO", 3
scene.render.engine, scene.render.film_transparent = "BLENDER_WORKBENCH", True
scene.render.resolution_x = scene.render.resolution_y = 128
scene.view_settings.view_transform = "Standard"
for number, path in enumerate(paths):
    turned = number * math.pi / 2
    scene.camera.location = 5 * math.sin(turned), -5 * math.cos(turned), 0
    scene.camera.rotation_euler = math.pi / 2, 0, turned
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)
bpy.ops.wm.read_homefile(app_template="")
"""

CLOSER = """
import mathutils
model = next(obj for obj in bpy.data.objects if "image_to_3d_job" in obj)
bpy.context.region_data.view_distance = 6.0
bpy.context.region_data.view_location = model.location + mathutils.Vector((0.9, 0, 0.6))
bpy.context.region_data.view_rotation = mathutils.Euler((1.3, 0, 0.2)).to_quaternion()
"""


@pytest.fixture(autouse=True)
def manuals_blender(blender):
    """The manual shows one Blender; the states themselves are tested in every one (test_way, test_jobs)."""
    if blender.version[:2] < PICTURES_FROM:
        pytest.skip(f"the manual's pictures are of Blender {'.'.join(map(str, PICTURES_FROM))}")


@pytest.fixture
def penguin():
    """The example, at a path that is short and says nothing about this machine, as it is seen in the pictures."""
    path = Path(tempfile.gettempdir()) / EXAMPLE.name
    shutil.copy(EXAMPLE, path)
    yield path
    path.unlink()


@pytest.fixture
def monkeys(blender):
    """Pictures of a monkey from four sides, by view, at paths that are as short."""
    paths = {view: Path(tempfile.gettempdir()) / f"{view}.png" for view in ("front", "right", "back", "left")}
    blender.run(MONKEYS, paths=list(map(str, paths.values())))
    yield paths
    for path in paths.values():
        path.unlink()


@pytest.fixture
def keep(save, blender):
    """Saves a part of the screen; the whole window without a box."""
    return lambda name, box=None: save(name, blender, box)


def set_up(blender, picture, service="LOCAL"):
    """Choose a picture and a service."""
    blender.run(
        "chosen = bpy.context.scene.image_to_3d\nchosen.filepath, chosen.service = path, service",
        path=str(picture),
        service=service,
    )


def shows(blender, box, *texts):
    """Wait until all these texts can be read in a box."""
    for text in texts:
        blender.find(text, box, number=0)


def down_to(blender, side, text):
    """The upper part of the tab, to this text."""
    last = blender.find(text, side, number=0)
    return Box(side.left, side.top, side.right, min(side.bottom, last.bottom + MARGIN_PX))


def with_buttons(blender, panel):
    """The list of jobs with its title, and the selected one down to its buttons."""
    last = blender.find("Use Settings", panel)
    return Box(panel.left, panel.top - jobs.LIST_PX, panel.right, last.bottom + MARGIN_PX)


def wide(box, blender):
    """What is around a dialog in the middle of the 3D View."""
    view = blender.area()
    return Box(max(view.left, box.left - 60), box.top - 90, box.right + 320, box.bottom + 150)


# The upper panel


def test_ready_with_local(blender, keep, penguin):
    set_up(blender, penguin)
    side = blender.open_sidebar()
    blender.leave()
    shows(blender, side, "Image", "Local", "Ready", "Parameters", "Width", "Automatic", "Import", "Generate 3D Model")
    keep("sidebar", down_to(blender, side, "No jobs yet"))


def test_ready_with_meshy(blender, services, sign_in, keep, penguin):
    sign_in(services)
    set_up(blender, penguin, service="MESHY")
    side = blender.open_sidebar()
    blender.leave()
    shows(blender, side, "Ready, 1,000 credits left", "AI Model", "PBR Maps", "Generate for 30 Credits")
    keep("sidebar_meshy", down_to(blender, side, "No jobs yet"))
    blender.click_on("More Parameters", side)
    for _ in range(4):  # the tab is longer than the 3D View is high
        blender.press("WHEELDOWNMOUSE")
    blender.leave()
    shows(blender, side, "Model Type", "Texture Size", "Shape Detail", "Enhance Picture")
    keep("parameters", side)


@only_for_the_manual
@pytest.mark.parametrize("name", ["sidebar_comfyui", "comfyui_lacks"])
def test_comfyui(blender, services, sign_in, keep, penguin, name):
    sign_in(services)
    said = ("Ready: ComfyUI 0.33.0 on",)
    if name == "comfyui_lacks":
        blender.run("bpy.context.scene.image_to_3d.comfyui.workflow = 'MESH'")
        services.comfyui.models = {}
        said = ("ComfyUI lacks", "put it into models/checkpoints", "Get the File")
    set_up(blender, penguin, service="COMFYUI")
    side = blender.open_sidebar()
    blender.leave()
    shows(blender, side, *said, "Workflow", "Generate 3D Model")
    keep(name, down_to(blender, side, "No jobs yet"))


def test_more_views(blender, services, sign_in, keep, monkeys):
    sign_in(services)
    blender.run("bpy.context.scene.image_to_3d.comfyui.workflow = 'VIEWS'")
    set_up(blender, monkeys["front"], service="COMFYUI")
    for view in ("back", "left", "right"):
        path = str(monkeys[view])
        blender.run(f"bpy.context.scene.image_to_3d.comfyui.{view}_image_url = path", path=path)
    side = blender.open_sidebar()
    blender.find("Ready: ComfyUI 0.33.0 on", side)
    blender.click_on("More Views (3)", side)
    blender.leave()
    shows(blender, side, "More Views (3)", "Back", "Left", "Right", "Parameters")
    keep("views", down_to(blender, side, "Parameters"))


def test_a_service_that_has_closed(blender, penguin):
    set_up(blender, penguin, service="CSM")
    side = blender.open_sidebar()
    blender.leave()
    shows(blender, side, "CSM closed in January 2026", "Open Preferences", "Generate 3D Model")


@only_for_the_manual
@pytest.mark.parametrize(("source", "seen"), [("image", "penguin.png"), ("url", "URL")])
def test_picture_from_elsewhere(blender, keep, penguin, source, seen):
    blender.run("bpy.context.preferences.system.use_online_access = True")
    blender.run(ELSEWHERE, source=source.upper(), path=str(penguin))
    side = blender.open_sidebar()
    blender.leave()
    shows(blender, side, seen, "Ready", "Generate 3D Model")
    keep(f"source_{source}", down_to(blender, side, "Parameters"))


@only_for_the_manual
def test_nothing_chosen(blender, keep):
    side = blender.open_sidebar()
    blender.leave()
    shows(blender, side, "Drop a Picture, or Choose...", "Rounds out the silhouette", "Ready")
    keep("source_empty", down_to(blender, side, "Parameters"))


def test_no_key(blender, keep, penguin):
    set_up(blender, penguin, service="MESHY")
    side = blender.open_sidebar()
    blender.leave()
    shows(blender, side, "Meshy needs an API key", "Enter API Key", "Generate for 30 Credits")
    keep("no_key", down_to(blender, side, "No jobs yet"))


def test_offline(blender, keep, penguin):
    blender.run("import os; os.environ['MESHY_API_KEY'] = 'msy_of_no_use'")
    set_up(blender, penguin, service="MESHY")
    side = blender.open_sidebar()
    blender.leave()
    shows(blender, side, "Online access is off", "Allow Online Access", "Generate for 30 Credits")
    keep("offline", down_to(blender, side, "No jobs yet"))


def test_reason_why_the_button_is_off(blender, keep):
    side = blender.open_sidebar()
    blender.leave()
    shows(blender, side, "Generate 3D Model", "Choose a picture first")
    keep("disabled_reason", down_to(blender, side, "No jobs yet"))


def test_import_settings(blender, keep, penguin):
    set_up(blender, penguin)
    blender.run("bpy.context.scene.image_to_3d.use_size = True")
    side = blender.open_sidebar()
    blender.click_on("Import", side)
    blender.leave()
    shows(blender, side, "Location", "3D Cursor", "Size", "Collection", "Scene")
    keep("import", down_to(blender, side, "Generate 3D Model"))


def test_presets(blender, keep, penguin):
    set_up(blender, penguin)
    side = blender.open_sidebar()
    blender.click(side.right - 22, blender.find("Parameters", side).center[1])
    shows(blender, blender.around(), "New Preset")
    keep("presets", down_to(blender, side, "No jobs yet")._replace(right=side.right + 120))
    blender.press("ESC")


# Cut Out


@pytest.fixture
def before_a_wall(penguin):
    """The example before a wall that darkens to the right."""
    with Image.open(penguin) as alone:
        figure = alone.convert("RGBA")
    shade = Image.linear_gradient("L").rotate(90).resize(figure.size).point(lambda value: 215 - value // 8)
    wall = Image.merge("RGB", (shade, shade.point(lambda value: value + 12), shade.point(lambda value: value + 20)))
    wall.paste(figure, mask=figure)
    wall.save(penguin)
    return penguin


def cut_out(blender, picture):
    """Have the figure of a picture cut out, and wait for it."""
    set_up(blender, picture)
    blender.run("bpy.ops.image_to_3d.cut_out(); 0")
    blender.until("bpy.context.scene.image_to_3d.image", 60)


@only_for_the_manual
def test_a_figure_that_was_cut_out(blender, keep, before_a_wall):
    cut_out(blender, before_a_wall)
    side = blender.open_sidebar()
    blender.leave()
    shows(blender, side, "penguin Cutout", "Cut Out", "Ready")
    keep("cut_out", down_to(blender, side, "Parameters"))


@only_for_the_manual
def test_a_figure_that_is_painted_right(blender, keep, before_a_wall):
    blender.run("bpy.context.area.type = 'IMAGE_EDITOR'; 0")
    cut_out(blender, before_a_wall)
    assert blender.run(PAINTED) == "penguin Cutout"
    editor = blender.area("IMAGE_EDITOR", "WINDOW")
    shows(blender, blender.area("IMAGE_EDITOR"), "penguin Cutout", "Erase Alpha")
    x, y = editor.center
    blender.drag((x - 150, y - 110), (x + 60, y - 160))
    blender.settle()
    keep("cut_out_paint", blender.area("IMAGE_EDITOR"))


# A job


@only_for_the_manual
@pytest.mark.parametrize("name", ["jobs_running", "jobs_ready", "jobs_imported", "jobs_failed", "jobs_cancelled"])
def test_job(blender, slow_services, sign_in, keep, penguin, name):
    sign_in(slow_services)
    job = jobs.start(blender, penguin)
    jobs.until_task(blender, job)
    (create,) = slow_services.creates
    if name == "jobs_running":
        slow_services.set_progress(create.id, 40)
        words = ("penguin", "Cancel", "Use Settings")
    elif name == "jobs_failed":
        slow_services.fail(create.id, "No object was found in the picture")
        jobs.until_state(blender, job, "failed")
        blender.find("No object was found", blender.status_bar())
        blender.press("ESC")  # the report is beside the mouse, too
        words = ("No object was found", "Retry", "Use Settings")
    elif name == "jobs_cancelled":
        blender.run("bpy.ops.image_to_3d.cancel(job=job)", job=job)
        blender.until("(shown := session.job(job)).state == 'cancelled' and not shown.untold", job=job)
        words = ("which is paid for", "Use Settings")
    elif name == "jobs_imported":
        slow_services.finish(create.id)
        jobs.until_state(blender, job, "imported")
        jobs.until_drawn(blender)
        words = ("Import Again", "Use Settings")
    else:
        blender.run("bpy.ops.wm.read_homefile(app_template='')")
        slow_services.finish(create.id)
        jobs.until_state(blender, job, "ready")
        jobs.until_drawn(blender)
        words = ("Import", "Use Settings")
    panel = jobs.open_panel(blender)
    blender.leave()
    shows(blender, panel, *words)
    keep(name, with_buttons(blender, panel))


@only_for_the_manual
def test_job_that_waits_for_its_turn(blender, slow_services, sign_in, keep, penguin):
    sign_in(slow_services)
    blender.run("bpy.context.preferences.addons[EXTENSION].preferences.jobs_at_once = 1")
    jobs.until_task(blender, jobs.start(blender, penguin))
    jobs.start(blender, penguin, "LOCAL")
    panel = jobs.open_panel(blender)
    blender.leave()
    shows(blender, panel, "Waiting", "Cancel", "Use Settings")
    keep("jobs_waiting", with_buttons(blender, panel))


@only_for_the_manual
def test_unconfirmed_job_and_its_dialogs(blender, services, sign_in, keep, penguin, hurry):
    services.play("create", "drop_after")
    services.quirk("meshy", no_list=True)
    sign_in(services)
    job = jobs.start(blender, penguin)
    jobs.until_state(blender, job, "unconfirmed")
    panel = jobs.open_panel(blender)
    blender.leave()
    shows(blender, panel, "Look Again", "Adopt Task", "Send Again", "Forget Task", "Use Settings")
    keep("jobs_unconfirmed", with_buttons(blender, panel))
    dialogs = (("Adopt Task...", "adopt", "Task ID"), ("Send Again...", "send_again", "If the service did make a task"))
    for button, name, words in dialogs:
        blender.click_on(button, panel)
        box = blender.area()
        text = blender.find(words, box)
        shows(blender, box, "Cancel")
        keep(name, Box(text.left - 100, text.top - 100, text.right + 320, text.bottom + 100))
        blender.click_on("Cancel", box)
        blender.leave()


@only_for_the_manual
def test_search_in_many_jobs(blender, services, sign_in, keep, penguin):
    sign_in(services)
    job = jobs.start(blender, penguin)
    blender.until("any('image_to_3d_job' in obj for obj in bpy.data.objects)")
    jobs.copy(blender, job, 30)
    blender.until("len(session.jobs()) == 31", 30)
    panel = jobs.open_panel(blender)
    blender.click(*jobs.search_field(panel))
    blender.type("lantern 1")
    blender.press("RET")
    blender.leave()
    shows(blender, jobs.list_of(panel), "Lantern 1")
    keep("jobs_search", with_buttons(blender, panel))


@only_for_the_manual
@pytest.mark.parametrize("name", ["variants", "jobs_unfolded"])
def test_variants(blender, services, sign_in, keep, penguin, name):
    sign_in(services)
    blender.run("bpy.context.scene.image_to_3d.variants = 4")
    jobs.start(blender, penguin)
    blender.until("sum('image_to_3d_job' in obj for obj in bpy.data.objects) == 4", 60)
    jobs.until_drawn(blender)
    blender.run("bpy.context.scene.image_to_3d.variants = 1")
    panel = jobs.open_panel(blender)
    row = blender.find("penguin, 4 variants", panel, number=0)
    blender.click(*row.center)
    blender.leave()
    if name == "variants":
        shows(blender, panel, "penguin 4", "Use Settings")
        keep(name, with_buttons(blender, panel))
        return
    blender.run("bpy.context.window_manager.image_to_3d.items[0].is_unfolded = True")
    shows(blender, panel, "penguin 3")
    keep(name, with_buttons(blender, panel._replace(bottom=panel.bottom + 100)))


@only_for_the_manual
def test_large_thumbnails(blender, services, sign_in, keep, penguin):
    sign_in(services)
    for count in (1, 2):
        jobs.start(blender, penguin)
        blender.until("sum('image_to_3d_job' in obj for obj in bpy.data.objects) == count", 60, count=count)
    jobs.until_drawn(blender)
    blender.run("bpy.context.window_manager.image_to_3d.large = True")
    panel = jobs.open_panel(blender)
    blender.leave()
    shows(blender, panel, "penguin")
    keep("jobs_large", Box(panel.left, panel.top - jobs.LIST_PX, panel.right, panel.top + 260))


# Whole windows


@only_for_the_manual
def test_running_in_the_window(blender, slow_services, sign_in, keep, penguin):
    sign_in(slow_services)
    set_up(blender, penguin, service="MESHY")
    blender.open_sidebar()
    job = jobs.start(blender, penguin)
    jobs.until_task(blender, job)
    slow_services.set_progress(slow_services.creates[0].id, 40)
    blender.leave()
    blender.until("session.jobs()[0].progress > 0.2")
    blender.find("penguin: 30%", blender.status_bar())
    keep("running")


@only_for_the_manual
def test_model_has_arrived(blender, keep, penguin):
    set_up(blender, penguin)
    blender.run("bpy.context.scene.image_to_3d.local.texture_model = 'BAKED'")
    blender.run(SHADED)
    side = blender.open_sidebar()
    blender.click_on("Generate 3D Model", side)
    blender.until("any('image_to_3d_job' in obj for obj in bpy.data.objects)", 120)
    jobs.until_drawn(blender)
    blender.run(CLOSER)
    blender.leave()
    shows(blender, side, "penguin", "Local")
    keep("arrived")


# Elsewhere


def test_drop_menu(blender, keep, penguin):
    blender.run(
        "bpy.ops.wm.drop_import_file('INVOKE_DEFAULT', directory=folder, files=[{'name': name}]); 0",
        folder=f"{penguin.parent}/",
        name=penguin.name,
    )
    box = blender.find("Image to 3D", blender.around())
    shows(blender, blender.around(), "Add Empty Image/Drop Image to Empty")
    keep("drop", wide(box, blender))
    blender.press("ESC")


@only_for_the_manual
def test_add_menu(blender, keep):
    view = blender.area()
    blender.click_on("Add", blender.area("VIEW_3D", "HEADER"))
    box = blender.find("Image to 3D...", view)
    shows(blender, view, "Mesh", "Image to 3D...")
    keep("add_menu", Box(box.left - 60, view.top, box.right + 140, box.bottom + 2 * MARGIN_PX))
    blender.press("ESC")


@only_for_the_manual
def test_image_editor(blender, services, sign_in, keep, penguin):
    sign_in(services)
    set_up(blender, penguin, service="MESHY")
    blender.run(
        "image = bpy.data.images.load(path)\nbpy.context.area.type = 'IMAGE_EDITOR'\n"
        "next(a for a in bpy.context.screen.areas if a.type == 'IMAGE_EDITOR').spaces.active.image = image",
        path=str(penguin),
    )
    side = blender.open_sidebar("IMAGE_EDITOR")
    blender.move(*blender.area("IMAGE_EDITOR", "WINDOW").center)
    shows(blender, side, "penguin.png", "Ready, 1,000 credits left", "Generate for 30 Credits")
    keep("image_editor", blender.area("IMAGE_EDITOR"))


NARROW_PX = 240

EDGES_PX = (-3, 6, -2, -4, 5, 4, 3, -5, 2, 7, 1, 0, -1, -6, 8)
"""Where from a sidebar's left edge it can be caught: that depends on the Blender."""


@pytest.fixture
def narrow_side(blender, penguin):
    """The box of the tab, with a picture, in a sidebar as narrow as people have it. Blender keeps the width over File >
    New: it is given back."""
    set_up(blender, penguin)
    side = blender.open_sidebar()
    before = width(blender)
    for edge in EDGES_PX:
        drag_edge(blender, edge, NARROW_PX)
        if width(blender) <= NARROW_PX:
            break
    assert width(blender) == pytest.approx(NARROW_PX, abs=2)
    blender.leave()
    yield side._replace(left=blender.area(region="UI").left)
    drag_edge(blender, edge, before)
    assert width(blender) == pytest.approx(before, abs=2)


def width(blender):
    """How wide the sidebar is, in pixels."""
    box = blender.area(region="UI")
    return box.right - box.left


def drag_edge(blender, edge, wanted):
    """Drag the sidebar's left edge, caught at `edge` pixels from it, to where it is as wide as `wanted`."""
    left, row = blender.area(region="UI").left, blender.area(region="UI").center[1]
    blender.leave()
    blender.drag((left + edge, row), (left + edge + width(blender) - wanted, row))


@only_for_the_manual
def test_narrow_sidebar(blender, keep, narrow_side):
    shows(
        blender,
        narrow_side,
        "Image",
        "URL",
        "Cut Out",
        "Meshy",
        "Ready",
        "Parameters",
        "Width",
        "Topology",
        "Import",
        "Generate 3D Model",
    )
    shows(blender, narrow_side, "No jobs yet")
    keep("narrow", down_to(blender, narrow_side, "No jobs yet"))


def test_preferences(blender, keep):
    blender.run("bpy.context.preferences.addons[EXTENSION].preferences.meshy_key = 'msy_0123456789'")
    blender.run("bpy.ops.image_to_3d.show_preferences()")
    window = blender.area("PREFERENCES")
    blender.move(*window.center)
    shows(blender, window, "API Key", "Address", "Check", "Get a Key")
    above = blender.find("Preferences", window, number=0)  # what is above it says where the test's files are
    keep("preferences", Box(above.left - MARGIN_PX, above.top - MARGIN_PX, window.right, window.bottom))
    for _ in range(30):  # down to the end
        blender.press("WHEELDOWNMOUSE")
    shows(blender, window, "Certificates", "Jobs at Once", "Time Limit in Minutes", "Model Memory in GB")
    shows(blender, window, "Model Time in Minutes", "Picture Size Limit", "Open Folder")
    network, results = blender.find("Network", window), blender.find("Results", window)
    keep(
        "preferences_limits",
        Box(above.left - MARGIN_PX, network.top - MARGIN_PX, window.right, results.top - MARGIN_PX),
    )
