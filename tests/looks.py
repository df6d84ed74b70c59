# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object with a material looks like from all sides: its colours alone, in soft light, or as clay. For tests and
measurements; changes the open file's render settings.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from image_to_3d.headless.picture import read_picture
from image_to_3d.headless.pixels import Bytes

Numbers = NDArray[np.float64]

VIEWS = {"front": 0.0, "right": 90.0, "back": 180.0, "left": 270.0}
"""Degrees by which the onlooker walks counter-clockwise round the body, as seen from above: 0 is in front of it, at -Y;
90 at +X."""

MARGIN = 1.1  # of the longest of the body's width, depth and height: what a picture shows


def extent(thing: bpy.types.Object) -> tuple[Numbers, Numbers]:
    """The lowest and the highest corner of an object, in metres of the world."""
    points = np.empty(len(thing.data.vertices) * 3, np.float32)
    thing.data.vertices.foreach_get("co", points)
    placed = points.reshape(-1, 3) @ np.array(thing.matrix_world.to_3x3()).T + np.array(thing.matrix_world.translation)
    return placed.min(0).astype(float), placed.max(0).astype(float)


def render(
    thing: bpy.types.Object,
    size: int,
    views: Sequence[str] = ("front", "back", "left", "right"),
    shaded: bool = False,
) -> dict[str, Bytes]:
    """Pictures (size, size, 4) RGBA of an object's colours, all in one scale, its middle in theirs; `shaded`: in soft
    light from the onlooker's upper left."""
    low, high = extent(thing)
    scale = MARGIN * float((high - low).max())
    eyes = {view: (VIEWS[view], 0.0) for view in views}
    return looks(thing, eyes, size, (low + high) / 2, scale, 0.5 if shaded else 0.0)


def looks(
    thing: bpy.types.Object,
    eyes: dict[str, tuple[float, float]],
    size: int,
    middle: Numbers,
    scale: float,
    shade: float = 0.0,
    clay: bool = False,
) -> dict[str, Bytes]:
    """Pictures (size, size, 4) of an object, by the names of `eyes`: how far round, and how far up an onlooker is, in
    degrees. `scale` is what a picture shows, in metres, round `middle`. `shade` 0..1 is how much light matters; `clay`
    leaves the colours away.
    """
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 4
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = False
    scene.cycles.pixel_filter_type = "BOX"
    scene.cycles.filter_width = 1.0
    scene.cycles.max_bounces = 0
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.use_persistent_data = True
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.view_settings.view_transform = "Standard"
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.type = "ORTHO"
    camera.data.ortho_scale = scale
    camera.data.clip_end = 100 * scale
    scene.collection.objects.link(camera)
    scene.camera = camera
    light = glow(thing.data.materials[0], shade, clay)
    pictures = {}
    with tempfile.TemporaryDirectory(prefix="bodies_") as folder:
        for name, (round_, up) in eyes.items():
            turn = Matrix.Rotation(np.radians(round_), 3, "Z") @ Matrix.Rotation(np.radians(90 - up), 3, "X")
            camera.matrix_world = Matrix.Translation(Vector(middle) + turn @ Vector((0, 0, 10 * scale))) @ turn.to_4x4()
            light.inputs[1].default_value = turn @ Vector((-0.4, 0.5, 0.77))
            target = Path(folder, f"{name}.png")
            scene.render.filepath = str(target)
            bpy.ops.render.render(write_still=True)
            pictures[name] = read_picture(target)
    bpy.data.objects.remove(camera)
    return pictures


def glow(material: bpy.types.Material, shade: float, clay: bool) -> bpy.types.Node:
    """Show the base colour alone, or grey for `clay`, darker by `shade` where it looks away from a light; return the
    node whose second input is the direction to the light."""
    material.cycles.emission_sampling = "NONE"  # it lights nothing else
    tree = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    output = next(node for node in tree.nodes if node.type == "OUTPUT_MATERIAL")
    for node in [node for node in tree.nodes if node.label == "bodies"]:
        tree.nodes.remove(node)

    def new(kind: str, operation: str = "") -> bpy.types.Node:
        node = tree.nodes.new(kind)
        node.label = "bodies"
        if operation:
            node.operation = operation
        return node

    where, dot, share = new("ShaderNodeNewGeometry"), new("ShaderNodeVectorMath", "DOT_PRODUCT"), new("ShaderNodeMath")
    tree.links.new(where.outputs["Normal"], dot.inputs[0])
    share.operation, share.use_clamp = "MULTIPLY_ADD", True
    share.inputs[1].default_value, share.inputs[2].default_value = shade, 1 - shade
    tree.links.new(dot.outputs["Value"], share.inputs[0])
    light = new("ShaderNodeEmission")
    tree.links.new(share.outputs[0], light.inputs["Strength"])
    light.inputs["Color"].default_value = shader.inputs["Base Color"].default_value
    if clay:
        light.inputs["Color"].default_value = (0.6, 0.6, 0.6, 1)
    for link in () if clay else shader.inputs["Base Color"].links:
        tree.links.new(link.from_socket, light.inputs["Color"])
    tree.links.new(light.outputs["Emission"], output.inputs["Surface"])
    return dot


def on_white(picture: Bytes) -> Bytes:
    """(h, w, 3): a picture before a white background."""
    share = picture[..., 3:] / np.float32(255)
    return np.round(picture[..., :3] * share + 255 * (1 - share)).astype(np.uint8)
