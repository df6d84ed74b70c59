# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of the Blender file as further pictures of an object: what goes out, what the job knows of them, and what is
said where one has gone. The background Blender is a stand-in."""

import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest
from drawing import png
from layout import drawn_by, words

pytestmark = pytest.mark.usefixtures("no_jobs", "quick_models")

COLORS = {"back": (40, 90, 200), "left": (30, 200, 80), "right": (200, 60, 60)}


@pytest.fixture
def chosen(star):
    chosen = bpy.context.scene.image_to_3d
    chosen.filepath = str(star)
    return chosen


@pytest.fixture
def files(tmp_path):
    """A picture file for each view."""
    made = {}
    for name, color in COLORS.items():
        pixels = np.zeros((32, 24, 4), np.uint8)
        pixels[4:28, 4:20] = (*color, 255)
        made[name] = tmp_path / f"{name}.png"
        made[name].write_bytes(png(pixels))
    return made


@pytest.fixture
def generate(session):
    """Generate, and return the newest job's record and its folder."""

    def generate(**options):
        assert bpy.ops.image_to_3d.generate(**options) == {"FINISHED"}
        job = session.jobs()[0]
        return job, session.folder_of(job.id)

    return generate


@pytest.fixture
def start(extension, session):
    """Write a job down as the button does with a window, and return its record and its folder: nothing is sent."""

    def start():
        job = extension.module("session.start").start_job(bpy.context.scene)
        return job, session.folder_of(job.id)

    return start


def painted(name, color):
    """An image of the Blender file that is in no file, of one color."""
    image = bpy.data.images.new(name, 8, 6)
    image.pixels.foreach_set(np.tile(np.array((*color, 1), np.float32), 48))
    return image


def color_in(path):
    """The color in the middle of a picture, 0 to 1, as Blender shows it."""
    image = bpy.data.images.load(str(path))
    width, height = image.size
    at = 4 * (height // 2 * width + width // 2)
    color = tuple(round(value, 2) for value in image.pixels[at : at + 3])
    bpy.data.images.remove(image)
    return color


def choose(parameter, image):
    return bpy.ops.image_to_3d.choose_image(parameter=parameter, image=image)


def test_each_image_goes_out_as_blender_shows_it(chosen, generate):
    for name, color in (("Back", (1, 0, 0)), ("Left", (0, 1, 0)), ("Right", (0, 0, 1))):
        painted(name, color)
        setattr(chosen.local, f"{name.lower()}_image_url", name)
    job, folder = generate()
    sent = {name: color_in(folder / job.parameters[f"{name}_image_url"]) for name in ("back", "left", "right")}
    assert sent == {"back": (1, 0, 0), "left": (0, 1, 0), "right": (0, 0, 1)}
    assert job.images == {"back_image_url": "Back", "left_image_url": "Left", "right_image_url": "Right"}
    assert job.name == "Red Star" and set(job.origins) == {"image_url"}


def test_the_main_picture_may_be_an_image_beside_them(chosen, generate):
    painted("Front", (1, 1, 0))
    painted("Back", (1, 0, 0))
    chosen.local.back_image_url = "Back"
    job, folder = generate(image="Front")
    assert color_in(folder / job.parameters["image_url"]) == (1, 1, 0)
    assert color_in(folder / job.parameters["back_image_url"]) == (1, 0, 0)


def test_an_image_of_a_file_that_shows_the_same_is_that_file(chosen, generate, files):
    image = bpy.data.images.load(str(files["back"]))
    image.name = "Behind"
    chosen.local.back_image_url = "Behind"
    job, folder = generate()
    assert (folder / job.parameters["back_image_url"]).read_bytes() == files["back"].read_bytes()
    assert job.origins["back_image_url"] == str(files["back"]) and job.images == {"back_image_url": "Behind"}


@pytest.mark.parametrize("text", ["{path}", "//back.png", "file://{path}"])
def test_a_path_is_a_path_whatever_images_are_called(chosen, generate, files, tmp_path, text):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    text = text.format(path=files["back"])
    painted(text, (1, 1, 1))
    bpy.context.scene.image_to_3d.local.back_image_url = text
    job, folder = generate()
    assert (folder / job.parameters["back_image_url"]).read_bytes() == files["back"].read_bytes()
    assert not job.images


def test_an_address_is_an_address(chosen, generate, web, files):
    web.serve("/back.png", files["back"].read_bytes(), "image/png")
    address = web.address("/back.png")
    painted(address, (1, 1, 1))
    chosen.local.back_image_url = address
    job, _ = generate()
    assert job.parameters["back_image_url"] == address and not job.images


def test_an_image_that_is_called_otherwise_now_is_missed_in_words(chosen, session, star):
    image = painted("Back", (1, 0, 0))
    chosen.local.back_image_url = "Back"
    image.name = "Behind"
    with pytest.raises(
        RuntimeError, match="no picture Back for Back, neither an image of this .* choose one that exists"
    ):
        bpy.ops.image_to_3d.generate(filepath=str(star))
    assert not session.jobs()


def test_an_image_without_pixels_is_named(chosen, session, tmp_path, star):
    image = bpy.data.images.load(str(shutil.copy(star, tmp_path / "gone.png")), check_existing=False)
    (tmp_path / "gone.png").unlink()
    chosen.local.back_image_url = image.name
    with pytest.raises(RuntimeError, match=r"The file of the image gone\.png is gone"):
        bpy.ops.image_to_3d.generate()
    assert not session.jobs()


@pytest.mark.parametrize("service", ["MESHY", "COMFYUI"])
def test_the_other_services_take_images_too(chosen, account, comfyui, start, service):
    painted("Back", (1, 0, 0))
    chosen.service = service
    if service == "COMFYUI":
        chosen.comfyui.workflow = "VIEWS"
    getattr(chosen, service.lower()).back_image_url = "Back"
    job, folder = start()
    assert color_in(folder / job.parameters["back_image_url"]) == (1, 0, 0)


def test_a_texture_may_be_an_image(chosen, account, start):
    painted("Bark", (1, 0, 0))
    chosen.service, chosen.meshy.texture_image_url = "MESHY", "Bark"
    job, folder = start()
    assert color_in(folder / job.parameters["texture_image_url"]) == (1, 0, 0)


def test_all_variants_have_the_image(chosen, session, generate):
    painted("Back", (1, 0, 0))
    chosen.local.back_image_url, chosen.variants = "Back", 3
    generate()
    jobs = session.jobs()
    assert len(jobs) == 3 and all(job.images == {"back_image_url": "Back"} for job in jobs)
    for job in jobs:
        assert color_in(session.folder_of(job.id) / job.parameters["back_image_url"]) == (1, 0, 0)


def test_retry_goes_by_the_jobs_own_copy(chosen, session, generate):
    image = painted("Back", (1, 0, 0))
    chosen.local.back_image_url = "Back"
    job, folder = generate()
    for result in folder.glob("result.*"):
        result.unlink()
    record = session.folders.read(folder)
    record.state = session.folders.State.FAILED
    session.folders.write(folder, record)
    bpy.data.images.remove(image)
    assert bpy.ops.image_to_3d.retry(job=job.id) == {"FINISHED"}
    assert color_in(folder / job.parameters["back_image_url"]) == (1, 0, 0)


@pytest.mark.parametrize("is_there", [True, False])
def test_use_settings_brings_the_image_back(chosen, session, generate, is_there):
    image = painted("Back", (1, 0, 0))
    chosen.local.back_image_url = "Back"
    first, _ = generate()
    if not is_there:
        bpy.data.images.remove(image)
    chosen.local.back_image_url = ""
    assert bpy.ops.image_to_3d.use_settings(job=first.id) == {"FINISHED"}
    assert bpy.ops.image_to_3d.use_settings(job=first.id) == {"FINISHED"}
    assert chosen.local.back_image_url == "Back" and [image.name for image in bpy.data.images] == ["Back"]
    bpy.ops.image_to_3d.remove(job=first.id)
    again, folder = generate()
    assert color_in(folder / again.parameters["back_image_url"]) == (1, 0, 0)


def test_use_settings_after_the_files_are_gone_keeps_every_view(chosen, session, generate, files, tmp_path):
    for name, path in files.items():
        setattr(chosen.local, f"{name}_image_url", str(path))
    first, folder = generate()
    contents = {name: path.read_bytes() for name, path in files.items()}
    files["left"].unlink()
    files["right"].unlink()
    for _ in range(2):
        bpy.ops.image_to_3d.use_settings(job=first.id)
    assert chosen.local.back_image_url == str(files["back"])
    assert (chosen.local.left_image_url, chosen.local.right_image_url) == ("left.png", "right.png")
    bpy.ops.image_to_3d.remove(job=first.id)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    again, folder = generate()
    assert {name: (folder / again.parameters[f"{name}_image_url"]).read_bytes() for name in files} == contents


def test_the_menu_sets_and_clears_and_refuses_what_is_none(chosen):
    painted("Back", (1, 0, 0))
    assert choose("back_image_url", "Back") == {"FINISHED"} and chosen.local.back_image_url == "Back"
    assert choose("back_image_url", "") == {"FINISHED"} and chosen.local.back_image_url == ""
    with pytest.raises(RuntimeError, match="no image 'Front'"):
        choose("back_image_url", "Front")
    for name in ("image_url", "cutout", "no_such"):
        with pytest.raises(RuntimeError, match="Local has no further picture"):
            choose(name, "Back")
    assert chosen.local.back_image_url == "" and chosen.local.cutout == "AUTO"


def test_an_image_that_was_chosen_is_saved_with_the_file(chosen, tmp_path):
    painted("Back", (1, 0, 0)).pack()
    assert choose("back_image_url", "Back") == {"FINISHED"}
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    assert bpy.context.scene.image_to_3d.local.back_image_url in bpy.data.images


def test_a_dropped_file_is_the_main_picture(chosen, files):
    chosen.local.back_image_url = str(files["back"])
    bpy.ops.image_to_3d.choose_picture(filepath=str(files["left"]))
    assert chosen.filepath == str(files["left"]) and chosen.local.back_image_url == str(files["back"])


def test_the_scratch_folder_goes_away(chosen, generate, extension, star):
    painted("Back", (1, 0, 0))
    chosen.local.back_image_url = "Back"
    with extension.module("scene.request").requested(bpy.context.scene) as request:
        made = Path(request.parameters["back_image_url"])
        assert made.is_file() and made.parent == request.scratch
    assert not made.exists() and not request.scratch.exists()


def test_files_that_are_dropped_together_are_objects_of_their_own(chosen, session, files):
    chosen.local.back_image_url = str(files["back"])
    dropped = {"directory": str(files["left"].parent), "files": [{"name": "left.png"}, {"name": "right.png"}]}
    assert bpy.ops.image_to_3d.generate_from_files(**dropped) == {"FINISHED"}
    assert [job.parameters["back_image_url"] for job in session.jobs()] == ["", ""]
    assert chosen.local.back_image_url == str(files["back"])
    bpy.ops.image_to_3d.generate_from_files(filepath=str(files["left"]))
    assert session.jobs()[0].parameters["back_image_url"]


def test_an_address_of_a_view_needs_online_access_as_that_of_the_picture_does(extension, chosen, session):
    chosen.local.back_image_url = "https://example.org/back.png"
    drawn = drawn_by(extension.module("panels.sidebar").IMAGE_TO_3D_PT_generate)
    assert "Online access is off" in words(drawn)
    with pytest.raises(RuntimeError, match="Online access is off"):
        bpy.ops.image_to_3d.generate()
    assert not session.jobs()
