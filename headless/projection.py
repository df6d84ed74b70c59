# SPDX-License-Identifier: GPL-3.0-or-later
"""Paints a model that came without a texture with the pictures that it was made from. Never moves a vertex, and leaves
alone what has a texture.

Each picture is projected straight along its view's axis, so that the outline of what it shows lies on the model's
bounding box. Each face takes the picture that looks at it most straight; where there is no picture of the back, the
back mirrors the front, as the Local service's models do. World space counts: the model may be of several objects.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from .cutout import NothingToShape, bounds, cut_out
from .loose_maps import read_packed
from .maps import base_colour, trusted
from .mesh import vector
from .nodes import principled_of
from .paint import write_map
from .picture import UnreadablePicture, read_picture
from .pixels import Floats
from .views import AXES

ROUGHNESS = 0.8  # a picture has its highlights painted on, and must not shine once more
EVENING = 0.012  # rounds, of the square root of the number of faces: about a two-hundredth of a model's size
FRONT_FIRST = 0.1  # by which the front's view counts for straighter than it is: what looks up or down belongs to it
GRID = 1 << 20  # cells along each side of a mesh: points in one of them are at the same place
UV_LAYERS = 8  # that Blender has for a mesh at most


class Print(NamedTuple):
    """A picture that is ready to be projected."""

    image: bpy.types.Image
    low: Floats  # where the outline begins and ends in it, as texture coordinates (u, v)
    high: Floats


def paint(pictures: dict[str, str], name: str) -> list[str]:
    """Paint all meshes of the open file where none of them has a texture; return sentences for the user.

    `pictures` are the files by the views of `AXES`; without a front nothing is painted. The materials are called
    `name`. A picture that cannot be used is told of, and left out: the model is good without it.
    """
    objects = [obj for obj in bpy.data.objects if obj.type == "MESH" and len(obj.data.polygons)]
    if "front" not in pictures or not objects or any(_has_texture(obj.data) for obj in objects):
        return []
    prints, notes = {}, []
    for view in (view for view in AXES if view in pictures):
        try:
            prints[view] = _print(Path(pictures[view]), f"{name} {view.title()}")
        except (UnreadablePicture, NothingToShape) as error:
            if view == "front":
                return [f"The model came without a texture, and could not be painted with the picture. {error}"]
            notes.append(f"The picture of the {view} could not be used.")
    _project(objects, prints, name)
    pictures_said = "pictures" if len(prints) > 1 else "picture"
    return [f"The model came without a texture: it is painted with the {pictures_said}.", *notes]


def _has_texture(mesh: bpy.types.Mesh) -> bool:
    """Whether a mesh has colours of its own: an image in a material, or colours at its vertices."""
    trees = [material.node_tree for material in mesh.materials if material and material.node_tree]
    return bool(mesh.color_attributes) or any(
        node.type == "TEX_IMAGE" and node.image is not None for tree in trees for node in tree.nodes
    )


def _print(file: Path, name: str) -> Print:
    """The picture with its colours bled over the outline, so that no background gets onto the model.

    Raises `UnreadablePicture` and `NothingToShape`.
    """
    pixels = read_picture(file)
    cutout = cut_out(pixels)
    top, bottom, left, right = bounds(cutout.matte)
    height, width = cutout.matte.shape
    with tempfile.TemporaryDirectory(prefix="paint_") as folder:
        image = read_packed(write_map(base_colour(pixels, trusted(cutout)), Path(folder) / "colour"), name)
    assert image is not None  # we have just written it
    low, high = (left / width, 1 - bottom / height), (right / width, 1 - top / height)
    return Print(image, np.array(low, np.float32), np.array(high, np.float32))


def _project(objects: list[bpy.types.Object], prints: dict[str, Print], name: str) -> None:
    """Give all objects texture coordinates and materials from the prints."""
    bpy.context.view_layer.update()
    for obj in objects:
        if obj.data.users > 1:  # the same mesh at another place gets other colours
            obj.data = obj.data.copy()
    old = {material for obj in objects for material in obj.data.materials if material}
    corners = [_corners(obj) for obj in objects]
    low = np.min([points.min(axis=0) for points in corners], axis=0)
    high = np.max([points.max(axis=0) for points in corners], axis=0)
    materials = {
        view: _material(f"{name} {view.title()}" if len(prints) > 1 else name, printed.image)
        for view, printed in prints.items()
    }
    for obj, points in zip(objects, corners, strict=True):
        mesh = obj.data
        chosen = _views_of_faces(obj, list(prints))
        view_of_corner = np.repeat(chosen, _numbers(mesh.polygons, "loop_total"))
        uv = np.empty((len(points), 2), np.float32)
        for number, (view, printed) in enumerate(prints.items()):
            here = view_of_corner == number
            uv[here] = _coordinates(points[here], low, high, view, printed)
        _set_uv(mesh, uv)
        used, index = np.unique(chosen, return_inverse=True)
        mesh.materials.clear()
        for number in used:
            mesh.materials.append(materials[list(prints)[number]])
        mesh.polygons.foreach_set("material_index", index.astype(np.int32))
        mesh.update()
    for material in old:
        if not material.users:
            bpy.data.materials.remove(material)


def _corners(obj: bpy.types.Object) -> Floats:
    """Where the corners of all faces are, (n, 3)."""
    matrix = np.array(obj.matrix_world, np.float32)
    points = vector(obj.data.vertices, "co") @ matrix[:3, :3].T + matrix[:3, 3]
    return points[_numbers(obj.data.loops, "vertex_index")]


def _views_of_faces(obj: bpy.types.Object, views: list[str]) -> NDArray[np.int64]:
    """For each face the number of the view that looks at it most straight.

    Directions are evened out over the faces around first, or a rough surface would be painted in specks.
    """
    mesh = obj.data
    if len(views) == 1:
        return np.zeros(len(mesh.polygons), np.int64)
    totals = _numbers(mesh.polygons, "loop_total")
    place, places = _places(vector(mesh.vertices, "co"))
    place = place[_numbers(mesh.loops, "vertex_index")]
    starts = np.concatenate(([0], np.cumsum(totals)[:-1]))
    normals = vector(mesh.polygon_normals, "vector")
    for _ in range(int(EVENING * np.sqrt(len(normals)))):
        spread = np.repeat(normals, totals, axis=0)
        sums = np.stack([np.bincount(place, spread[:, axis], places) for axis in range(3)], axis=1)
        evened = sums / np.maximum(np.linalg.norm(sums, axis=1), 1e-9)[:, None]
        normals = np.add.reduceat(evened[place], starts, axis=0) / totals[:, None]
    normals = normals @ np.array(obj.matrix_world.to_3x3().inverted_safe())
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1), 1e-9)[:, None]
    looks = []
    for view in views:
        straight = normals @ np.array(AXES[view][1], np.float32)
        if view == "front":
            straight = (straight if "back" in views else np.abs(straight)) + FRONT_FIRST
        looks.append(straight)
    return np.argmax(looks, axis=0)


def _places(points: Floats) -> tuple[NDArray[np.int64], int]:
    """Number the places where points are; return each point's, and how many there are.

    In a GLB, faces that do not share a smooth normal have vertices of their own at the same place.
    """
    low, size = points.min(axis=0), np.maximum(np.ptp(points, axis=0), np.float32(1e-9))
    cells = ((points - low) / size * (GRID - 1)).astype(np.int64)
    found, place = np.unique((cells[:, 0] * GRID + cells[:, 1]) * GRID + cells[:, 2], return_inverse=True)
    return place.reshape(-1), len(found)


def _coordinates(points: Floats, low: Floats, high: Floats, view: str, printed: Print) -> Floats:
    """Texture coordinates (n, 2) of points of a model whose bounding box goes from `low` to `high`."""
    share = (points - low) / np.maximum(high - low, np.float32(1e-9))
    right = np.array(AXES[view][0], np.float32)
    across = share @ np.abs(right) if right.sum() > 0 else 1 - share @ np.abs(right)
    share = np.stack((across, share[:, 2]), axis=1)
    return np.clip(printed.low + share * (printed.high - printed.low), 0, 1)


def _set_uv(mesh: bpy.types.Mesh, uv: Floats) -> None:
    """Add texture coordinates, which count from now on. What the mesh brought along stays beside them."""
    layers = mesh.uv_layers
    if len(layers) == UV_LAYERS:
        layers.remove(layers[-1])
    layer = layers.new(name="Picture")
    layer.data.foreach_set("uv", uv.ravel())
    layer.active = layer.active_render = True


def _material(name: str, image: bpy.types.Image) -> bpy.types.Material:
    """A plain material with the image as its base color. Places and labels come from `materials.keep_contract`."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # from Blender 5.0 on there is one, and asking for it warns
        material.use_nodes = True
    principled, tree = principled_of(material), material.node_tree
    principled.inputs["Roughness"].default_value = ROUGHNESS
    principled.inputs["Metallic"].default_value = 0.0
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    node.extension = "EXTEND"  # an outline at the picture's edge takes nothing from the other edge
    tree.links.new(node.outputs["Color"], principled.inputs["Base Color"])
    return material


def _numbers(items: bpy.types.bpy_prop_collection, attribute: str) -> NDArray[np.int32]:
    values = np.empty(len(items), np.int32)
    items.foreach_get(attribute, values)
    return values
