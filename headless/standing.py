# SPDX-License-Identifier: GPL-3.0-or-later
"""What the importer has made -> one root object that stands on the origin. Changes objects and meshes, never materials.

The root's origin is the middle of the model's foot, so that placing the root stands the model on the floor.
"""

import bpy  # isort: skip -- first: where Blender is a Python module, mathutils comes with it
from mathutils import Matrix, Vector


def one_root(name: str) -> bpy.types.Object:
    """Return the model's one root object, called `name`, standing on the origin.

    A single mesh becomes the root itself, with all transforms applied; several objects get an empty as their parent.
    """
    for obj in list(bpy.data.objects):
        if obj.type in {"CAMERA", "LIGHT"}:
            bpy.data.objects.remove(obj)
    meshes = [obj for obj in bpy.data.objects if obj.type == "MESH"]
    if not meshes:
        raise RuntimeError("it holds no mesh")
    bpy.context.view_layer.update()
    low, high = _bounds(meshes)
    foot = Vector(((low.x + high.x) / 2, (low.y + high.y) / 2, low.z))
    if len(meshes) == 1 and not meshes[0].modifiers:
        root = meshes[0]
        placing = Matrix.Translation(-foot) @ root.matrix_world
        mesh: bpy.types.Mesh = root.data
        mesh.transform(placing, shape_keys=True)
        if placing.determinant() < 0:  # a mirrored node's faces would look inward (Blender 4.2 to 5.2)
            mesh.flip_normals()
        root.parent = None
        root.matrix_world = Matrix.Identity(4)
        for obj in list(bpy.data.objects):
            if obj is not root:
                bpy.data.objects.remove(obj)
        mesh.name = name
    else:
        root = bpy.data.objects.new(name, None)
        bpy.context.scene.collection.objects.link(root)
        root.empty_display_size = max(high - low) / 2
        for obj in bpy.data.objects:
            if obj.parent is None and obj is not root:
                obj.parent = root
                obj.matrix_parent_inverse = Matrix.Translation(-foot)
    root.name = name
    for obj in bpy.data.objects:
        obj.select_set(False)  # the importer selects what it made, and the user's selection is theirs
    return root


def _bounds(meshes: list[bpy.types.Object]) -> tuple[Vector, Vector]:
    """The lowest and highest corner of the objects' bounding boxes, in world space."""
    corners = [obj.matrix_world @ Vector(corner) for obj in meshes for corner in obj.bound_box]
    return (
        Vector([min(corner[axis] for corner in corners) for axis in range(3)]),
        Vector([max(corner[axis] for corner in corners) for axis in range(3)]),
    )
