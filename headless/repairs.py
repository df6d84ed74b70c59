# SPDX-License-Identifier: GPL-3.0-or-later
"""What services are known to get wrong in their materials is put right, each only where it is plainly wrong.

Every repair that a user may wonder at returns a sentence. What an animation changes is left as it is. Changes
materials, never meshes.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import bpy
import numpy as np

from .curves import is_animated
from .images import OPAQUE, is_opaque, is_same
from .nodes import cut, factors_of, picture_at, principled_of, source_of

MATTE = 1.0  # roughness of what was unlit: its light is painted on, and must not shine once more
FULL = 0.9  # least share of the base colour's brightness from which a picture glows as bright as it is painted
DARK = 0.5  # share of the glow's brightness below which the base colour does not show the picture by itself


def light(material: bpy.types.Material) -> list[str]:
    """Give an unlit material a Principled BSDF in place of the importer's emission and mixing nodes.

    Colour and alpha are kept.
    """
    tree = material.node_tree
    if tree is None or principled_of(material) is not None:
        return []
    output = next((node for node in tree.nodes if node.type == "OUTPUT_MATERIAL"), None)
    if output is None:
        output = tree.nodes.new("ShaderNodeOutputMaterial")
    principled = tree.nodes.new("ShaderNodeBsdfPrincipled")
    principled.inputs["Metallic"].default_value = 0.0
    principled.inputs["Roughness"].default_value = MATTE
    emission = next((node for node in tree.nodes if node.type == "EMISSION"), None)
    if emission is not None:
        _move(tree, emission.inputs["Color"], principled.inputs["Base Color"])
    last = source_of(output.inputs["Surface"])
    if last is not None and last.node.type == "MIX_SHADER":
        factor = source_of(last.node.inputs["Fac"])
        # The light path hides the emission from other objects, and is no alpha.
        if factor is None or factor.node.type != "LIGHT_PATH":
            _move(tree, last.node.inputs["Fac"], principled.inputs["Alpha"])
    for node in list(tree.nodes):
        if node.type in {"EMISSION", "LIGHT_PATH", "BSDF_TRANSPARENT", "MIX_SHADER"}:
            tree.nodes.remove(node)
    tree.links.new(principled.outputs["BSDF"], output.inputs["Surface"])
    return ["The unlit material became a Principled BSDF."]


def _move(tree: bpy.types.NodeTree, old: bpy.types.NodeSocket, new: bpy.types.NodeSocket) -> None:
    """Give `new` what `old` has: its link, or its value."""
    source = source_of(old)
    if source is not None:
        tree.links.new(source, new)
    else:
        new.default_value = old.default_value


def make_opaque(materials: list[bpy.types.Material], meshes: list[bpy.types.Mesh]) -> list[str]:
    """Turn off the blending of materials that are opaque all over: faces then hide each other in a wrong order.

    Materials that are shown with vertex colours are judged by those of all `meshes` that have them.
    """
    users: defaultdict[bpy.types.Material, list[bpy.types.Mesh]] = defaultdict(list)
    for mesh in meshes:
        for material in set(mesh.materials) - {None}:
            users[material].append(mesh)
    images_seen: dict[bpy.types.Image, bool] = {}
    meshes_seen: dict[bpy.types.Mesh, bool] = {}

    def image_is_opaque(image: bpy.types.Image) -> bool:
        if image not in images_seen:
            images_seen[image] = is_opaque(image)
        return images_seen[image]

    def colors_are_opaque(shown: list[bpy.types.Mesh]) -> bool:
        for mesh in shown:
            if mesh not in meshes_seen:
                meshes_seen[mesh] = _has_opaque_colors(mesh)
        return bool(shown) and all(meshes_seen[mesh] for mesh in shown)

    notes = []
    for material in materials:
        if material.surface_render_method != "BLENDED":
            continue
        alpha = principled_of(material).inputs["Alpha"]
        if not is_animated(alpha) and _is_full(alpha, image_is_opaque, partial(colors_are_opaque, users[material])):
            cut(material.node_tree, alpha)
            alpha.default_value = 1.0
            material.surface_render_method = "DITHERED"
            notes.append("Transparency was turned off: the model is opaque.")
    return notes


def _is_full(
    socket: bpy.types.NodeSocket,
    image_is_opaque: Callable[[bpy.types.Image], bool],
    colors_are_opaque: Callable[[], bool],
) -> bool:
    """Whether an alpha is 1 all over."""
    source = source_of(socket)
    if source is None:
        return socket.default_value >= OPAQUE
    if source.name == "Alpha" and source.node.type == "TEX_IMAGE":
        return source.node.image is not None and image_is_opaque(source.node.image)
    if source.name == "Alpha" and source.node.type == "VERTEX_COLOR":
        return colors_are_opaque()
    inputs = factors_of(source.node)
    return bool(inputs) and all(_is_full(one, image_is_opaque, colors_are_opaque) for one in inputs)


def _has_opaque_colors(mesh: bpy.types.Mesh) -> bool:
    """Whether the alpha of the colours that a mesh is shown with is 1 all over."""
    layers = mesh.color_attributes
    if not 0 <= layers.render_color_index < len(layers):
        return False
    colors: Any = layers[layers.render_color_index]
    values = np.empty(4 * len(colors.data), np.float32)
    colors.data.foreach_get("color", values)
    return bool(np.all(values[3::4] >= OPAQUE))


def stop_needless_glow(material: bpy.types.Material) -> list[str]:
    """Take away an emission that is the base color once more at full strength: such a model shows no shading at all.

    One that is brighter than white is a lamp, and one over a dark base color is all there is to see: both stay.
    """
    inputs = principled_of(material).inputs
    glow, base = picture_at(inputs["Emission Color"]), picture_at(inputs["Base Color"])
    if glow is None or base is None or not _show_the_same(glow.node, base.node):
        return []
    if is_animated(inputs["Emission Color"]) or is_animated(inputs["Emission Strength"]):
        return []
    glowing = glow.factor * inputs["Emission Strength"].default_value
    is_bright = np.all(glowing >= FULL * base.factor) and np.all(glowing <= 1 + 1e-6)
    if not is_bright or np.any(base.factor < DARK * glowing):
        return []
    cut(material.node_tree, inputs["Emission Color"])
    inputs["Emission Strength"].default_value = 0.0
    return ["The glow was turned off: it repeated the base color."]


def _show_the_same(one: bpy.types.Node, other: bpy.types.Node) -> bool:
    """Whether two nodes put the same image at the same place."""
    if one.image is None or other.image is None or not is_same(one.image, other.image):
        return False
    return _placing(one) == _placing(other)


def _placing(node: bpy.types.Node) -> list[Any]:
    """The values of all nodes that say where a node's image lies: which texture coordinates, moved how."""
    said: list[Any] = []
    source = source_of(node.inputs[0]) if node.inputs else None
    if source is not None:
        before = source.node
        said += [before.type, getattr(before, "uv_map", ""), getattr(before, "operation", "")]
        said += [list(socket.default_value) for socket in before.inputs if socket.type == "VECTOR"]
        said += _placing(before)
    return said


def repair_metallic(material: bpy.types.Material) -> list[str]:
    """Make a material a non-metal that is a metal only as its GLB does not say; return what to tell the user."""
    metallic = principled_of(material).inputs["Metallic"]
    if metallic.links or metallic.default_value < 1 or is_animated(metallic):
        return []
    metallic.default_value = 0.0
    return ["Metallic was set to 0: the model does not say that it is metal."]


def metallic_untold(document: dict[str, Any]) -> set[int]:
    """The numbers of the materials of a GLB's JSON that leave out both metallic factor and texture.

    The standard's default is then a pure metal, nearly black without surroundings, and hardly ever meant.
    """
    untold = set()
    for number, entry in enumerate(document.get("materials") or ()):
        surface = entry.get("pbrMetallicRoughness") or {}
        if surface.get("metallicFactor") is None and surface.get("metallicRoughnessTexture") is None:
            untold.add(number)
    return untold
