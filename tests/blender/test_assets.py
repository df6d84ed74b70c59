# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as assets: what Blender finds in a result's file, the asset library, and what becomes of files that link."""

import json
import os
import shutil
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from layout import Layout, drawn_by, operators, words
from once import once
from ticking import tick_until

CATALOGS = "blender_assets.cats.txt"


def load(blend, *, link, **options):
    """The one asset of a file, appended to the open file or linked, and shown in its scene."""
    with bpy.data.libraries.load(str(blend), link=link, assets_only=True, **options) as (there, here):
        held = names_in(there)
        here.collections = there.collections
    assert list(held) == ["collections"] and len(held["collections"]) == 1
    (collection,) = here.collections
    bpy.context.scene.collection.children.link(collection)
    return collection


def names_in(there):
    """By kind, the names of what a file holds. (5.2 gives its version, too.)"""
    return {kind: names for kind in dir(there) if isinstance(names := getattr(there, kind), list) and names}


def pixels(image, size):
    found = np.empty(size[0] * size[1] * 4, np.float32)
    image.foreach_get(found)
    return found


# The file of a result


def test_the_file_holds_one_asset_with_the_thumbnail_as_its_preview(made_model):
    collection = load(made_model / "result.blend", link=True)
    thumbnail = bpy.data.images.load(str(made_model / "thumbnail.png"))
    assert tuple(collection.preview.image_size) == tuple(thumbnail.size) == (256, 256)
    shown = pixels(collection.preview.image_pixels_float, thumbnail.size)
    assert np.abs(shown - pixels(thumbnail.pixels, thumbnail.size)).max() < 1 / 255
    assert 0.05 < shown.reshape(-1, 4)[:, 3].mean() < 0.95, "the model on a transparent ground"


def test_a_model_out_of_the_asset_browser_is_known_as_that_of_its_job(session, made_model):
    shutil.copytree(made_model, session.root() / made_model.name, dirs_exist_ok=True)
    tick_until(session, lambda: session.job(made_model.name) is not None)
    (root,) = (obj for obj in load(made_model / "result.blend", link=False).all_objects if obj.parent is None)
    assert root["image_to_3d_job"] == made_model.name and root["image_to_3d_service"] == "local"
    assert bpy.ops.image_to_3d.show(job=made_model.name) == {"FINISHED"}
    assert root.select_get() and bpy.context.view_layer.objects.active == root


def test_the_asset_says_where_it_came_from(extension, made_model):
    about = load(made_model / "result.blend", link=True).asset_data
    assert about.description == (
        "Made by Image to 3D with Local from the picture Red Star. Texture: pbr; Resolution: low poly"
    )
    assert {tag.name for tag in about.tags} == {"Local", "Red Star"}
    assert about.catalog_id == extension.module("jobs.assets").catalog_of("local")
    assert uuid.UUID(about.catalog_id).int
    assert not about.author and not getattr(about, "license", "") and not getattr(about, "copyright", "")


@pytest.mark.parametrize("link", [False, True])
def test_the_material_comes_whole(made_model, tmp_path, link):
    blend = shutil.copy(made_model / "result.blend", tmp_path)
    (obj,) = load(blend, link=link).all_objects
    assert (obj.library is not None) == link
    nodes = obj.material_slots[0].material.node_tree.nodes
    images = [node.image for node in nodes if node.type == "TEX_IMAGE"]
    assert len(images) == 3 and all(image.packed_file for image in images)
    os.remove(blend)
    assert all(any(pixels(image.pixels, image.size)) for image in images), "nothing is read from beside the file"


def test_an_imported_model_is_no_asset_of_the_users_file(model, made_model, tmp_path):
    (collection,) = model.users_collection
    assert collection.asset_data is None
    assert not collection.use_fake_user, "what is removed from the scene goes"
    assert not any(collection.preview.image_size if collection.preview else ())
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "users.blend"), copy=True)
    with bpy.data.libraries.load(str(tmp_path / "users.blend"), assets_only=True) as (there, _):
        assert not names_in(there)


@once
def test_a_result_of_an_earlier_version_becomes_an_asset_when_it_is_retried(made_model, session, model):
    blend = session.folder_of(made_model.name) / "result.blend"
    unmarked(blend)
    assert bpy.ops.image_to_3d.retry(job=made_model.name) == {"FINISHED"}
    load(blend, link=True)


def unmarked(blend):
    """Make a result's file what it was before there were assets."""
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    collection = load(blend, link=False)
    collection.asset_clear()
    bpy.data.libraries.write(str(blend), {collection})
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    with bpy.data.libraries.load(str(blend), assets_only=True) as (there, _):
        assert not there.collections


# The asset library


@pytest.fixture
def libraries(extension, no_jobs):
    """Blender's asset libraries, as they were before and after the test; and preferences that are saved."""
    preferences = bpy.context.preferences
    libraries = preferences.filepaths.asset_libraries
    before = [library.name for library in libraries]
    preferences.is_dirty = False
    yield libraries
    for library in list(libraries):
        if library.name not in before:
            libraries.remove(library)
    preferences.use_preferences_save = True
    preferences.is_dirty = False


def ours(libraries, session):
    return [library for library in libraries if Path(library.path) == session.root()]


def test_the_folder_of_results_becomes_a_library_once(libraries, session, capfd):
    bpy.context.preferences.use_preferences_save = True
    assert bpy.ops.image_to_3d.add_to_asset_browser() == {"FINISHED"}
    (library,) = ours(libraries, session)
    assert library.name == "Image to 3D" and library.import_method in ("APPEND_REUSE", "APPEND")
    assert bpy.context.preferences.is_dirty, "Blender saves the preferences when it ends"
    assert (session.root() / CATALOGS).is_file()
    said = capfd.readouterr().out
    assert "Added the asset library 'Image to 3D'" in said
    section = "" if bpy.app.version >= (5, 2) else "File Paths > "
    assert f"in Edit > Preferences > {section}Asset Libraries" in said and "Auto-Save" not in said
    library.name = "My Models"
    assert bpy.ops.image_to_3d.add_to_asset_browser() == {"FINISHED"}
    assert len(ours(libraries, session)) == 1
    said = capfd.readouterr().out
    assert "already" in said and "My Models" in said and "Added" not in said


def test_it_says_where_the_preferences_are_not_saved_by_themselves(libraries, capfd):
    bpy.context.preferences.use_preferences_save = False
    bpy.ops.image_to_3d.add_to_asset_browser()
    printed = capfd.readouterr()
    assert "Auto-Save Preferences is off: save the preferences" in printed.out + printed.err


def test_a_library_of_another_folder_with_that_name_stays(libraries, session, tmp_path):
    other = libraries.new(name="Image to 3D", directory=str(tmp_path))
    bpy.ops.image_to_3d.add_to_asset_browser()
    (library,) = ours(libraries, session)
    assert Path(other.path) == tmp_path and library.name != other.name


def test_a_library_that_leads_there_by_a_link_is_the_same(libraries, session, tmp_path):
    (tmp_path / "models").symlink_to(session.root(), target_is_directory=True)
    libraries.new(name="Linked", directory=str(tmp_path / "models"))
    before = len(libraries)
    bpy.ops.image_to_3d.add_to_asset_browser()
    assert len(libraries) == before


@pytest.mark.skipif(bpy.app.version < (5, 2), reason="libraries cannot be switched off before")
def test_a_library_that_is_switched_off_is_switched_on(libraries, session, capfd):
    bpy.ops.image_to_3d.add_to_asset_browser()
    (library,) = ours(libraries, session)
    library.enabled = False
    bpy.ops.image_to_3d.add_to_asset_browser()
    assert library.enabled and len(ours(libraries, session)) == 1
    assert "Switched the asset library 'Image to 3D' on" in capfd.readouterr().out


@pytest.mark.parametrize("panel", ["IMAGE_TO_3D_PT_jobs", "IMAGE_TO_3D_PT_jobs_image"])
def test_the_header_above_the_list_of_jobs_offers_it(extension, panel):
    layout = Layout()
    getattr(extension.module("panels.jobs"), panel).draw_header_preset(SimpleNamespace(layout=layout), None)
    assert operators(layout.drawn) == [("image_to_3d.add_to_asset_browser", {})]


def test_the_preferences_and_the_menu_offer_it(extension, libraries):
    panel = extension.module("panels.preferences").IMAGE_TO_3D_AP_preferences
    drawn = drawn_by(panel, bl_rna=extension.preferences.bl_rna)
    assert "image_to_3d.add_to_asset_browser" in [name for name, _ in operators(drawn)]
    assert "image_to_3d.add_to_asset_browser" in [
        name for name, _ in operators(drawn_by(extension.module("panels.menus").IMAGE_TO_3D_MT_all))
    ]


# Files that link


OLD = (datetime.now(UTC) - timedelta(days=40)).isoformat(timespec="seconds")


@pytest.fixture
def old_job(made_model, session, no_jobs):
    """The folder of that job, imported long ago."""
    folder = session.root() / made_model.name
    shutil.copytree(made_model, folder)
    record = json.loads((folder / "job.json").read_text())
    (folder / "job.json").write_text(json.dumps({**record, "state": "imported", "updated": OLD}))
    session.refresh(made_model.name)
    return folder


def test_a_model_that_the_open_file_links_to_is_not_tidied_away(extension, session, old_job, capfd, tmp_path):
    load(old_job / "result.blend", link=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "users.blend"), relative_remap=True)
    assert any(library.filepath.startswith("//") for library in bpy.data.libraries)
    dialog = extension.module("operators.tidy_up").IMAGE_TO_3D_OT_tidy_up
    drawn = drawn_by(dialog, days=30, bl_rna=bpy.ops.image_to_3d.tidy_up.get_rna_type())
    assert "0 jobs" in words(drawn) and "Models that the open file links to are kept" in words(drawn)
    bpy.ops.image_to_3d.tidy_up()
    assert (old_job / "result.blend").is_file()
    printed = capfd.readouterr()
    assert "Red Star stays: the open file links to its model" in printed.out + printed.err
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    bpy.ops.image_to_3d.tidy_up()
    assert not old_job.exists()


def test_a_model_that_was_appended_is_the_files_own(session, old_job):
    load(old_job / "result.blend", link=False)
    bpy.ops.image_to_3d.tidy_up()
    assert not old_job.exists()


@pytest.mark.skipif(bpy.app.version < (5, 0), reason="nothing is packed before")
def test_a_model_that_is_packed_is_the_files_own(session, old_job):
    load(old_job / "result.blend", link=True, pack=True)
    bpy.ops.image_to_3d.tidy_up()
    assert not old_job.exists()


def test_a_job_that_is_removed_is_no_asset_even_before_it_is_deleted(extension, session, old_job):
    """Blender's Asset Browser looks into hidden folders, too."""
    session.current.queue.remove(old_job.name)
    left = [path for path in session.root().rglob("*") if path.suffix == ".blend"]
    assert not old_job.exists() and left == []
