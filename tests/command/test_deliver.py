# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a model in the output folder, as people and their Blender find them: one model for all tests."""

import os
import stat
import sys
import time

import bpy
import numpy as np
import pytest
from command.models import Models

from image_to_3d.api.errors import ImageTo3DError
from image_to_3d.command import deliver
from image_to_3d.command.item import Item
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs.state import State

DEADLINE_S = 120  # against a hang
ALL = ("blend", "glb", "asset")
CATALOGS = "blender_assets.cats.txt"


@pytest.fixture(scope="module")
def made(tmp_path_factory, star):
    """The models of a command, and an item whose job has a model with textures."""
    models = Models(tmp_path_factory.mktemp("made") / "jobs", star)
    wishes = {"resolution": "low_poly", "texture_model": "pbr"}
    item = models.item("Red Star", service="local", parameters=wishes)
    finish(models, item)
    assert item.handle.state is State.READY, item.handle.message
    return models, item


def finish(models, item):
    """Have an item's job work to its end, the thumbnail with it."""
    until = time.monotonic() + DEADLINE_S
    while models.queue.goes_on(models.queue.advance(item.handle.id)):
        assert time.monotonic() < until, item.handle.message
        time.sleep(0.05)


@pytest.fixture
def item(made):
    """Another item that wants the same model."""
    _, first = made
    return Item(first.picture, "Red Star", handle=first.handle)


@pytest.fixture(scope="module")
def delivered(made, tmp_path_factory):
    """The output folder with all formats of the model, as the job's process has made them."""
    _, item = made
    output = tmp_path_factory.mktemp("output")
    assert (item.handle.folder / folders.SHOWN).is_file(), "its own process has made the file that shows it"
    deliver.deliver(item, output, ALL)
    return output


def opened(blend):
    """Open a file as a double click does, and give the model's object."""
    bpy.ops.wm.open_mainfile(filepath=str(blend), load_ui=True)
    (root,) = (obj for obj in bpy.context.scene.objects if obj.type == "MESH")
    return root


def test_all_files_are_there_and_nothing_else(delivered, made):
    _, item = made
    found = sorted(str(path.relative_to(delivered)) for path in delivered.rglob("*") if path.is_file())
    assert found == ["Red Star.blend", "Red Star.glb", os.path.join("assets", "Red Star.blend"),
                     os.path.join("assets", CATALOGS)]  # fmt: skip
    assert item.files == {
        "blend": delivered / "Red Star.blend",
        "glb": delivered / "Red Star.glb",
        "asset": delivered / "assets" / "Red Star.blend",
    }
    assert not (item.handle.folder / folders.SHOWN).exists(), "it is not kept twice"


def test_the_glb_is_the_services_own(delivered, made):
    _, item = made
    assert (delivered / "Red Star.glb").read_bytes() == item.handle.glb_path.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of other systems")
def test_others_may_read_what_is_delivered(delivered):
    """A job's files are for its owner only; what is delivered has the mode of any new file."""
    probe = delivered.parent / "probe"
    probe.touch()
    for path in (delivered / "Red Star.blend", delivered / "Red Star.glb", delivered / "assets" / CATALOGS):
        assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(probe.stat().st_mode), path


def test_who_opens_the_blend_sees_the_model(delivered):
    root = opened(delivered / "Red Star.blend")
    assert root.name == "Red Star" and root.visible_get()
    assert [scene.name for scene in bpy.data.scenes] == ["Scene"]
    kinds = sorted(obj.type for obj in bpy.context.scene.objects)
    assert kinds == ["CAMERA", "LIGHT", "MESH"] and bpy.context.scene.camera and bpy.context.scene.world
    views = [area.spaces[0] for screen in bpy.data.screens for area in screen.areas if area.type == "VIEW_3D"]
    assert views and all(view.shading.color_type == "TEXTURE" for view in views)
    tree = root.material_slots[0].material.node_tree
    assert tree.nodes.active.outputs["Color"].links[0].to_socket.name == "Base Color", "it is the one that is shown"
    longest = max(root.dimensions)
    for view in views:
        distance = (view.region_3d.view_location - root.matrix_world.translation).length
        assert distance < longest and longest < view.region_3d.view_distance < 4 * longest
        assert view.clip_start < longest / 10 and view.clip_end > 4 * longest


def test_its_textures_are_packed_and_it_leads_nowhere(delivered):
    root = opened(delivered / "Red Star.blend")
    nodes = root.material_slots[0].material.node_tree.nodes
    images = [node.image for node in nodes if node.type == "TEX_IMAGE"]
    assert len(images) == 3 and all(image.packed_file for image in images)
    assert bpy.utils.blend_paths() == []
    assert not bpy.data.libraries and not bpy.data.texts
    assert str(delivered.parent).encode() not in (delivered / "Red Star.blend").read_bytes()


def test_its_camera_sees_all_of_the_model(delivered, tmp_path):
    opened(delivered / "Red Star.blend")
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 1, False
    scene.render.resolution_percentage = 10
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = str(tmp_path / "seen.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(tmp_path / "seen.png"))
    pixels = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)
    alpha = pixels[..., 3]
    assert 0.1 < alpha.mean() < 0.9
    edges = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    assert edges.max() == 0, "it reaches no edge"
    red, green, blue = pixels[alpha > 0.5][:, :3].mean(axis=0)
    assert red > 2 * green and red > 2 * blue, "it is lit, and has its texture"


def test_the_asset_library_has_the_model_with_its_picture_and_catalog(delivered, made):
    models, item = made
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    blend = delivered / "assets" / "Red Star.blend"
    with bpy.data.libraries.load(str(blend), link=False, assets_only=True) as (there, here):
        assert list(there.collections) == ["Red Star"]
        here.collections = there.collections
    (collection,) = here.collections
    about = collection.asset_data
    assert about.description.startswith("Made by Image to 3D with Local from the picture Red Star")
    assert {tag.name for tag in about.tags} == {"Local", "Red Star"}
    assert tuple(collection.preview.image_size) == (256, 256)
    thumbnail = bpy.data.images.load(str(item.handle.folder / "thumbnail.png"))
    shown = np.array(collection.preview.image_pixels_float[:])
    assert np.abs(shown - np.array(thumbnail.pixels[:])).max() < 1 / 255
    (root,) = collection.all_objects
    assert root["image_to_3d_job"] == item.handle.id and root["image_to_3d_service"] == "local"
    assert [obj.type for obj in collection.all_objects] == ["MESH"], "the camera stays behind"
    lines = (delivered / "assets" / CATALOGS).read_text(encoding="utf-8").splitlines()
    assert f"{about.catalog_id}:Image to 3D/Local:Image to 3D-Local" in lines


def test_twice_is_as_once(made, item, tmp_path):
    """The second time a background Blender makes the file that shows the model, as its process had made it before."""
    output = tmp_path / "output"
    output.mkdir()
    assert not deliver.is_delivered(item, output, ALL) and item.files == {}
    deliver.deliver(item, output, ALL)
    assert deliver.is_delivered(item, output, ALL)
    before = sorted(path for path in output.rglob("*"))
    deliver.deliver(item, output, ALL)
    assert sorted(output.rglob("*")) == before
    root = opened(output / "Red Star.blend")
    assert root.name == "Red Star" and bpy.context.scene.camera
    assert not list(item.handle.folder.glob("tmp-*")), "nothing of the program is left"


def script(root):
    made = bpy.data.texts.new("startup.py")
    made.write("raise SystemExit")
    made.use_module = True  # run as soon as somebody opens the file who lets files run


def driver(root):
    root.driver_add("location", 0).driver.expression = "__import__('os').getpid()"


def camera(root):
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye")))


@pytest.mark.parametrize("put_in", [script, driver, camera])
def test_what_is_more_than_a_model_is_not_delivered(made, tmp_path, put_in):
    """What a Blender could have written that a hostile model has taken over."""
    models, first = made
    item = models.item("Hostile", service="local", state=State.READY)
    blend = item.handle.folder / folders.BLEND
    opened_job(first.handle.blend_path)
    put_in(next(obj for obj in bpy.data.objects if obj.type == "MESH"))
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), copy=True)
    for word in ("blend", "asset"):
        with pytest.raises(ImageTo3DError, match="damaged"):
            deliver.deliver(item, tmp_path, (word,))
    assert not list(tmp_path.rglob("*.blend")) and item.files == {}


def opened_job(blend):
    """Open the file of a job, in which the model is in no scene."""
    bpy.ops.wm.open_mainfile(filepath=str(blend), load_ui=False)
    bpy.context.scene.collection.children.link(bpy.data.collections[0])


def test_it_says_which_files_are_missing(item, tmp_path):
    deliver.deliver(item, tmp_path, ("glb",))
    assert deliver.is_delivered(item, tmp_path, ("glb",)) and item.files == {"glb": tmp_path / "Red Star.glb"}
    assert not deliver.is_delivered(item, tmp_path, ("glb", "blend"))
    (tmp_path / "Red Star.glb").unlink()
    assert not deliver.is_delivered(item, tmp_path, ("glb",))


def test_what_a_killed_call_has_left_is_no_obstacle(item, tmp_path):
    (tmp_path / ".Red Star.glb.part").write_bytes(b"half of it")
    deliver.deliver(item, tmp_path, ("glb",))
    assert [path.name for path in tmp_path.iterdir()] == ["Red Star.glb"]


def test_where_it_cannot_be_written_nothing_is_left(item, tmp_path, monkeypatch):
    (tmp_path / "Red Star.glb").write_bytes(b"as it was")

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        deliver.deliver(item, tmp_path, ("glb",))
    assert [path.name for path in tmp_path.iterdir()] == ["Red Star.glb"]
    assert (tmp_path / "Red Star.glb").read_bytes() == b"as it was" and item.files == {}


def test_a_model_that_is_gone_is_told(models_without_model, tmp_path):
    from image_to_3d.api.errors import JobError

    for word in ALL:
        with pytest.raises(JobError, match="gone"):
            deliver.deliver(models_without_model, tmp_path, (word,))


@pytest.fixture
def models_without_model(tmp_path, star):
    """An item whose job says that it is ready, and has no files."""
    return Models(tmp_path / "jobs", star).item(state=State.READY)


def test_a_library_of_several_services_is_one(made, item, tmp_path):
    """And a line that the user has written in it stays."""
    (tmp_path / "assets").mkdir()
    theirs = "VERSION 1\n\n12345678-0000-0000-0000-0000000000aa:Mine:Mine\n"
    (tmp_path / "assets" / CATALOGS).write_text(theirs)
    deliver.deliver(item, tmp_path, ("asset",))
    other = Item(item.picture, "Red Star_2", handle=item.handle)
    deliver.deliver(other, tmp_path, ("asset",))
    text = (tmp_path / "assets" / CATALOGS).read_text(encoding="utf-8")
    assert text.startswith(theirs) and text.count("Image to 3D/Meshy:") == 1 and text.count("Image to 3D/Local:") == 1
    assert sorted(path.name for path in (tmp_path / "assets").iterdir()) == sorted(
        ["Red Star.blend", "Red Star_2.blend", CATALOGS]
    )
