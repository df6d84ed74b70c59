# SPDX-License-Identifier: GPL-3.0-or-later
"""Finished jobs with models of a known size, and scenes for them to arrive in. For tests only."""

import bpy
import bmesh
from mathutils import Matrix, Vector


def finished(session, make_job, size=(0.6, 0.5, 1.0), name="Fox", **fields):
    """A job that is ready, whose model is a round body of that size on the floor; written beside an empty file."""
    job = make_job("ready", name=name, note="48 faces", **fields)
    mesh = bpy.data.meshes.new(name)
    shape = bmesh.new()
    bmesh.ops.create_uvsphere(shape, u_segments=8, v_segments=6, radius=0.5)
    shape.transform(Matrix.Diagonal((*size, 1.0)) @ Matrix.Translation((0, 0, 0.5)))
    for axis in range(3):  # eight segments do not reach as far as the circle everywhere
        values = [vertex.co[axis] for vertex in shape.verts]
        low, high = min(values), max(values)
        for vertex in shape.verts:
            share = (vertex.co[axis] - low) / ((high - low) or 1)
            vertex.co[axis] = share * size[axis] - (0 if axis == 2 else size[axis] / 2)
    shape.to_mesh(mesh)
    shape.free()
    material = bpy.data.materials.new(name)
    mesh.materials.append(material)
    collection = bpy.data.collections.new(name)
    root = bpy.data.objects.new(name, mesh)
    collection.objects.link(root)
    bpy.data.libraries.write(str(session.folder_of(job.id) / "result.blend"), {collection})
    bpy.data.batch_remove([collection, root, mesh, material])
    return job


def mesh_object(name, corners, faces, scene=None):
    """A mesh object in the scene."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], faces)
    obj = bpy.data.objects.new(name, mesh)
    (scene or bpy.context.scene).collection.objects.link(obj)
    return obj


BOX_FACES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]


def box(name, low, high, scene=None, faces=BOX_FACES, inward=False):
    """A box of six faces whose normals look outward, or into it."""
    corners = [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    return mesh_object(name, corners, [face[::-1] for face in faces] if inward else faces, scene)


def joined(name, boxes):
    """One mesh of several boxes."""
    corners, faces = [], []
    for low, high in boxes:
        first = len(corners)
        corners += [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
        faces += [tuple(first + index for index in face) for face in BOX_FACES]
    return mesh_object(name, corners, faces)


def bounds(root):
    """The lowest and the highest corner of a model in the world."""
    bpy.context.view_layer.update()
    meshes = [obj for obj in (root, *root.children_recursive) if obj.type == "MESH"]
    corners = [obj.matrix_world @ Vector(corner) for obj in meshes for corner in obj.bound_box]
    return [tuple(f(corner[axis] for corner in corners) for axis in range(3)) for f in (min, max)]


def are_apart(root, other):
    """Whether two models, or a model and an object, have nothing in common."""
    (low, high), (low_other, high_other) = bounds(root), bounds(other)
    return any(high[axis] < low_other[axis] or high_other[axis] < low[axis] for axis in range(3))


def roots(job=None):
    """The roots of the models that are in the file, in the order in which they came."""
    found = [
        obj for obj in bpy.data.objects if "image_to_3d_job" in obj and (job is None or obj["image_to_3d_job"] == job)
    ]
    return sorted(found, key=lambda obj: obj.session_uid)
