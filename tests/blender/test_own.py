# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that has arrived is wholly the open file's: nothing in it says where the job's folder is, also after saving
and opening again, and all that it is made of is there once, as it was."""

from pathlib import Path

import bpy
import pytest
from ticking import tick_until

KINDS = ("objects", "meshes", "armatures", "materials", "node_groups", "images", "actions", "shape_keys", "collections")
FRAME = 10


def names():
    return {kind: sorted(entry.name for entry in getattr(bpy.data, kind)) for kind in KINDS}


def animate(target, name, path, values):
    """Animate a property of `target`, by an action of its own."""
    target.animation_data_create().action = bpy.data.actions.new(name)
    holder, _, prop = path.rpartition(".")
    for frame, value in values.items():
        setattr(target.path_resolve(holder) if holder else target, prop, value)
        assert target.keyframe_insert(path, frame=frame)
    return target.animation_data.action


def build():
    """An object with all that a model may be made of: skeleton, shape keys, both animated, one of them in the NLA,
    a material on the mesh and one on the object, a group of nodes, images."""
    images = []
    for name, color in (("Colour", 0.25), ("Glow", 0.75)):
        image = bpy.data.images.new(name, 4, 4)
        image.pixels.foreach_set([color] * 64)
        image.pack()
        images.append(image)
    group = bpy.data.node_groups.new("Wiring", "ShaderNodeTree")
    group.nodes.new("ShaderNodeTexImage").image = images[1]
    materials = []
    for name in ("Skin", "Coat"):
        material = bpy.data.materials.new(name)
        if material.node_tree is None:  # before 5.0
            material.use_nodes = True
        material.node_tree.nodes.new("ShaderNodeTexImage").image = images[0]
        material.node_tree.nodes.new("ShaderNodeGroup").node_tree = group
        materials.append(material)
    mesh = bpy.data.meshes.new("Body")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 0, 2)], [], [(0, 1, 2)])
    mesh.materials.append(materials[0])
    mesh.materials.append(materials[0])
    root = bpy.data.objects.new("Fox", bpy.data.armatures.new("Bones"))
    body = bpy.data.objects.new("Body", mesh)
    body.parent = root
    body.material_slots[1].link = "OBJECT"
    body.material_slots[1].material = materials[1]
    body.shape_key_add(name="Basis")
    body.shape_key_add(name="High").data[2].co.z = 4
    mesh.shape_keys.name = "Shapes"
    body.modifiers.new("Armature", "ARMATURE").object = root
    collection = bpy.data.collections.new("Fox")
    for obj in (root, body):
        collection.objects.link(obj)
    animate(mesh.shape_keys, "Rise", 'key_blocks["High"].value', {1: 0.0, FRAME: 1.0})
    move = animate(body, "Move", "location", {1: (0, 0, 0), FRAME: (3, 0, 0)})
    slot = getattr(body.animation_data, "action_slot", None)  # from 4.4 on
    body.animation_data.action = None
    strip = body.animation_data.nla_tracks.new().strips.new("Move", 1, move)
    if slot is not None:
        strip.action_slot = slot
    return collection


@pytest.fixture
def job(make_job, session):
    """A job that is ready, with such a model; and what there is of it, by kind."""
    job = make_job("ready", name="Fox", note="1 face")
    blend = session.folder_of(job.id) / "result.blend"
    collection = build()
    bpy.data.libraries.write(str(blend), {collection}, compress=False)
    there = names()
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    tick_until(session, lambda: session.job(job.id))
    return job, there


def private(root):
    """All in the open file that says where the jobs are."""
    found = [path for path in bpy.utils.blend_paths(absolute=True) if Path(path).is_relative_to(root)]
    found += [library.filepath for library in bpy.data.libraries]
    for entry in bpy.data.user_map():
        if entry.library_weak_reference is not None:
            found.append(f"{entry.name}: {entry.library_weak_reference.filepath}")
        if entry.asset_data is not None:
            found.append(f"{entry.name} is an asset")
    return found


def check(there):
    """The model is whole: all is there once, as it was called, and used as it was."""
    assert names() == there
    body = bpy.data.objects["Body"]
    mesh = body.data
    coat, skin = body.material_slots[1], body.material_slots[0]
    assert (coat.link, coat.material.name, skin.link, skin.material.name) == ("OBJECT", "Coat", "DATA", "Skin")
    for material in (coat.material, skin.material):
        nodes = material.node_tree.nodes
        (image,) = (node.image for node in nodes if node.type == "TEX_IMAGE")
        (group,) = (node.node_tree for node in nodes if node.type == "GROUP")
        assert image.packed_file and image.pixels[0] == pytest.approx(0.25, abs=0.01)
        (glow,) = (node.image for node in group.nodes if node.type == "TEX_IMAGE")
        assert glow.packed_file and glow.pixels[0] == pytest.approx(0.75, abs=0.01)
    assert mesh.shape_keys.animation_data.action.name == "Rise"
    bpy.context.scene.frame_set(FRAME)
    evaluated = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert evaluated.matrix_world.translation.x == pytest.approx(3, abs=1e-4)
    assert evaluated.data.vertices[2].co.z == pytest.approx(4, abs=1e-4)


def test_nothing_in_the_file_says_where_the_jobs_folder_is(job, session, tmp_path):
    job, there = job
    bpy.context.scene.render.fps = 24
    assert bpy.ops.image_to_3d.import_result(job=job.id) == {"FINISHED"}
    assert private(session.root()) == []
    check(there)
    file = tmp_path / "users.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file), compress=False)
    content = file.read_bytes()
    for word in (b"result.blend", str(session.root()).encode(), b"/jobs/"):
        assert word not in content
    bpy.ops.wm.open_mainfile(filepath=str(file))
    assert private(session.root()) == []
    check(there)


def test_a_second_model_leaves_no_path_either_and_goes_with_all_that_came(job, session, extension):
    job, there = job
    for _ in range(2):
        bpy.ops.image_to_3d.import_result(job=job.id)
    assert private(session.root()) == []
    kept, removed = sorted(
        (obj for obj in bpy.data.objects if "image_to_3d_job" in obj), key=lambda root: root.session_uid
    )
    assert extension.module("scene.removal").remove([removed]) == 1
    assert names() == there
    assert extension.module("scene.removal").remove([kept]) == 1
    assert not any(names().values())


def test_what_the_user_has_made_of_a_model_is_no_part_of_it(job, extension):
    job, _ = job
    bpy.ops.image_to_3d.import_result(job=job.id)
    body = bpy.data.objects["Body"]
    mine = body.data.materials[0].copy()
    body.data.materials[0] = mine
    extension.module("scene.removal").remove([bpy.data.objects["Fox"]])
    assert mine.name in bpy.data.materials and "Coat" not in bpy.data.materials


def test_what_is_linked_from_the_library_of_models_stays_linked(job, session, extension):
    job, _ = job
    blend = session.folder_of(job.id) / "result.blend"
    with bpy.data.libraries.load(str(blend), link=True) as (held, wanted):
        wanted.collections = held.collections
    (linked,) = wanted.collections
    bpy.context.scene.collection.children.link(linked)
    bpy.ops.image_to_3d.import_result(job=job.id)
    (library,) = bpy.data.libraries
    assert Path(library.filepath) == blend and linked.library == library
    assert all(obj.library == library for obj in linked.all_objects)
    own = next(obj for obj in bpy.context.scene.objects if obj.library is None and "image_to_3d_job" in obj)
    assert own.data.library is None and own.data.library_weak_reference is None
    assert extension.module("scene.linked").jobs_linked(session.root()) == {job.id}


def test_a_script_that_takes_the_window_away_has_its_model_all_the_same(job):
    job, there = job
    with bpy.context.temp_override(window=None):
        assert bpy.ops.image_to_3d.import_result(job=job.id) == {"FINISHED"}
    assert names() == there
