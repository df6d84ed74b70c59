# SPDX-License-Identifier: GPL-3.0-or-later
"""Paints a sculpted model: its material, and the files that hold the maps."""

from pathlib import Path

import bpy
import numpy as np

from . import maps
from .cutout import Cutout
from .maps import Maps
from .pixels import Bytes, shrink
from .saving import write_jpeg, write_png
from .views import View

JPEG_ABOVE = 1536  # pixels, longer side: larger maps are stored as JPEG, for PNG takes seconds to write
JPEG_QUALITY = 92


def make_material(painted: Maps | None, front: View, name: str, folder: Path) -> bpy.types.Material:
    """A Principled material with these maps, wired so that the glTF exporter understands it; without any, in the mean
    colour of the front's picture."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    nodes, link = material.node_tree.nodes, material.node_tree.links.new
    shader = nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = maps.MATTE
    shader.inputs["Metallic"].default_value = 0
    if painted is None:
        shader.inputs["Base Color"].default_value = (*mean_colour(front.image, front.cutout), 1)
        return material

    def texture(pixels: Bytes, label: str, colour_space: str) -> bpy.types.Node:
        node = nodes.new("ShaderNodeTexImage")
        node.image = store(pixels, f"{name} {label}", folder / label)
        node.image.colorspace_settings.name = colour_space
        return node

    if painted.surface is not None:
        surface = texture(painted.surface, "Surface", "Non-Color")
        separate = nodes.new("ShaderNodeSeparateColor")
        link(surface.outputs["Color"], separate.inputs["Color"])
        link(separate.outputs["Green"], shader.inputs["Roughness"])
        link(separate.outputs["Blue"], shader.inputs["Metallic"])
    if painted.normal is not None:
        bumps = nodes.new("ShaderNodeNormalMap")
        link(texture(painted.normal, "Normal", "Non-Color").outputs["Color"], bumps.inputs["Color"])
        link(bumps.outputs["Normal"], shader.inputs["Normal"])
    link(texture(painted.colour, "Colour", "sRGB").outputs["Color"], shader.inputs["Base Color"])
    return material


def mean_colour(image: Bytes, cutout: Cutout) -> tuple[float, float, float]:
    """The shape's mean colour, linear as Blender's colour fields are."""
    small = shrink(image, 512)
    weight = maps.fitted(cutout.matte, *small.shape[:2])[..., None]
    mean = (small[..., :3] * weight).sum((0, 1)) / weight.sum()
    red, green, blue = np.where(mean <= 0.04045, mean / 12.92, ((mean + 0.055) / 1.055) ** 2.4).tolist()
    return red, green, blue


def store(pixels: Bytes, name: str, stem: Path) -> bpy.types.Image:
    """A file of these pixels, `stem` plus its ending, as a Blender image `name`: the exporter takes the file's bytes as
    they are."""
    image = bpy.data.images.load(str(write_map(pixels, stem)))
    image.name = name
    return image


def write_map(pixels: Bytes, stem: Path) -> Path:
    """Write these pixels to a file, `stem` plus its ending, in the format that suits their number; return its path."""
    if max(pixels.shape[:2]) <= JPEG_ABOVE:
        path = stem.with_suffix(".png")
        write_png(path, pixels)
    else:
        path = stem.with_suffix(".jpg")
        write_jpeg(path, pixels, JPEG_QUALITY)
    return path
