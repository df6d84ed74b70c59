# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the open file is seen: the faces, where skeletons and shape keys have them at the current frame, and the box
around them. Takes away what has no faces, and hides what the file hides; changes nothing of what has."""

import math
import re
from typing import Any

import bpy  # isort: skip -- first: where Blender is a Python module, bmesh comes with it
import bmesh
import numpy as np

from ..api.errors import GlbError
from ..api.glb import HIDDEN_TAG

SHORTEST_M = 1e-6  # of the longest side: what is smaller is a point to Blender
LONGEST_M = 1e9  # of the longest side: beyond it Blender's numbers, floats of 32 bits, hold no shape

BONE_SHAPE = re.compile(r"Icosphere(\.\d+)?")
"""What Blender's importer (4.2 to 5.2) calls the mesh that shows bones. Services export it with their rigs."""

ADVICE = "open the file in another program to see what it holds, or ask the service about it."
TOO_LARGE = f"The model is too large for Blender (over {LONGEST_M:,.0f} m): {ADVICE}"


def meshes() -> list[bpy.types.Object]:
    """The objects of the open file whose faces are seen."""
    return [obj for obj in bpy.data.objects if obj.type == "MESH" and len(obj.data.polygons) and obj.visible_get()]


def bounds() -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest x, y and z (meters, world space) of what is seen; NaN where a number is."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for obj in meshes():
        shown = obj.evaluated_get(depsgraph)
        corners = positions(shown.data)
        if not corners.size:  # a modifier has taken all away
            continue
        matrix = np.array(shown.matrix_world, np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            corners = matrix[:3, :3] @ corners.T + matrix[:3, 3:]
            low, high = np.minimum(low, corners.min(axis=1)), np.maximum(high, corners.max(axis=1))
    return low, high


def positions(mesh: bpy.types.Mesh) -> np.ndarray:
    """Where the vertices are in the object's own space, (n, 3)."""
    found = np.empty(len(mesh.vertices) * 3, np.float32)
    attributes: Any = mesh.attributes
    attributes["position"].data.foreach_get("vector", found)  # ten times as fast as from the vertices
    return found.reshape(-1, 3).astype(np.float64)


def keep_faces() -> list[str]:
    """Take away points, lines and whatever else has no faces; return what there is to say about that.

    Raises `GlbError` where nothing is left to be seen, or where it is too small or too large for Blender.
    """
    _hide()
    bpy.context.view_layer.update()
    notes = _remove_bone_shapes()
    shown = meshes()
    if not shown:
        raise GlbError(f"There is nothing to see in the model ({_what_there_is()}): {ADVICE}")
    low, high = bounds()
    longest = float((high - low).max())
    if not math.isfinite(longest) or longest > LONGEST_M:
        raise GlbError(TOO_LARGE)
    if longest < SHORTEST_M:
        raise GlbError(f"There is nothing to see in the model (all of it lies in one point): {ADVICE}")
    bare = [obj for obj in bpy.data.objects if obj.type == "MESH" and not len(obj.data.polygons)]
    if bare:
        said = "1 part has no faces and was" if len(bare) == 1 else f"{len(bare):,} parts have no faces and were"
        notes.append(f"{said} left out.")
    _remove(bare)
    loose = [mesh for mesh in {obj.data for obj in shown} if _drop_loose(mesh)]
    if loose:
        notes.append("Points and lines without faces were left out.")
    return notes


def _hide() -> None:
    """Hide what the file hides."""
    for obj in [obj for obj in bpy.data.objects if obj.get(HIDDEN_TAG)]:
        del obj[HIDDEN_TAG]
        obj.hide_viewport = obj.hide_render = True


def _remove_bone_shapes() -> list[str]:
    """Remove the mesh that only shows bones, where a file has one beside a mesh that hangs on its bones."""
    if not any(obj.modifiers for obj in meshes()):
        return []
    parents = {obj.parent for obj in bpy.data.objects}
    shapes = [
        obj
        for obj in bpy.data.objects
        if obj.type == "MESH" and BONE_SHAPE.fullmatch(obj.name) and not obj.data.materials and not obj.modifiers
        if obj not in parents and obj.animation_data is None
    ]
    bpy.data.batch_remove(shapes)
    return ["The mesh that shows the bones in Blender was left out."] if shapes else []


def _what_there_is() -> str:
    found = [obj for obj in bpy.data.objects if obj.type == "MESH"]
    if any(len(obj.data.polygons) for obj in found):
        return "all of it is hidden"
    if any(len(obj.data.edges) for obj in found):
        return "it holds lines and no faces"
    if any(len(obj.data.vertices) for obj in found):
        return "it holds points and no faces"
    if found:
        return "its meshes are empty"
    has_skeleton = any(obj.type == "ARMATURE" for obj in bpy.data.objects)
    return "it holds a skeleton and no mesh" if has_skeleton else "it holds no mesh"


def _remove(bare: list[bpy.types.Object]) -> None:
    """Remove meshes without faces; one that others hang on stays for them, and holds nothing any more."""
    parents = {obj.parent for obj in bpy.data.objects}
    for obj in bare:
        if obj in parents:
            obj.data = bpy.data.meshes.new(obj.name)
    bpy.data.batch_remove([obj for obj in bare if obj not in parents])


def _drop_loose(mesh: bpy.types.Mesh) -> bool:
    """Take the vertices and edges away that belong to no face; say whether there were any."""
    of_faces = np.empty(len(mesh.loops), np.int32)
    attributes: Any = mesh.attributes
    attributes[".corner_vert"].data.foreach_get("value", of_faces)
    is_used = np.zeros(len(mesh.vertices), bool)
    is_used[of_faces] = True
    if is_used.all():
        return False
    kept = bmesh.new()
    kept.from_mesh(mesh)
    bmesh.ops.delete(kept, geom=[vert for vert in kept.verts if not vert.link_faces], context="VERTS")
    bmesh.ops.delete(kept, geom=[edge for edge in kept.edges if not edge.link_faces], context="EDGES")
    kept.to_mesh(mesh)
    kept.free()
    return True
