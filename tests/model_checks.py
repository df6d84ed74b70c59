# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sculptor's tests measure on a GLB: closedness, areas, texture coordinates, quads, and how it looks from the
front.

The numbers come from the file's own bytes, read here with numpy, so that no importer can repair anything on the way.
Only the picture from the front and the joining of quads need Blender.
"""

import importlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from image_to_3d.headless.convert import join_quads

COMPONENT = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


@dataclass(frozen=True)
class Model:
    """The one mesh of a GLB, in Blender's axes: X right, Y away from the onlooker, Z up."""

    points: NDArray[np.float32]  # (n, 3) metres
    triangles: NDArray[np.int64]  # (m, 3)
    uv: NDArray[np.float32] | None  # (n, 2), v up
    document: dict  # the GLB's JSON
    images: list[bytes]

    @property
    def size(self) -> NDArray[np.float32]:
        """Width, depth, height in metres."""
        return np.ptp(self.points, axis=0)


def read_model(path: Path) -> Model:
    """Read a GLB that holds one mesh with one primitive, uncompressed."""
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    document = json.loads(data[20 : 20 + length])
    binary = data[28 + length :]

    def view(number: int) -> bytes:
        entry = document["bufferViews"][number]
        return binary[entry.get("byteOffset", 0) : entry.get("byteOffset", 0) + entry["byteLength"]]

    def values(number: int) -> NDArray:
        accessor = document["accessors"][number]
        width = WIDTH[accessor["type"]]
        flat = np.frombuffer(view(accessor["bufferView"]), COMPONENT[accessor["componentType"]])
        return flat[: accessor["count"] * width].reshape(-1, width)

    (mesh,) = document["meshes"]
    (primitive,) = mesh["primitives"]
    x, y, z = values(primitive["attributes"]["POSITION"]).T
    uv = primitive["attributes"].get("TEXCOORD_0")
    return Model(
        np.stack((x, -z, y), axis=1),
        values(primitive["indices"]).reshape(-1, 3).astype(np.int64),
        None if uv is None else values(uv) * [1, -1] + [0, 1],
        document,
        [view(image["bufferView"]) for image in document.get("images", [])],
    )


def open_edges(model: Model) -> int:
    """How many edges have not exactly two triangles, one each way round."""
    start = model.triangles.ravel()
    end = np.roll(model.triangles, -1, axis=1).ravel()
    forward, backward = start * len(model.points) + end, end * len(model.points) + start
    once = np.unique(forward)
    return len(forward) - len(once) + int((~np.isin(once, backward)).sum())


def least_area(model: Model) -> float:
    """The smallest triangle's area, of the square of the model's size."""
    a, b, c = (model.points[model.triangles[:, corner]].astype(np.float64) for corner in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return float(areas.min()) / float(model.size.max()) ** 2


def volume(model: Model) -> float:
    """Enclosed volume in m³; negative where the faces look inward."""
    a, b, c = (model.points[model.triangles[:, corner]].astype(np.float64) for corner in range(3))
    return float((a * np.cross(b, c)).sum()) / 6


def parts(model: Model) -> int:
    """How many pieces do not hang together."""
    root = np.arange(len(model.points))
    edges = np.concatenate([model.triangles[:, [0, 1]], model.triangles[:, [1, 2]]])
    while True:
        low = np.minimum(root[edges[:, 0]], root[edges[:, 1]])
        joined = root.copy()
        np.minimum.at(joined, root[edges[:, 0]], low)
        np.minimum.at(joined, root[edges[:, 1]], low)
        joined = joined[joined]
        if np.array_equal(joined, root):
            return len(np.unique(root[np.unique(model.triangles)]))
        root = joined


def handles(model: Model) -> int:
    """How many holes go through the model, all its pieces together (Euler's formula)."""
    used = len(np.unique(model.triangles))
    euler = used - len(model.triangles) * 3 // 2 + len(model.triangles)
    return parts(model) - euler // 2


def import_model(path: Path) -> bpy.types.Object:
    """The model in an empty Blender file, its vertices as the file has them."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    importlib.import_module("addon_utils").enable("io_scene_gltf2")  # Blender's own; importable once bpy is
    bpy.ops.import_scene.gltf(filepath=str(path), merge_vertices=False)
    (model,) = (thing for thing in bpy.context.scene.objects if thing.type == "MESH")
    return model


def faces_with_quads(path: Path) -> tuple[int, float]:
    """Faces as the import leaves them, triangles joined into quads, and the quads' share of them."""
    mesh = import_model(path).data
    join_quads(mesh)
    corners = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", corners)
    return len(corners), float((corners == 4).mean())


def seen_from_front(path: Path, model: Model, width: int, height: int) -> NDArray[np.float32]:
    """The model as an orthographic camera sees it: (height, width, 4) sRGB 0..1, top row first, framed as the picture
    was.

    The frame comes from the texture coordinates: where u and v run from 0 to 1, there the picture was.
    """
    thing = import_model(path)
    front = model.points[:, 1] <= np.median(model.points[:, 1])
    frame = [np.polyfit(model.uv[front, axis], model.points[front, place], 1) for axis, place in ((0, 0), (1, 2))]
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 4
    scene.cycles.use_denoising = False
    scene.cycles.pixel_filter_type = "BOX"
    scene.cycles.filter_width = 1.0
    scene.cycles.max_bounces = 0
    scene.render.film_transparent = True
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.view_settings.view_transform = "Standard"
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type = "ORTHO"
    camera.data.sensor_fit = "HORIZONTAL"
    camera.data.ortho_scale = frame[0][0]
    # A picture whose pixels were not square would be a stretched model; the height then comes out wrong and the test
    # fails.
    camera.location = (frame[0] @ [0.5, 1], -10 * float(model.size.max()), frame[1] @ [0.5, 1])
    camera.data.clip_end = 100 * float(model.size.max())
    camera.rotation_euler = (np.pi / 2, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    _let_it_glow(thing.data.materials[0])
    target = path.with_suffix(".front.png")
    scene.render.filepath = str(target)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(target))
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(height, width, 4)[::-1]


def _let_it_glow(material: bpy.types.Material) -> None:
    """Show the base colour alone, without light."""
    tree = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    output = next(node for node in tree.nodes if node.type == "OUTPUT_MATERIAL")
    glow = tree.nodes.new("ShaderNodeEmission")
    glow.inputs["Color"].default_value = shader.inputs["Base Color"].default_value
    for link in shader.inputs["Base Color"].links:
        tree.links.new(link.from_socket, glow.inputs["Color"])
    tree.links.new(glow.outputs["Emission"], output.inputs["Surface"])


def overlap(seen: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks."""
    return float((seen & wanted).sum() / (seen | wanted).sum())
