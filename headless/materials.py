# SPDX-License-Identifier: GPL-3.0-or-later
"""The material contract: how every material looks before it enters the user's scene. Changes materials, never meshes.

One Principled BSDF. Images that are colours are read as sRGB and those that are data as Non-Color. Nodes stand in
columns, from the images on the left to the output on the right, and say what they are. `repairs` puts right what
services get wrong.
"""

from collections import defaultdict
from typing import Any

import bpy

from ..api.glb import MATERIAL_TAG
from . import bare, images, loose_maps, repairs
from .nodes import ends_of

COLUMN_WIDTH = 320.0  # in node editor units; an image node is 240 wide
ROW_HEIGHT = 320.0  # an image node is about 280 high

COLOR_SOCKETS = frozenset({"Base Color", "Emission Color", "Sheen Tint", "Specular Tint", "Coat Tint"})
"""Inputs that a texture of colours feeds, which is sRGB. All others, those of the importer's group "glTF Material
Output" too, take numbers or directions, and their textures are linear: metallic, roughness, normal, occlusion,
transmission, thickness, clearcoat (three), anisotropy, iridescence (two), and what is in an alpha channel: specular,
sheen roughness, glossiness.

Sources: glTF 2.0, 5.19 and 5.22, and KHR_materials_sheen, _specular, _pbrSpecularGlossiness, _clearcoat, _transmission,
_volume, _anisotropy and _iridescence. No Blender up to 5.2 reads _diffuse_transmission. A coat's tint has no texture in
glTF."""


def prepare(document: dict[str, Any], meshes: list[bpy.types.Mesh], maps: dict[str, str], name: str) -> list[str]:
    """Repair all materials as the glTF importer made them, add the loose maps, bring all into the contract's form.

    `document` is the JSON of the GLB that was imported; `maps` and `name` are those of `loose_maps.add`. Returns
    sentences for the user. The loose maps come before the repairs, as theirs is the same fault as the GLB's own.
    """
    meshes = list(dict.fromkeys(meshes))
    untold = repairs.metallic_untold(document)
    notes = [note for material in bpy.data.materials for note in repairs.light(material)]
    notes += images.bring_into_bounds(document)
    notes += loose_maps.add(maps, meshes, name)
    bare.show_colors(meshes, name)
    materials = [material for material in bpy.data.materials if material.node_tree]
    notes += repairs.make_opaque(materials, meshes)
    for material in materials:
        notes += repairs.stop_needless_glow(material)
        if material.get(MATERIAL_TAG) in untold:
            notes += repairs.repair_metallic(material)
        material.pop(MATERIAL_TAG, None)
    keep_contract(materials)
    images.merge_twins()
    return list(dict.fromkeys(notes))  # several materials with one fault are told of once


def keep_contract(materials: list[bpy.types.Material]) -> None:
    """Bring materials that have a Principled BSDF into the contract's form."""
    for material in materials:
        tree = material.node_tree
        for node in list(tree.nodes):
            if node.type == "FRAME":  # a framed node's place counts from its frame, and its name tells nothing more
                tree.nodes.remove(node)
        for node in tree.nodes:
            if node.type == "TEX_IMAGE":
                fed = {end.name for output in node.outputs for end in ends_of(output)}
                node.label = " and ".join(sorted(fed - {"Alpha"} or fed)) or "Not Used"
    _tell_colors_from_data([node for material in materials for node in material.node_tree.nodes])
    for material in materials:
        _lay_out(material.node_tree)


def _tell_colors_from_data(nodes: list[bpy.types.Node]) -> None:
    """Set the colour space of each image. One that is used as colour and as data becomes two.

    The space does not count for an alpha channel, so that it may be taken from either.
    """
    uses: defaultdict[bpy.types.Image, defaultdict[str, list[bpy.types.Node]]] = defaultdict(lambda: defaultdict(list))
    for node in nodes:
        if node.type == "TEX_IMAGE" and node.image is not None:
            shown = {end.name for end in ends_of(node.outputs["Color"])}
            space = "sRGB" if shown & COLOR_SOCKETS else "Non-Color"
            uses[node.image][space if shown else ""].append(node)
    for image, by_space in uses.items():
        as_color = by_space.pop("sRGB", [])
        as_data = by_space.pop("Non-Color", [])
        space = "sRGB" if as_color else "Non-Color"
        if image.colorspace_settings.name != space:  # to set it has Blender walk through all materials
            image.colorspace_settings.name = space
        if as_color and as_data:
            other = image.copy()
            other.colorspace_settings.name = "Non-Color"
            for node in as_data:
                node.image = other


def _lay_out(tree: bpy.types.NodeTree) -> None:
    """Place each node in the column of its longest way to the output, in the order of the inputs it feeds."""
    output = next(node for node in tree.nodes if node.type == "OUTPUT_MATERIAL")  # importer and `repair` see to it
    columns: dict[bpy.types.Node, int] = {}
    order: list[bpy.types.Node] = []

    def visit(node: bpy.types.Node, column: int) -> None:
        columns[node] = max(column, columns.get(node, 0))
        if node not in order:
            order.append(node)
        for socket in node.inputs:
            for link in socket.links:
                visit(link.from_node, column + 1)

    visit(output, 0)
    for node in tree.nodes:
        # The importer's group for occlusion stands beside the output, fed by nothing or by an image.
        if node not in order:
            visit(node, columns.get(node, 0))
    rows: dict[int, int] = {}
    for node in order:
        column = columns[node]
        node.location = (-column * COLUMN_WIDTH, -rows.get(column, 0) * ROW_HEIGHT)
        rows[column] = rows.get(column, 0) + 1
