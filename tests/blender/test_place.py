# SPDX-License-Identifier: GPL-3.0-or-later
"""How a model enters the scene: where it stands, what it leaves alone, how it is wired, where it says it came from."""

import itertools
import json

import bpy
import pytest
from mathutils import Vector


def world_bounds(obj):
    corners = [obj.matrix_world @ Vector(corner) for corner in obj.bound_box]
    return [min(c[axis] for c in corners) for axis in range(3)], [max(c[axis] for c in corners) for axis in range(3)]


def test_it_stands_on_the_floor_at_the_cursor_in_a_collection_of_its_own(settings, star):
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


def test_it_has_the_size_asked_for_in_a_scene_that_counts_in_centimeters(settings, star):
    bpy.context.scene.unit_settings.scale_length = 0.01
    bpy.ops.image_to_3d.generate(filepath=str(star))
    assert max(bpy.data.objects["Red Star"].dimensions) == pytest.approx(100, rel=0.001)


@pytest.mark.parametrize("mode", ["OBJECT", "EDIT", "SCULPT"])
def test_mode_selection_and_active_object_stay(settings, star, mode):
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


def test_it_is_one_undo_step(settings, star):
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

    job = session.jobs()[0]
    assert model["image_to_3d_service"] == "local"
    assert model["image_to_3d_job"] == job.id
    assert model["image_to_3d_picture"] == "Red Star"
    assert model["image_to_3d_picture_sha256"] == hashlib.sha256(star.read_bytes()).hexdigest()
    assert json.loads(model["image_to_3d_parameters"]) == {
        "geometry_model": "base",
        "texture_model": "pbr",
        "scaled_bbox": [-1, -1, -1],
        "preserve_aspect_ratio": False,
        "topology": "tris",
        "resolution": "low_poly",
    }
    assert job.state == "imported"


def test_it_survives_saving_and_the_loss_of_the_jobs_folder(model, session, tmp_path):
    job = session.jobs()[0]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.image_to_3d.remove(job=job.id)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    root = bpy.data.objects["Red Star"]
    assert root["image_to_3d_job"] == job.id
    assert all(image.packed_file and image.size[0] for image in bpy.data.images)
