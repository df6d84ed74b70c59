# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways from a picture to a model, as people go them: with mouse and keyboard, in real windows. Starts no job by a
call of ours, but where a call is what the user makes."""

import hashlib
import io
import shutil

import pytest
from gui import eyes, screen
from gui.jobs import created
from PIL import Image
from service.stand_in import StandIn
from thorough import thorough

ARRIVES_S = 60

CHECKBOX_PX = 22  # from the end of a label to the middle of the box beside it
PLUS_PX = 92  # from the button of a popover with presets to the right, where one is added
AFTER_CHECKBOX_PX = 90  # ... and into the field after that box

PAINTED = """
import numpy as np
image = bpy.data.images.new("Painted", 64, 48, alpha=True)
pixels = np.zeros((48, 64, 4), np.float32)
pixels[..., 3] = 1
pixels[10:30, 10:40] = (1, 0.5, 0, 1)
image.pixels.foreach_set(pixels.ravel())
image.update()
bpy.context.area.type = "IMAGE_EDITOR"
next(area for area in bpy.context.screen.areas if area.type == "IMAGE_EDITOR").spaces.active.image = image
"""

RENDERED = """
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y = 64, 48
bpy.ops.render.render()
bpy.data.images["Render Result"].save_render(path)
bpy.context.area.type = "IMAGE_EDITOR"
editor = next(area for area in bpy.context.screen.areas if area.type == "IMAGE_EDITOR")
editor.spaces.active.image = bpy.data.images["Render Result"]
"""

WIRED = """
material = bpy.data.objects[name].material_slots[0].material
node = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
[[link.from_node.type for link in node.inputs["Base Color"].links], any(link.to_socket.name == "Surface" for link in node.outputs[0].links)]
"""

LONGEST_SIDE = """
bpy.context.view_layer.update()
max(bpy.data.objects[name].dimensions)
"""

LABELS = """
unlisted = ("watch", "choose_candidate", "choose_image")  # which nobody calls by name
names = [name for name in dir(bpy.ops.image_to_3d) if not name.endswith("_preset_add") and name not in unlisted]
[getattr(bpy.ops.image_to_3d, name).get_rna_type().name for name in names]
"""


@pytest.fixture
def in_window(blender):
    """File browsers open in Blender's window instead of one of their own."""
    blender.run("bpy.context.preferences.view.filebrowser_display_type = 'SCREEN'")
    yield
    blender.run("bpy.context.preferences.view.property_unset('filebrowser_display_type')")


def settings(blender, name):
    """A setting as it is now; `name` may have dots."""
    return blender.run(
        f"value = bpy.context.scene.image_to_3d.{name}\n[*value] if hasattr(value, '__len__') and type(value) "
        "is not str else value"
    )


def few_faces(blender):
    """Have Local make small models, which are made soon."""
    blender.run("bpy.context.scene.image_to_3d.local.resolution = 'LOW_POLY'")


def jobs(blender):
    """How many jobs there are, once all of them are known."""
    return blender.run("len(session.jobs())")


class Keeper(StandIn):
    """A stand-in that keeps the pictures which models were made of."""

    def __init__(self, **options):
        super().__init__(**options)
        self.pictures = []

    def _start(self, task, picture):
        self.pictures.append(Image.open(io.BytesIO(picture)).convert("RGB"))
        super()._start(task, picture)


@pytest.fixture
def keeper(cube):
    """CSM and Meshy on loopback, which keep the pictures that they get."""
    with Keeper(model=cube) as made:
        yield made


# In the sidebar


def test_whole_way_by_mouse_and_keyboard(blender, slow_services, sign_in, star):
    sign_in(slow_services)
    side = blender.open_sidebar()
    view = blender.area()
    # The model is to stand at the cursor.
    blender.click(view.left + 300, view.bottom - 150, button="RIGHTMOUSE", shift=True)
    cursor = blender.run("[*bpy.context.scene.cursor.location]")
    assert any(cursor)
    blender.enter(str(star), "File", side, number=1)  # the first is the source's value
    blender.click_on("Meshy", side)
    blender.leave()
    blender.find("Ready, 1,000 credits left", side)
    blender.click_on("Remesh", side)
    blender.enter("12345", "Faces", side)
    blender.leave()
    blender.click_on("Generate for 30 Credits", side)
    (create,) = created(slow_services)
    assert create.parameters["image_url"].sha256 == hashlib.sha256(star.read_bytes()).hexdigest()
    assert {name: value for name, value in create.parameters.items() if name != "image_url"} == {
        "enable_pbr": True,
        "should_remesh": True,
        "target_polycount": 12345,
        "target_formats": ["glb"],
    }
    # Meanwhile one goes on working.
    x, y = view.left + 400, view.center[1]
    before = blender.run("[*bpy.context.region_data.view_rotation]")
    blender.drag((x, y), (x + 120, y + 40), button="MIDDLEMOUSE")
    assert blender.run("[*bpy.context.region_data.view_rotation]") != before
    for key in ("TAB", "A", "E", "RET"):
        blender.press(key)
    extruded = "bpy.context.object.update_from_editmode()\nlen(bpy.context.object.data.vertices)"
    assert blender.run(extruded) == 16
    slow_services.finish(create.id)
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)
    blender.find("Red Star is in the scene", blender.status_bar())
    assert blender.run("bpy.context.mode") == "EDIT_MESH"
    assert blender.run(extruded) == 16
    assert blender.run("bpy.context.object.name") == "Cube"
    assert blender.run("[*bpy.data.objects['Red Star'].location]") == pytest.approx(cursor)
    assert blender.run(WIRED, name="Red Star") == [["TEX_IMAGE"], True]
    assert len(slow_services.creates) == 1
    blender.find("Ready, 970 credits left", side)


def test_double_click_makes_one_job(blender, services, sign_in, star):
    sign_in(services)
    side = blender.open_sidebar()
    blender.click_on("Meshy", side)
    blender.enter(str(star), "File", side, number=1)
    blender.leave()
    blender.double_click(*blender.find("Generate for 30 Credits", side).center)
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)
    assert jobs(blender) == 1
    assert len(services.creates) == 1


@thorough
@pytest.mark.usefixtures("newest")
def test_settings_of_a_job_and_its_task_id_again(blender, services, sign_in, star):
    sign_in(services)
    side = blender.open_sidebar()
    blender.click_on("Meshy", side)
    blender.enter(str(star), "File", side, number=1)
    blender.enter("of old copper", "Texture Prompt", side)
    blender.leave()
    blender.click_on("Generate for 30 Credits", side)
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)
    blender.click_on("Reset Parameters", blender.around()) if blender.sees(
        "Reset Parameters", blender.around()
    ) else None
    blender.click_on("Local", side)
    blender.run("bpy.context.scene.image_to_3d.meshy.texture_prompt = ''")
    blender.move(*side.center)
    for _ in range(6):  # down to the job's buttons
        blender.press("WHEELDOWNMOUSE")
    blender.click_on("Use Settings", side)
    blender.leave()
    assert settings(blender, "service") == "MESHY"
    assert settings(blender, "meshy.texture_prompt") == "of old copper"
    blender.search("Copy Task ID")
    blender.until("bpy.context.window_manager.clipboard == task_id", task_id=services.creates[0].id)
    blender.find("Copied", blender.status_bar())  # an id is hard to read


# Parameters


@pytest.mark.usefixtures("newest")
def test_length_by_mouse(blender):
    side = blender.open_sidebar()
    blender.click_on("Automatic", side, number=1)  # of width, height and depth
    blender.enter("2.5", "Height", side)
    assert settings(blender, "local.scaled_bbox") == [-1, 2.5, -1]
    blender.leave()
    blender.click_on("Auto", side, number=0)
    assert settings(blender, "local.scaled_bbox") == [-1, -1, -1]


@thorough
@pytest.mark.usefixtures("newest")
def test_preset_brings_parameters_back(blender):
    side = blender.open_sidebar()
    blender.pick("Baked", "Texture", side)
    blender.click_on("Automatic", side, number=1)
    blender.enter("2.5", "Height", side)
    presets = side.right - CHECKBOX_PX, blender.find("Parameters", side).center[1]
    reset = presets[0] - CHECKBOX_PX, presets[1]
    blender.click(*presets)
    assert not blender.sees("Missing Paths", blender.around())
    blender.double_click(*blender.find("New Preset", blender.around()).center)
    blender.press("A", ctrl=True)
    blender.type("Tall")
    blender.press("RET")
    plus = blender.find("Tall", blender.around())
    blender.click(presets[0] + PLUS_PX, plus.center[1])
    blender.until(
        "[name for path in bpy.utils.preset_paths('image_to_3d/local') for name in __import__('os').listdir(path)]"
    )
    blender.press("ESC")
    blender.leave()
    assert not blender.sees("Tall", blender.area())  # the popover is gone
    blender.click(*reset)
    assert settings(blender, "local.texture_model") == "PBR"
    assert settings(blender, "local.scaled_bbox") == [-1, -1, -1]
    blender.click(*presets)
    blender.click_on("Tall", blender.around(), number=0)
    blender.leave()
    assert settings(blender, "local.texture_model") == "BAKED"
    assert settings(blender, "local.scaled_bbox") == [-1, 2.5, -1]


@thorough
@pytest.mark.usefixtures("newest")
def test_size_and_place_by_mouse(blender, star):
    few_faces(blender)
    blender.run("bpy.context.scene.cursor.location = 5, 5, 5")
    side = blender.open_sidebar()
    blender.enter(str(star), "File", side, number=1)
    blender.click_on("Import", side)
    blender.pick("World Origin", "Location", side)
    size = blender.find("Size", side)
    blender.click(size.right + CHECKBOX_PX, size.center[1])
    blender.double_click(size.right + AFTER_CHECKBOX_PX, size.center[1])
    blender.press("A", ctrl=True)
    blender.type("3")
    blender.press("RET")
    blender.leave()
    blender.click_on("Generate 3D Model", side)
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)
    assert blender.run(LONGEST_SIDE, name="Red Star") == pytest.approx(3, abs=1e-3)
    assert blender.run("[*bpy.data.objects['Red Star'].location]") == [0, 0, 0]


# What a service needs


@pytest.mark.usefixtures("newest")
def test_offline_until_it_is_allowed(blender, services, star):
    """The address is a distant one that no test reaches: the proxy before it is not there."""
    away = {"MESHY_API_KEY": services.meshy_key, "MESHY_API_URL": "https://meshy.invalid/openapi"}
    blender.run("import os; os.environ.update(away)", away=away)
    blender.run("bpy.context.preferences.addons[EXTENSION].preferences.proxy = 'http://127.0.0.1:9'")
    side = blender.open_sidebar()
    blender.enter(str(star), "File", side, number=1)
    blender.click_on("Meshy", side)
    blender.leave()
    blender.find("Online access is off", side, number=0)
    blender.click_on("Generate for 30 Credits", side)  # greyed out
    blender.leave()
    assert jobs(blender) == 0
    blender.click_on("Allow Online Access", side)
    blender.until("bpy.app.online_access")
    blender.leave()
    blender.find("The proxy cannot be used", side, seconds=20)
    blender.run("import os; os.environ['MESHY_API_URL'] = url", url=services.meshy_url)
    blender.find("Ready, 1,000 credits left", side, seconds=20)
    blender.click_on("Generate for 30 Credits", side)
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)


@pytest.mark.usefixtures("newest")
def test_key_is_entered_and_checked(blender, services):
    blender.run("import os; os.environ['MESHY_API_URL'] = url", url=services.meshy_url)
    side = blender.open_sidebar()
    blender.click_on("Meshy", side)
    blender.leave()
    blender.find("Meshy needs an API key", side, number=0)
    blender.click_on("Enter API Key", side)
    blender.until("len(bpy.context.window_manager.windows) == 2")
    window = blender.area("PREFERENCES")
    blender.find("Image to 3D", window, number=0)
    blender.enter(services.meshy_key, "API Key", window, number=0)  # the second is CSM's
    assert blender.run("bpy.context.preferences.addons[EXTENSION].preferences.meshy_key") == services.meshy_key
    assert services.meshy_key not in blender.reads(window)
    blender.click_on("Check", window, number=1)  # the first is ComfyUI's
    blender.find("API key accepted, 1,000 credits left", window, seconds=20)
    assert services.creates == []


# From elsewhere


@pytest.mark.usefixtures("newest")
def test_from_the_search_menu(blender, star):
    few_faces(blender)
    blender.run("bpy.context.scene.image_to_3d.filepath = path", path=str(star))
    blender.search("Generate 3D Model")
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)


def test_search_menu_finds_every_operator(blender):
    """The search looks through the menus, and this menu has all."""
    blender.run("bpy.ops.wm.call_menu(name='IMAGE_TO_3D_MT_all')")
    labels = [label for label in blender.run(LABELS) if label != "Image to 3D"] + ["Generate from Files..."]
    assert len(labels) > 10
    window = blender.area()._replace(bottom=screen.HEIGHT)  # the menu is longer than the 3D View
    blender.find("Open Preferences", window)  # the last one: all are drawn
    words = eyes.read(blender.picture(), window)
    assert [label for label in labels if not eyes.places(words, label)] == []
    blender.press("ESC")
    blender.run("bpy.context.scene.image_to_3d.local.texture_model = 'NONE'")
    blender.search("Reset Parameters")
    assert settings(blender, "local.texture_model") == "PBR"


@pytest.mark.usefixtures("newest")
def test_from_the_python_console(blender, services, sign_in, star):
    sign_in(services)
    blender.run("bpy.context.area.type = 'CONSOLE'")
    console = blender.area("CONSOLE", "WINDOW")
    blender.move(*console.center)
    blender.type(f"bpy.ops.image_to_3d.generate(filepath={str(star)!r}, service='MESHY')")
    blender.press("RET")
    assert blender.sees("{'RUNNING_MODAL'}", console) or blender.sees("{'FINISHED'}", console)  # at once
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)


def drop(blender, *paths):
    """Drop files on the 3D View."""
    blender.move(*blender.area().center)
    blender.run(
        "bpy.ops.wm.drop_import_file('INVOKE_DEFAULT', directory=folder, files=[{'name': name} for name in names]); 0",
        folder=f"{paths[0].parent}/",
        names=[path.name for path in paths],
    )
    blender.settle()


@pytest.fixture
def two_stars(star, tmp_path):
    """Two pictures in one folder."""
    return [shutil.copy(star, tmp_path / f"{name} Star.png") for name in ("Left", "Right")]


@pytest.mark.usefixtures("newest")
def test_two_pictures_are_dropped(blender, two_stars):
    few_faces(blender)
    drop(blender, *two_stars)
    blender.find("Add Empty Image/Drop Image to Empty", blender.around())
    blender.click_on("Image to 3D", blender.around())
    blender.until("{'Left Star', 'Right Star'} <= {*bpy.data.objects.keys()}", ARRIVES_S)
    assert jobs(blender) == 2


@pytest.mark.usefixtures("newest")
def test_drop_asks_before_it_costs(blender, services, sign_in, two_stars):
    sign_in(services)
    blender.run("bpy.context.scene.image_to_3d.service = 'MESHY'")
    drop(blender, *two_stars)
    blender.click_on("Image to 3D", blender.around())
    blender.find("Generate 2 models with Meshy?", blender.area())
    blender.find("About 60 credits", blender.area())
    blender.press("ESC")
    assert not blender.sees("About 60 credits", blender.area())
    assert jobs(blender) == 0
    drop(blender, *two_stars)
    blender.click_on("Image to 3D", blender.around())
    blender.click_on("Generate", blender.area(), number=1)  # the first is in the question
    blender.until("{'Left Star', 'Right Star'} <= {*bpy.data.objects.keys()}", ARRIVES_S)
    assert len(services.creates) == 2


@pytest.mark.parametrize(("service", "said"), [("MESHY", "About 120 credits"), ("CSM", "It costs credits")])
@pytest.mark.usefixtures("newest")
def test_drop_says_what_all_variants_cost(blender, services, sign_in, star, service, said):
    sign_in(services)
    blender.run("chosen = bpy.context.scene.image_to_3d\nchosen.service, chosen.variants = name, 4", name=service)
    drop(blender, star)
    blender.click_on("Image to 3D", blender.around())
    blender.find("Generate 4 models with", blender.area())
    blender.find(said, blender.area())
    blender.press("ESC")
    assert jobs(blender) == 0


@thorough
@pytest.mark.usefixtures("newest")
def test_image_that_was_painted_and_never_saved(blender, keeper, sign_in):
    sign_in(keeper)
    blender.run("bpy.context.scene.image_to_3d.service = 'MESHY'")
    blender.run(PAINTED)
    side = blender.open_sidebar("IMAGE_EDITOR")
    blender.find("Painted", side)
    blender.click_on("Generate for 30 Credits", side)
    blender.until("'Painted' in bpy.data.objects", ARRIVES_S)
    (picture,) = keeper.pictures
    assert picture.size == (64, 48)
    assert picture.getpixel((20, 48 - 1 - 20)) == pytest.approx((255, 128, 0), abs=1)
    assert picture.getpixel((50, 5)) == (0, 0, 0)


@thorough
@pytest.mark.usefixtures("newest")
def test_render_result_from_the_image_menu(blender, keeper, sign_in, tmp_path):
    sign_in(keeper)
    blender.run("bpy.context.scene.image_to_3d.service = 'MESHY'")
    blender.run(RENDERED, path=str(tmp_path / "render.png"))
    blender.click_on("Image", blender.area("IMAGE_EDITOR", "HEADER"))
    blender.click_on("Generate 3D Model", blender.area("IMAGE_EDITOR", "WINDOW"))
    blender.until("'Render Result' in bpy.data.objects", ARRIVES_S)
    (picture,) = keeper.pictures
    assert len(picture.getcolors()) > 2  # it shows something
    assert picture.tobytes() == Image.open(tmp_path / "render.png").convert("RGB").tobytes()


def fill(blender, box, text):
    """Type a text into a wide field of the file browser."""
    for _ in range(2):  # the first ends what goes on in another field (5.2), as in that of the folder
        blender.click(box.left + 200, box.center[1])
    blender.press("A", ctrl=True)
    blender.type(text)
    blender.press("RET")


@pytest.mark.usefixtures("in_window")
@pytest.mark.usefixtures("newest")
def test_file_from_the_add_menu(blender, star):
    few_faces(blender)
    blender.click_on("Add", blender.area("VIEW_3D", "HEADER"))
    blender.click_on("Image to 3D...", blender.area())
    blender.until("any(area.type == 'FILE_BROWSER' for area in bpy.context.window_manager.windows[0].screen.areas)")
    fill(blender, blender.area("FILE_BROWSER", "UI"), f"{star.parent}/")
    fill(blender, blender.area("FILE_BROWSER", "EXECUTE"), star.name)
    blender.click_on("Image to 3D", blender.area("FILE_BROWSER", "EXECUTE"))
    blender.until("'Red Star' in bpy.data.objects", ARRIVES_S)
