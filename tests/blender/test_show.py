# SPDX-License-Identifier: GPL-3.0-or-later
"""Show: from a job to its model in the file, whatever hides it and wherever it is."""

import bpy
import pytest
from ticking import tick_until

pytestmark = pytest.mark.usefixtures("no_jobs", "quick_models")


@pytest.fixture
def job(star, session):
    """A job whose model is in the file."""
    bpy.ops.image_to_3d.generate(filepath=str(star))
    (job,) = session.jobs()
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = None
    return job.id


def show(job, **options):
    return bpy.ops.image_to_3d.show(job=job, **options)


def roots():
    return [obj for obj in bpy.data.objects if "image_to_3d_job" in obj]


def is_seen(obj):
    return obj.visible_get(view_layer=bpy.context.window.view_layer) and obj.select_get()


def test_the_model_and_all_below_it_are_selected_and_its_root_is_active(job):
    (root,) = roots()
    root.name = "Renamed"
    below = bpy.data.objects.new("Below", None)
    below.parent = root
    other = bpy.data.objects.new("Other", None)
    for obj in (below, other):
        bpy.context.scene.collection.objects.link(obj)
    other.select_set(True)
    assert show(job) == {"FINISHED"}
    assert root.select_get() and below.select_get() and not other.select_get()
    assert bpy.context.view_layer.objects.active == root


def test_of_several_all_are_selected_and_the_newest_is_active(job):
    (first,) = roots()
    bpy.ops.image_to_3d.import_result(job=job)
    (second,) = [root for root in roots() if root != first]
    show(job)
    assert first.select_get() and second.select_get() and bpy.context.view_layer.objects.active == second


def layer_of(collection):
    def found(layer):
        return layer if layer.collection == collection else next(filter(None, map(found, layer.children)), None)

    return found(bpy.context.view_layer.layer_collection)


def put_away(root):
    """The model's collection in two others."""
    outer, inner = bpy.data.collections.new("Outer"), bpy.data.collections.new("Inner")
    bpy.context.scene.collection.children.link(outer)
    outer.children.link(inner)
    own = root.users_collection[0]
    inner.children.link(own)
    bpy.context.scene.collection.children.unlink(own)
    return outer, inner, own


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("how", ["excluded", "eye", "monitor"])
def test_a_collection_that_hides_it_is_opened(job, how, which):
    (root,) = roots()
    collection = put_away(root)[which]
    if how == "excluded":
        layer_of(collection).exclude = True
    elif how == "eye":
        layer_of(collection).hide_viewport = True
    else:
        collection.hide_viewport = True
    show(job)
    assert is_seen(root)


def test_a_collection_that_does_not_hide_it_stays_hidden(job):
    (root,) = roots()
    hidden = bpy.data.collections.new("Hidden")
    bpy.context.scene.collection.children.link(hidden)
    hidden.objects.link(root)
    layer_of(hidden).exclude = True
    show(job)
    assert is_seen(root) and layer_of(hidden).exclude


@pytest.mark.parametrize("how", ["eye", "monitor"])
def test_an_object_that_is_hidden_is_shown(job, how):
    (root,) = roots()
    if how == "eye":
        root.hide_set(True)
    else:
        root.hide_viewport = True
    show(job)
    assert is_seen(root)


def test_what_is_protected_from_being_selected_is_selected(job):
    (root,) = roots()
    root.hide_select = root.users_collection[0].hide_select = True
    show(job)
    assert is_seen(root)


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT"])
def test_another_mode_is_left_with_what_was_done_in_it(job, mode):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    bpy.ops.object.mode_set(mode=mode)
    if mode == "EDIT":
        bpy.ops.mesh.delete(type="FACE")
    show(job)
    assert bpy.context.mode == "OBJECT" and cube.mode == "OBJECT" and not cube.select_get()
    assert is_seen(roots()[0]) and len(cube.data.polygons) == (0 if mode == "EDIT" else 6)


def test_the_window_turns_to_the_scene_that_has_it(job, capfd):
    bpy.context.window.scene = bpy.data.scenes.new("Empty One")
    there = next(scene for scene in bpy.data.scenes if scene.name != "Empty One")
    show(job)
    assert bpy.context.window.scene == there and is_seen(roots()[0])
    assert f"in the scene {there.name}, which the window shows now" in capfd.readouterr().out


def test_where_it_is_in_this_scene_too_the_window_stays(job):
    here = bpy.context.scene
    other = bpy.data.scenes.new("Other")
    other.collection.objects.link(roots()[0])
    show(job)
    assert bpy.context.window.scene == here


def test_what_is_no_longer_in_the_file_is_said_and_can_be_imported_again(job, session):
    kept = roots()[0]
    kept.use_fake_user = True  # so that its data stay
    for collection in kept.users_collection:
        collection.objects.unlink(kept)
    with pytest.raises(RuntimeError, match="Red Star is no longer in this file: import it"):
        show(job)
    assert show(job, import_again=True) == {"FINISHED"}
    (again,) = [root for root in roots() if root != kept]
    assert is_seen(again) and not kept.users_scene
    assert show(job, import_again=True) == {"FINISHED"}
    assert len(roots()) == 2, "it is there already"


def test_what_has_no_model_says_so(session, make_job):
    job = make_job("failed")
    with pytest.raises(RuntimeError, match="Red Star has no model yet: it is failed"):
        show(job.id, import_again=True)


def test_what_was_never_imported_is_not_said_to_have_been_here(session, make_job):
    with pytest.raises(RuntimeError, match="Red Star is not in this file yet"):
        show(make_job("ready").id)


def linked_scene(tmp_path):
    """Have the window show a scene that is linked from another file."""
    path = tmp_path / "lib.blend"
    bpy.context.scene.name = "Linked"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.scenes = ["Linked"]
    bpy.context.window.scene = wanted.scenes[0]
    return wanted.scenes[0]


OF_A_SCENE = {
    "generate": {},
    "generate_from_files": {"filepath": "/star.png"},
    "import_result": {"job": "?"},
    "retry": {"job": "?"},
    "retry_all": {},
    "choose_picture": {"filepath": "/star.png"},
    "adopt": {"job": "?", "task_id": "0193"},
    "send_again": {"job": "?"},
    "use_settings": {"job": "?"},
    "reset_parameters": {},
    "show": {"job": "?"},
    "keep": {"job": "?"},
}
"""The operators that change a scene, or have a model enter it."""


@pytest.mark.parametrize("name", OF_A_SCENE)
def test_in_a_linked_scene_each_operator_says_why_it_cannot(job, tmp_path, name):
    linked_scene(tmp_path)
    with pytest.raises(RuntimeError, match="The scene is linked from another file and cannot be changed"):
        getattr(bpy.ops.image_to_3d, name)(
            **{key: job if value == "?" else value for key, value in OF_A_SCENE[name].items()}
        )


def test_a_model_that_is_only_in_a_linked_scene_is_not_turned_to(job, tmp_path):
    linked_scene(tmp_path)
    bpy.context.window.scene = here = next(scene for scene in bpy.data.scenes if scene.library is None)
    with pytest.raises(RuntimeError, match="Red Star is in the scene Linked, which is linked from another file"):
        show(job)
    assert bpy.context.window.scene == here


def test_jobs_are_looked_after_and_arrive_elsewhere_while_a_linked_scene_is_shown(
    extension, star, tmp_path, session, capfd
):
    linked = linked_scene(tmp_path)
    own = next(scene for scene in bpy.data.scenes if scene.library is None)
    job = extension.module("session.start").start_job(own, filepath=str(star))
    tick_until(session, lambda: not session.is_busy())
    extension.module("operators.watch").beat()
    assert session.job(job.id).state == "imported" and own.collection.children.get("Red Star")
    assert bpy.context.window.scene == linked and "Traceback" not in capfd.readouterr().err
