# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays of points and faces <-> Blender meshes: natural size, texture coordinates, the size asked for."""

import bpy
import numpy as np

from .atlas import Places
from .pixels import Floats
from .shape import Indices
from .views import Frame


def place(points: Floats) -> tuple[Floats, Frame]:
    """Points (x, y down, depth towards the onlooker, in pixels) in Blender's axes and metres, and how to get back."""
    low, high = points.min(axis=0), points.max(axis=0)
    frame = Frame(float(low[0] + high[0]) / 2, float(high[1]), float(max((high - low)[:2])))
    middle = (low[2] + high[2]) / 2
    turned = (points[:, 0] - frame.centre, middle - points[:, 2], frame.bottom - points[:, 1])
    return (np.stack(turned, axis=1) / frame.metre).astype(np.float32), frame


def to_mesh(points: Floats, faces: Indices, name: str) -> bpy.types.Mesh:
    """A smooth Blender mesh of faces with equally many corners."""
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(points))
    mesh.vertices.foreach_set("co", points.ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, faces.shape[1], dtype=np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    return mesh


def vector(items: bpy.types.bpy_prop_collection, attribute: str) -> Floats:
    """(n, 3) values of an attribute."""
    values = np.empty(len(items) * 3, np.float32)
    items.foreach_get(attribute, values)
    return values.reshape(-1, 3)


def add_uvs(mesh: bpy.types.Mesh, frame: Frame, shape: tuple[int, int], places: Places | None = None) -> None:
    """Texture coordinates straight from the front over the whole picture, whose matte has this shape.

    The back half's contour lies half a pixel further out than the front's, so that the wall between has some width in
    the texture. `places` says where the pictures of both halves lie where the back, the latter half of the points, has
    its own.
    """
    points = vector(mesh.vertices, "co")
    outward = np.where(points[:, 1:2] > 0, 0.5 * vector(mesh.vertices, "normal"), 0)
    right = points[:, 0] * frame.metre + frame.centre + outward[:, 0]
    down = frame.bottom - points[:, 2] * frame.metre - outward[:, 2]
    uv = np.clip(np.stack((right / shape[1], 1 - down / shape[0]), axis=1), 0, 1)
    index = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", index)
    corners = uv[index]
    if places is not None:
        right, down = uv[:, 0], 1 - uv[:, 1]
        (there, behind) = (
            np.stack((place.left + x * place.width, 1 - place.top - down * place.height), axis=1)
            for place, x in ((places.front, right), (places.back, 1 - right))
        )
        faces = index.reshape(len(mesh.polygons), -1)
        is_back = np.repeat((faces >= len(points) // 2).all(axis=1), faces.shape[1])
        corners = np.where(is_back[:, None], behind[index], there[index])
    layer = mesh.uv_layers.new(name="UVMap")
    layer.data.foreach_set("uv", corners.astype(np.float32).ravel())


def corner_uvs(mesh: bpy.types.Mesh, uv: Floats) -> None:
    """Texture coordinates (faces, corners, 2) of the corners of each face."""
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", uv.astype(np.float32).ravel())


def scale_to(mesh: bpy.types.Mesh, wanted: list[float], keep_proportions: bool) -> None:
    """Bring width, depth and height to the wanted sizes in metres ([width, height, depth], -1 automatic)."""
    points = vector(mesh.vertices, "co")
    natural = np.ptp(points, axis=0)
    target = np.array([wanted[0], wanted[2], wanted[1]], np.float64)  # Blender's depth is Y, its height Z
    given = target > 0
    if not given.any():
        return
    factors = np.where(given, target / natural, 0)
    if keep_proportions:
        factors[:] = factors[given].min()
    else:
        factors[~given] = np.exp(np.log(factors[given]).mean())
    mesh.vertices.foreach_set("co", (points * factors).astype(np.float32).ravel())
    mesh.update()
