# SPDX-License-Identifier: GPL-3.0-or-later
"""How a model enters the scene: where it stands, what it leaves alone, how it is wired, where it says it came from."""

import itertools
import json
import math
import shutil

import bpy
import pytest
from mathutils import Vector
from ticking import tick_until


def world_bounds(obj):
    corners = [obj.matrix_world @ Vector(corner) for corner in obj.bound_box]
    return [min(c[axis] for c in corners) for axis in range(3)], [max(c[axis] for c in corners) for axis in range(3)]


def test_it_stands_on_the_floor_at_the_cursor_in_a_collection_of_its_own(settings, star, session):
    bpy.context.scene.cursor.location = (3, -2, 1)
    bpy.ops.image_to_3d.generate(filepath=str(star))
    root = bpy.data.objects["Red Star"]
    bpy.context.view_layer.update()
    low, high = world_bounds(root)
    assert low[2] == pytest.approx(1, abs=1e-5)
    assert [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2] == pytest.approx([3, -2], abs=1e-5)
    assert max(high[0] - low[0], high[2] - low[2]) == pytest.approx(1, rel=0.001)
    (collection,) = root.users_collection
    assert collection.name == "Red Star" and collection.name in bpy.context.scene.collection.children
    assert list(collection.all_objects) == [root]
    kept_low, kept_high = session.job(root["image_to_3d_job"]).bounds
    assert [*kept_low, *kept_high] == pytest.approx(
        [*Vector(low) - root.location, *Vector(high) - root.location], abs=1e-5
    )


def test_it_has_the_size_asked_for_in_a_scene_that_counts_in_centimeters(settings, star):
    bpy.context.scene.unit_settings.scale_length = 0.01
    bpy.ops.image_to_3d.generate(filepath=str(star))
    assert max(bpy.data.objects["Red Star"].dimensions) == pytest.approx(100, rel=0.001)


# Where the settings say


def bounds_of_all(root):
    bpy.context.view_layer.update()
    every = [world_bounds(obj) for obj in (root, *root.children_recursive) if obj.type == "MESH"]
    return [min(low[axis] for low, _ in every) for axis in range(3)], [
        max(high[axis] for _, high in every) for axis in range(3)
    ]


def sides(root):
    low, high = bounds_of_all(root)
    return [high[axis] - low[axis] for axis in range(3)]


@pytest.fixture
def ready_job(make_job, session, tmp_path):
    """A job whose model is 2 x 6 x 3 meters: an empty, a cube under it, and one at the end of a scaled arm.

    The second is turned, and moved by its parent's inverse: along the longest side, which the size goes by, and up.
    """
    job = make_job("ready", place={"location": [9, 9, 9]}, task_id="task-7")
    collection = bpy.data.collections.new("Red Star")
    root = bpy.data.objects.new("Red Star", None)
    collection.objects.link(root)
    mesh = bpy.data.meshes.new("Cube")
    corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    mesh.from_pydata(corners, [], [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5)])
    left, arm, right = (bpy.data.objects.new(name, data) for name, data in (("L", mesh), ("Arm", None), ("R", mesh)))
    for obj, parent, y in ((left, root, -2), (arm, root, 1), (right, arm, 0)):
        obj.parent, obj.location.y = parent, y
        collection.objects.link(obj)
    arm.scale = (0.5, 0.5, 0.5)
    right.scale = (2, 2, 2)
    right.rotation_euler.x = 1.5707963
    right.matrix_parent_inverse.translation = (0, 2, 2)
    bpy.data.libraries.write(str(session.folder_of(job.id) / "result.blend"), {collection})
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    session.tick()
    return job


def imported(job):
    before = set(bpy.data.objects)
    assert bpy.ops.image_to_3d.import_result(job=job.id) == {"FINISHED"}
    (root,) = [obj for obj in bpy.data.objects if obj not in before and obj.parent is None]
    return root


@pytest.mark.parametrize("scale_length", [1, 0.01])
def test_the_size_is_that_of_the_longest_side_in_scene_units(ready_job, scale_length):
    scene = bpy.context.scene
    scene.unit_settings.scale_length = scale_length
    assert sides(imported(ready_job)) == pytest.approx([2 / scale_length, 6 / scale_length, 3 / scale_length], rel=1e-5)
    scene.image_to_3d.size = 3
    assert sides(imported(ready_job))[1] == pytest.approx(6 / scale_length, rel=1e-5)  # it is not used
    scene.image_to_3d.use_size = True
    assert sides(imported(ready_job)) == pytest.approx([1, 3, 1.5], rel=1e-5)


@pytest.fixture
def job_of(make_job, session):
    """Makes a job of an object, with what is given in its record."""

    def job_of(obj, **fields):
        job = make_job("ready", **fields)
        collection = bpy.data.collections.new("Red Star")
        collection.objects.link(obj)
        bpy.data.libraries.write(str(session.folder_of(job.id) / "result.blend"), {collection})
        bpy.ops.wm.read_homefile(use_empty=True, app_template="")
        session.tick()
        return job

    return job_of


def bent_cube():
    """A cube of 1 x 1 x 1 whose shape key has it be 5 high."""
    bpy.ops.mesh.primitive_cube_add(size=1, location=(0, 0, 0))
    obj = bpy.context.object
    obj.shape_key_add(name="Basis")
    key = obj.shape_key_add(name="High")
    key.value = 1
    for point in key.data:
        point.co.z = 5 if point.co.z > 0 else 0
    for collection in obj.users_collection:
        collection.objects.unlink(obj)
    return obj


BENT = ((-0.5, -0.5, 0.0), (0.5, 0.5, 5.0))


def seen_corners(obj):
    bpy.context.view_layer.update()
    shown = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return [obj.matrix_world @ vertex.co for vertex in shown.data.vertices]


def test_the_size_is_that_of_what_is_seen(job_of):
    job = job_of(bent_cube(), bounds=BENT)
    scene = bpy.context.scene
    scene.image_to_3d.use_size, scene.image_to_3d.size = True, 10
    heights = [corner.z for corner in seen_corners(imported(job))]
    assert (min(heights), max(heights)) == pytest.approx((0, 10))


def test_room_is_made_for_what_is_seen(job_of):
    job = job_of(bent_cube(), bounds=BENT)
    bpy.ops.mesh.primitive_cube_add(size=4, location=(0, 0, 3))  # the cube as it is not bent would end below it
    other = bpy.context.object
    root = imported(job)
    assert min(abs(root.location.x), abs(root.location.y)) == 0 and root.location.z == 0
    assert max(abs(root.location.x), abs(root.location.y)) > 2.5
    assert other.location.z == 3


def swinging_cube():
    """A cube that rises by 2 within a second of 24 frames, and the same as a track that is off."""
    obj = bent_cube()
    obj.location.z = 0
    obj.keyframe_insert("location", frame=0)
    obj.location.z = 2
    obj.keyframe_insert("location", frame=24)
    data = obj.animation_data
    track = data.nla_tracks.new()
    track.strips.new("Rise", 1, data.action)
    track.mute = True
    return obj


@pytest.mark.parametrize(("fps", "fps_base", "frames"), [(24, 1, 24), (60, 1, 60), (30, 2, 15)])
def test_it_moves_as_fast_as_it_was_made_whatever_the_scene_s_frame_rate(job_of, fps, fps_base, frames):
    job = job_of(swinging_cube())
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, fps_base
    own = swinging_cube()
    root = imported(job)
    data = root.animation_data
    assert tuple(data.action.frame_range) == pytest.approx((0, frames))
    heights = []
    for frame in (0, frames / 2, frames):
        scene.frame_set(int(frame), subframe=frame % 1)
        heights.append(root.location.z)
    assert heights == pytest.approx([0, 1, 2], abs=1e-4)
    ((strip,),) = [track.strips for track in data.nla_tracks]
    assert (strip.frame_start, strip.frame_end) == pytest.approx((1, 1 + frames))
    assert (strip.action_frame_start, strip.action_frame_end) == pytest.approx((0, frames))
    assert strip.scale == pytest.approx(1)
    assert tuple(own.animation_data.action.frame_range) == (0, 24)


@pytest.mark.parametrize(("side", "word", "scale"), [(1e-5, "smaller", 1e5), (1e8, "larger", 1e-5)])
def test_a_size_asked_for_never_scales_by_a_million(job_of, extension, session, side, word, scale):
    obj = bent_cube()
    job = job_of(obj, bounds=((-side / 2, -side / 2, 0.0), (side / 2, side / 2, side)))
    place = extension.module("scene.place").place
    placed = place(session.folder_of(job.id), job, bpy.context.scene, {"size": 100.0}, undo_step=False)
    assert list(placed.root.scale) == pytest.approx([scale] * 3)
    assert placed.remarks == [f"{word} than asked for, as its size is changed by up to 100,000 times"]


def test_a_model_of_one_object_has_the_size_too(settings, star, quick_models):
    settings.use_size, settings.size = True, 2.5
    bpy.ops.image_to_3d.generate(filepath=str(star))
    assert max(bpy.data.objects["Red Star"].dimensions) == pytest.approx(2.5, rel=1e-5)


def test_by_hand_it_goes_where_the_settings_say_now(ready_job):
    chosen, cursor = bpy.context.scene.image_to_3d, bpy.context.scene.cursor
    cursor.location = (1, 2, 3)
    assert list(imported(ready_job).location) == [1, 2, 3]
    cursor.location = (4, 5, 6)
    assert list(imported(ready_job).location) == [4, 5, 6]
    chosen.location = "ORIGIN"
    assert list(imported(ready_job).location) == [0, 0, 0]
    chosen.location, cursor.location = "CURSOR", (4, math.nan, math.inf)
    assert list(imported(ready_job).location) == [0, 0, 0]


def parents_of(root):
    (own,) = root.users_collection
    scenes = [scene for scene in bpy.data.scenes if own.name in scene.collection.children]
    return [*scenes, *(entry for entry in bpy.data.collections if own.name in entry.children)]


def test_it_goes_into_the_collection_that_was_chosen(ready_job):
    scene = bpy.context.scene
    outer, inner = bpy.data.collections.new("Outer"), bpy.data.collections.new("Inner")
    outer.children.link(inner)
    scene.image_to_3d.collection = inner
    assert parents_of(imported(ready_job)) == [scene]  # the collection is in no scene
    scene.collection.children.link(outer)
    assert parents_of(imported(ready_job)) == [inner]


def test_a_linked_collection_takes_nothing_so_it_goes_into_the_scene(ready_job, tmp_path):
    scene = bpy.context.scene
    library = str(tmp_path / "library.blend")
    bpy.data.libraries.write(library, {bpy.data.collections.new("Linked")})
    bpy.data.collections.remove(bpy.data.collections["Linked"])
    with bpy.data.libraries.load(library, link=True) as (held, wanted):
        wanted.collections = held.collections
    scene.collection.children.link(wanted.collections[0])
    scene.image_to_3d.collection = wanted.collections[0]
    assert parents_of(imported(ready_job)) == [scene]
    assert not wanted.collections[0].children


def test_it_is_not_turned_and_its_own_collection_holds_all_of_it(ready_job):
    root = imported(ready_job)
    assert list(root.rotation_euler) == [0, 0, 0]
    (own,) = root.users_collection
    assert own.name == "Red Star" and set(own.all_objects) == {root, *root.children_recursive}
    assert len(own.all_objects) == 4
    assert root["image_to_3d_task"] == "task-7"


def test_the_same_model_twice_is_two_models(ready_job):
    first, second = imported(ready_job), imported(ready_job)
    assert not {first, *first.children_recursive} & {second, *second.children_recursive}
    assert first.users_collection != second.users_collection
    meshes = [next(obj.data for obj in root.children if obj.type == "MESH") for root in (first, second)]
    meshes[0].vertices[0].co.x = 99
    assert meshes[1].vertices[0].co.x != 99


def test_a_damaged_model_leaves_the_file_as_it_was(ready_job, session):
    blend = session.folder_of(ready_job.id) / "result.blend"
    content = blend.read_bytes()
    before = [len(data) for data in (bpy.data.objects, bpy.data.meshes, bpy.data.collections)]
    for damaged in (content[: len(content) // 3], b"", b"<html>"):
        blend.write_bytes(damaged)
        with pytest.raises(RuntimeError, match="retry the job"):
            bpy.ops.image_to_3d.import_result(job=ready_job.id)
    for name in ("One", "Two"):
        bpy.data.collections.new(name).objects.link(bpy.data.objects.new(name, None))
    bpy.data.libraries.write(str(blend), {bpy.data.collections["One"], bpy.data.collections["Two"]})
    for name in ("One", "Two"):
        bpy.data.objects.remove(bpy.data.objects[name])
        bpy.data.collections.remove(bpy.data.collections[name])
    with pytest.raises(RuntimeError, match="is damaged: retry the job"):
        bpy.ops.image_to_3d.import_result(job=ready_job.id)
    assert [len(data) for data in (bpy.data.objects, bpy.data.meshes, bpy.data.collections)] == before


def test_it_goes_into_another_scene_where_one_was_chosen(ready_job):
    other = bpy.data.scenes.new("Other")
    other.cursor.location = (7, 8, 9)
    other.unit_settings.scale_length = 0.01
    bpy.context.scene.image_to_3d.target_scene = other
    root = imported(ready_job)
    assert parents_of(root) == [other] and list(root.location) == [7, 8, 9]
    assert root.scale[0] == pytest.approx(100)


def test_by_itself_it_goes_where_the_settings_said_when_it_was_asked_for(
    extension, settings, star, session, no_jobs, quick_models
):
    scene, other = bpy.context.scene, bpy.data.scenes.new("Other")
    kept, lost = bpy.data.collections.new("Kept"), bpy.data.collections.new("Lost")
    for collection in (kept, lost):
        other.collection.children.link(collection)
    start = extension.module("session.start").start_job
    settings.target_scene, settings.use_size, settings.size = other, True, 4
    jobs = []
    for x, collection in ((1, kept), (2, lost)):
        other.cursor.location, settings.collection = (x, 0, 0), collection
        jobs.append(start(scene, filepath=str(star)).id)
    other.cursor.location, settings.size, settings.target_scene, settings.collection = (5, 5, 5), 9, None, None
    bpy.data.collections.remove(lost)
    tick_until(session, lambda: not session.is_busy())
    roots = {obj["image_to_3d_job"]: obj for obj in bpy.data.objects}
    assert [list(roots[job].location) for job in jobs] == [[1, 0, 0], [2, 0, 0]]
    assert [parents_of(roots[job]) for job in jobs] == [[kept], [other]]
    assert all(max(sides_at_scale(roots[job])) == pytest.approx(4, rel=1e-5) for job in jobs)


def sides_at_scale(obj):
    """Without the world matrix, which a scene that is not shown does not have."""
    low, high = (Vector(f(corner[axis] for corner in obj.bound_box) for axis in range(3)) for f in (min, max))
    return (high - low) * obj.scale[0]


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT"])
def test_outside_object_mode_the_mode_selection_and_active_object_stay(settings, star, quick_models, mode):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.mesh.primitive_uv_sphere_add(location=(3, 0, 0))
    active = bpy.context.object
    bpy.ops.object.mode_set(mode=mode)
    before = bpy.context.mode, [obj.name for obj in bpy.context.selected_objects]
    bpy.ops.image_to_3d.generate(filepath=str(star))
    assert (bpy.context.mode, [obj.name for obj in bpy.context.selected_objects]) == before
    assert bpy.context.view_layer.objects.active == active
    assert not bpy.data.objects["Red Star"].select_get()
    bpy.ops.object.mode_set(mode="OBJECT")


def test_it_is_one_undo_step(settings, star, quick_models):
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.image_to_3d.generate(filepath=str(star))
    assert "Red Star" in bpy.data.objects
    bpy.ops.ed.undo()
    assert "Red Star" not in bpy.data.objects and "Red Star" not in bpy.data.collections
    bpy.ops.ed.redo()
    assert "Red Star" in bpy.data.objects


def test_the_material_is_one_principled_bsdf_with_its_maps(model):
    (material,) = model.data.materials
    nodes = material.node_tree.nodes
    (principled,) = [node for node in nodes if node.type == "BSDF_PRINCIPLED"]

    def feeding(socket):
        (link,) = principled.inputs[socket].links
        return link.from_node, link.from_socket

    color, _ = feeding("Base Color")
    assert (color.type, color.image.colorspace_settings.name) == ("TEX_IMAGE", "sRGB")
    for socket, channel in (("Metallic", "Blue"), ("Roughness", "Green")):
        separate, output = feeding(socket)
        assert (separate.type, output.name) == ("SEPARATE_COLOR", channel)
        packed = separate.inputs[0].links[0].from_node
        assert (packed.type, packed.image.colorspace_settings.name) == ("TEX_IMAGE", "Non-Color")
    bump, _ = feeding("Normal")
    assert bump.type == "NORMAL_MAP"
    normal = bump.inputs["Color"].links[0].from_node
    assert (normal.type, normal.image.colorspace_settings.name) == ("TEX_IMAGE", "Non-Color")
    assert all(image.packed_file for image in bpy.data.images)


def test_the_nodes_can_be_read_by_a_person(model):
    nodes = model.data.materials[0].node_tree.nodes
    columns = {node.name: node.location.x for node in nodes}
    for node in nodes:
        for socket in node.inputs:
            for link in socket.links:
                assert columns[link.from_node.name] < columns[node.name], "what feeds a node stands to its left"
    places = sorted((node.location.x, node.location.y) for node in nodes)
    for (x, y), (other_x, other_y) in itertools.pairwise(places):
        assert other_x - x >= 250 or other_y - y >= 290, "no two nodes overlap"
    labels = {node.label for node in nodes if node.type == "TEX_IMAGE"}
    assert labels == {"Base Color", "Metallic and Roughness", "Normal"}


def test_the_root_says_where_it_came_from(model, star, session):
    import hashlib

    job = session.job(model["image_to_3d_job"])
    assert model["image_to_3d_service"] == "local"
    assert model["image_to_3d_picture"] == "Red Star"
    assert model["image_to_3d_picture_sha256"] == hashlib.sha256(star.read_bytes()).hexdigest()
    assert json.loads(model["image_to_3d_parameters"]) == {
        "geometry_model": "base",
        "texture_model": "pbr",
        "scaled_bbox": [-1, -1, -1],
        "preserve_aspect_ratio": False,
        "topology": "tris",
        "resolution": "low_poly",
        "cutout": "auto",
        "back": "mirrored",
    }
    assert job.state == "imported"


def test_it_survives_saving_and_the_loss_of_the_jobs_folder(model, session, tmp_path):
    job = session.job(model["image_to_3d_job"])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.image_to_3d.remove(job=job.id)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    root = bpy.data.objects["Red Star"]
    assert root["image_to_3d_job"] == job.id
    assert all(image.packed_file and image.size[0] for image in bpy.data.images)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://me:SECRET@example.org/fox.png?Signature=SECRET#SECRET", "https://example.org/fox.png"),
        ("https://me:SEC/RET@example.org/fox.png", ""),
    ],
)
def test_the_user_s_file_never_holds_what_gives_access_to_the_picture(
    make_job, session, ready_job, tmp_path, url, said
):
    job = make_job("ready", parameters={"image_url": url})
    shutil.copyfile(session.folder_of(ready_job.id) / "result.blend", session.folder_of(job.id) / "result.blend")
    session.tick()
    root = imported(job)
    assert root["image_to_3d_picture"] == said
    saved = tmp_path / "saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(saved), compress=False, copy=True)
    assert b"SECRET" not in saved.read_bytes() and root["image_to_3d_job"] == job.id
