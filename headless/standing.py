# SPDX-License-Identifier: GPL-3.0-or-later
"""What the importer has made -> one root object that stands on the origin. Changes objects and meshes, never materials.

The root's origin is the middle of the model's foot, so that placing the root stands the model on the floor. The root
itself is never animated: what moves, moves below it.
"""

import bpy  # isort: skip -- first: where Blender is a Python module, mathutils comes with it
import numpy as np
from mathutils import Matrix, Vector

from ..api.glb import GONE_TAG
from . import normals, seen
from .aside import set_aside

FAR = 10.0
"""Times the model's longest side: so far from the origin a foot is measured twice, as Blender's numbers, floats of 32
bits, are coarse there."""


def one_root(name: str) -> bpy.types.Object:
    """Return the model's one root object, called `name`, standing on the origin.

    A single mesh that does not move becomes the root itself, with all transforms applied; all else gets an empty as its
    parent. Something of the model must be seen: see `seen.keep_faces`.
    """
    _remove_gone()
    bpy.context.view_layer.update()
    meshes = [obj for obj in bpy.data.objects if obj.type == "MESH"]
    root = _applied(meshes[0]) if len(meshes) == 1 and _is_still(meshes[0]) else _above_all()
    namesake: bpy.types.Object | None = bpy.data.objects.get(name)
    if namesake is not None and namesake is not root:
        namesake.name = f"{name}.001"  # else the root would get the number
    root.name = name
    if root.data is not None:
        root.data.name = name
    for obj in bpy.data.objects:
        obj.select_set(False)  # the importer selects what it made, and the user's selection is theirs
    return root


def bounds() -> list[list[float]]:
    """The lowest and the highest x, y and z (meters) of what is seen, in the space of the root on the origin."""
    return [corner.tolist() for corner in seen.bounds()]


def _remove_gone() -> None:
    """Remove the objects that were only a camera or a light, where nothing is below them."""
    gone = {obj for obj in bpy.data.objects if obj.get(GONE_TAG)}
    for obj in gone:
        del obj[GONE_TAG]
    while gone:
        parents = {obj.parent for obj in bpy.data.objects}
        leaves = [obj for obj in gone if obj.type == "EMPTY" and obj not in parents]
        if not leaves:
            return
        gone.difference_update(leaves)
        bpy.data.batch_remove(leaves)


def _is_still(mesh: bpy.types.Object) -> bool:
    """Whether nothing moves the mesh object, nor bends its mesh; shape keys may."""
    chain = [mesh]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    has_skeleton = any(obj.type == "ARMATURE" for obj in bpy.data.objects)
    return not mesh.modifiers and not has_skeleton and not any(map(_is_animated, chain))


def _is_animated(obj: bpy.types.Object) -> bool:
    data = obj.animation_data
    return data is not None and (data.action is not None or len(data.nla_tracks) > 0)


def _applied(root: bpy.types.Object) -> bpy.types.Object:
    """Make the mesh object the only one in the scene, standing on the origin with nothing to apply."""
    mesh: bpy.types.Mesh = root.data
    linear = np.array(root.matrix_world, np.float64)[:3, :3]
    # Where the object stands is left out: far from the origin, the place of its foot would be rounded.
    shown = seen.positions(root.evaluated_get(bpy.context.evaluated_depsgraph_get()).data)
    turned = linear @ shown.T
    placing = Matrix(linear.tolist()).to_4x4()
    placing.translation = -_foot(turned.min(axis=1), turned.max(axis=1))
    with normals.kept(mesh, linear):
        mesh.transform(placing, shape_keys=True)
        if np.linalg.det(linear) < 0:  # a mirrored node's faces would look inward (Blender 4.2 to 5.2)
            mesh.flip_normals()
    root.parent = None
    root.matrix_parent_inverse = Matrix.Identity(4)
    root.matrix_basis = Matrix.Identity(4)
    set_aside(obj for obj in bpy.data.objects if obj is not root)
    if placing.translation.length > FAR * float(np.ptp(turned, axis=1).max()):
        mesh.transform(Matrix.Translation(-_foot(*_measured())), shape_keys=True)
    return root


def _above_all() -> bpy.types.Object:
    """Make an empty on the origin the parent of all, and have the model stand there."""
    low, high = seen.bounds()
    root = bpy.data.objects.new("Root", None)
    bpy.context.scene.collection.objects.link(root)
    root.empty_display_size = max(high - low) / 2
    tops = [obj for obj in bpy.data.objects if obj.parent is None and obj is not root]
    for obj in tops:
        obj.parent = root
    foot = _foot(low, high)
    _move(tops, -foot)
    if foot.length > FAR * max(high - low):
        _move(tops, -_foot(*_measured()))
    return root


def _move(tops: list[bpy.types.Object], by: Vector) -> None:
    for obj in tops:
        if _is_animated(obj):  # its place is the animation's
            obj.matrix_parent_inverse = Matrix.Translation(by) @ obj.matrix_parent_inverse
        else:
            obj.location += by


def _foot(low: np.ndarray, high: np.ndarray) -> Vector:
    """The middle of the foot of a box."""
    return Vector(((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]))


def _measured() -> tuple[np.ndarray, np.ndarray]:
    """The box around what is seen, after something was moved. Blender needs seconds to move 10,000 objects."""
    bpy.context.view_layer.update()
    return seen.bounds()
