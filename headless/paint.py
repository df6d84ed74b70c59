# SPDX-License-Identifier: GPL-3.0-or-later
"""Paints a sculpted model: its material, and the files that hold the maps."""

from pathlib import Path

import bpy
import numpy as np

from . import maps
from .cutout import Cutout
from .pixels import Bytes, Floats, shrink
from .report import Report
from .saving import write_jpeg, write_png

JPEG_ABOVE = 1536  # pixels, longer side: larger maps are stored as JPEG, for PNG takes seconds to write
JPEG_QUALITY = 92


def make_material(
    image: Bytes, cutout: Cutout, texture_model: str, name: str, folder: Path, report: Report
) -> bpy.types.Material:
    """A Principled material with the maps asked for, wired so that the glTF exporter understands it."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    nodes, link = material.node_tree.nodes, material.node_tree.links.new
    shader = nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = maps.MATTE
    shader.inputs["Metallic"].default_value = 0
    if texture_model == "none":
        shader.inputs["Base Color"].default_value = (*mean_colour(image, cutout), 1)
        return material

    def texture(pixels: Bytes, label: str, colour_space: str) -> bpy.types.Node:
        node = nodes.new("ShaderNodeTexImage")
        node.image = store(pixels, f"{name} {label}", folder / label)
        node.image.colorspace_settings.name = colour_space
        return node

    colour = maps.base_colour(image, trusted(cutout))
    report.progress(0.68, "Painting the maps")
    if texture_model == "pbr":
        surface = texture(maps.surface(colour, cutout.matte), "Surface", "Non-Color")
        separate = nodes.new("ShaderNodeSeparateColor")
        link(surface.outputs["Color"], separate.inputs["Color"])
        link(separate.outputs["Green"], shader.inputs["Roughness"])
        link(separate.outputs["Blue"], shader.inputs["Metallic"])
        report.progress(0.74, "Painting the maps")
        bumps = nodes.new("ShaderNodeNormalMap")
        link(texture(maps.normals(colour, cutout.matte), "Normal", "Non-Color").outputs["Color"], bumps.inputs["Color"])
        link(bumps.outputs["Normal"], shader.inputs["Normal"])
        report.progress(0.8, "Painting the maps")
        colour = maps.even_shading(colour, cutout.matte)
    link(texture(colour, "Colour", "sRGB").outputs["Color"], shader.inputs["Base Color"])
    return material


def trusted(cutout: Cutout) -> Floats:
    """How far each pixel's colour is the shape's own.

    A transparent picture's edge pixels are: their colour is stored apart from their opacity. Others are mixed with the
    background.
    """
    if cutout.origin == "alpha":
        return np.clip(cutout.matte * 4 - 0.5, 0, 1)
    if cutout.origin == "rectangle":
        return cutout.matte
    return np.clip(cutout.matte * 2.5 - 1.25, 0, 1)


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
