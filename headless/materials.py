# SPDX-License-Identifier: GPL-3.0-or-later
"""The material contract: how every material looks before it enters the user's scene. Changes materials, never meshes.

One Principled BSDF. Base color and emission images are read as sRGB and everything else as Non-Color (glTF 2.0, 5.19
and 5.22). Nodes stand in columns, from the images on the left to the output on the right, and say what they are. What
services are known to get wrong in their GLBs is repaired, each only where it is plainly wrong.
"""

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

COLUMN_WIDTH = 320.0  # in node editor units; an image node is 240 wide
ROW_HEIGHT = 320.0  # an image node is about 280 high

COLOR_SOCKETS = frozenset({"Base Color", "Emission Color"})

MATTE = 1.0  # roughness of what was unlit: its light is painted on, and must not shine once more
OPAQUE = 253.5 / 255  # least alpha of an opaque image: dithering leaves 254s
FULL = 0.99  # emission strength from which a picture glows as bright as it is painted


def keep_contract(material: bpy.types.Material) -> None:
    """Bring a material as the glTF importer makes it, and `repair` repaired it, into the contract's form."""
    tree = material.node_tree
    if tree is None:
        return
    for node in list(tree.nodes):
        if node.type == "FRAME":  # a framed node's place counts from its frame, and the frame's name tells nothing more
            tree.nodes.remove(node)
    for node in tree.nodes:
        if node.type == "TEX_IMAGE" and node.image is not None:
            sockets = set(_sockets_fed_by(node))
            is_color = bool(sockets & COLOR_SOCKETS)
            node.image.colorspace_settings.name = "sRGB" if is_color else "Non-Color"
            node.label = " and ".join(sorted(sockets - {"Alpha"})) or "Not Used"
    _lay_out(tree)


def principled_of(material: bpy.types.Material) -> bpy.types.Node | None:
    """The material's Principled BSDF; None where it has none."""
    nodes = material.node_tree.nodes if material.node_tree else ()
    return next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)


def repair(material: bpy.types.Material) -> list[str]:
    """Put right what services get wrong in a material; return sentences about what the user may wonder at."""
    if material.node_tree is None:
        return []
    notes = []
    if principled_of(material) is None:
        _light(material)
        notes.append("The unlit material became a Principled BSDF.")
    if _is_needlessly_transparent(material):
        _make_opaque(material)
        notes.append("Transparency was turned off: the model is opaque.")
    _stop_needless_glow(material)
    return notes


def _light(material: bpy.types.Material) -> None:
    """Give an unlit material a Principled BSDF in place of the importer's emission and mixing nodes.

    Colour and alpha are kept.
    """
    tree = material.node_tree
    output = next((node for node in tree.nodes if node.type == "OUTPUT_MATERIAL"), None)
    if output is None:
        output = tree.nodes.new("ShaderNodeOutputMaterial")
    principled = tree.nodes.new("ShaderNodeBsdfPrincipled")
    principled.inputs["Metallic"].default_value = 0.0
    principled.inputs["Roughness"].default_value = MATTE
    emission = next((node for node in tree.nodes if node.type == "EMISSION"), None)
    if emission is not None:
        _move(tree, emission.inputs["Color"], principled.inputs["Base Color"])
    last = _source(output.inputs["Surface"])
    if last is not None and last.node.type == "MIX_SHADER":
        factor = _source(last.node.inputs["Fac"])
        # The light path hides the emission from other objects, and is no alpha.
        if factor is None or factor.node.type != "LIGHT_PATH":
            _move(tree, last.node.inputs["Fac"], principled.inputs["Alpha"])
    for node in list(tree.nodes):
        if node.type in {"EMISSION", "LIGHT_PATH", "BSDF_TRANSPARENT", "MIX_SHADER"}:
            tree.nodes.remove(node)
    tree.links.new(principled.outputs["BSDF"], output.inputs["Surface"])


def _move(tree: bpy.types.NodeTree, old: bpy.types.NodeSocket, new: bpy.types.NodeSocket) -> None:
    """Give `new` what `old` has: its link, or its value."""
    source = _source(old)
    if source is not None:
        tree.links.new(source, new)
    else:
        new.default_value = old.default_value


def _source(socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
    """The output that a socket is linked to."""
    return socket.links[0].from_socket if socket.links else None


def _image_at(socket: bpy.types.NodeSocket) -> bpy.types.Image | None:
    """The image that a socket is linked to with nothing between."""
    source = _source(socket)
    return source.node.image if source is not None and source.node.type == "TEX_IMAGE" else None


def _is_needlessly_transparent(material: bpy.types.Material) -> bool:
    """Whether a material is blended though it is opaque: faces then hide each other in a wrong order."""
    if material.surface_render_method != "BLENDED":
        return False
    alpha = principled_of(material).inputs["Alpha"]
    if not alpha.links:
        return alpha.default_value >= OPAQUE
    image = _image_at(alpha)
    return image is not None and _is_opaque(image)


def _is_opaque(image: bpy.types.Image) -> bool:
    number = len(image.pixels)
    if not number or image.channels != 4:
        return bool(number) and image.channels != 2
    values = np.empty(number, np.float32)
    image.pixels.foreach_get(values)
    return float(values[3::4].min()) >= OPAQUE


def _make_opaque(material: bpy.types.Material) -> None:
    alpha = principled_of(material).inputs["Alpha"]
    for link in list(alpha.links):
        material.node_tree.links.remove(link)
    alpha.default_value = 1.0
    material.surface_render_method = "DITHERED"


def _stop_needless_glow(material: bpy.types.Material) -> None:
    """Take away an emission that is the base color once more at full strength: such a model shows no shading at all."""
    inputs = principled_of(material).inputs
    glow, base = _image_at(inputs["Emission Color"]), _image_at(inputs["Base Color"])
    if glow is None or base is None or inputs["Emission Strength"].default_value < FULL or not _is_same(glow, base):
        return
    (link,) = inputs["Emission Color"].links
    node = link.from_node
    material.node_tree.links.remove(link)
    inputs["Emission Strength"].default_value = 0.0
    if not any(output.links for output in node.outputs):
        material.node_tree.nodes.remove(node)


def repair_metallic(material: bpy.types.Material) -> list[str]:
    """Make a material a non-metal that is a metal only as its GLB does not say; return what to tell the user."""
    principled = principled_of(material)
    if principled is None or principled.inputs["Metallic"].links or principled.inputs["Metallic"].default_value < 1:
        return []
    principled.inputs["Metallic"].default_value = 0.0
    return ["Metallic was set to 0: the model does not say that it is metal."]


def metallic_untold(document: dict[str, Any]) -> set[str]:
    """The names of the materials of a GLB's JSON that leave out both metallic factor and texture.

    They are the names that the importer gives. The standard's default is then a pure metal, nearly black without
    surroundings, and hardly ever meant.
    """
    told: set[str] = set()
    untold: set[str] = set()
    for number, entry in enumerate(document.get("materials") or ()):
        surface = entry.get("pbrMetallicRoughness") or {}
        left_out = not {"metallicFactor", "metallicRoughnessTexture"} & set(surface)
        (untold if left_out else told).add(entry.get("name") or f"Material_{number}")
    return untold - told


def merge_images() -> None:
    """Keep one of several images whose files are the same bytes, read in the same colour space."""
    kept: list[bpy.types.Image] = []
    for image in list(bpy.data.images):
        space = image.colorspace_settings.name
        twin = next((one for one in kept if one.colorspace_settings.name == space and _is_same(one, image)), None)
        if twin is not None:
            image.user_remap(twin)
            bpy.data.images.remove(image)
        else:
            kept.append(image)


def _is_same(one: bpy.types.Image, other: bpy.types.Image) -> bool:
    """Whether two images are one, or packed from the same bytes."""
    if one == other:
        return True
    files = one.packed_file, other.packed_file
    return all(files) and files[0].size == files[1].size and files[0].data == files[1].data


def _sockets_fed_by(node: bpy.types.Node) -> Iterator[str]:
    """The names of the Principled BSDF's inputs that a node's outputs reach, through whatever lies between."""
    for output in node.outputs:
        for link in output.links:
            if link.to_node.type == "BSDF_PRINCIPLED":
                yield link.to_socket.name
            else:
                yield from _sockets_fed_by(link.to_node)


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
