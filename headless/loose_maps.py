# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps that came as files beside the GLB, wired in where its own material has none. Never replaces what the GLB has.

The key says what a map is; only roughness and normal that are plainly exchanged are put right. A map that cannot be
used is told of, and left out: the model is good without it.
"""

from pathlib import Path

import bpy
import numpy as np

from ..api.glb import MATERIAL_TAG
from . import bare
from .nodes import multiply, picture_at, principled_of

SOCKETS = {
    "base_color": ("Base Color",),
    "metallic": ("Metallic",),
    "roughness": ("Roughness",),
    "metallic_roughness": ("Metallic", "Roughness"),  # last of these three: single maps go before the packed one
    "normal": ("Normal",),
    "emission": ("Emission Color",),
}
"""Which inputs of the Principled BSDF a map feeds, by its name in Meshy's `texture_urls`."""

PACKED = {"Metallic": "Blue", "Roughness": "Green"}  # channels of a metallic_roughness map (glTF 2.0, 5.22.5)
PAIR = frozenset({"roughness", "normal"})  # which Meshy's own documentation once exchanged

SAMPLE_PX = 64  # side that a map is scaled to for a look at its colours: enough for means
FLAT_NORMAL = np.array([0.5, 0.5, 1.0])  # what a tangent-space normal map is like all over
NEAR_FLAT = 0.2  # how far its mean may be from that in a channel; blue also has to stand out by as much
GREY = 0.04  # mean difference between a grey map's channels: JPEG leaves some


def add(maps: dict[str, str], meshes: list[bpy.types.Mesh], name: str) -> list[str]:
    """Wire the files in `maps` into the model's one material; return sentences for the user.

    The images are named after `name`. Faces without a material get that one, too, or a new one. The importer makes two
    of a material where only some meshes have vertex colours: they count as one.
    """
    maps = {key: path for key, path in maps.items() if key in SOCKETS and path}
    if not maps:
        return []
    missing = {material: _missing(material) for mesh in meshes for material in bare.materials_of(mesh)}
    if len({material.get(MATERIAL_TAG, material.name) for material in missing}) > 1:
        return ["The separate maps were left out: the model has several materials."]
    if not all(mesh.uv_layers for mesh in meshes):
        return ["The separate maps were left out: the model has no UV map."]
    lacked = set().union(*(missing.values() or SOCKETS.values()))
    images, notes = _read_all(maps, [key for key in SOCKETS if key in maps and lacked & set(SOCKETS[key])])
    usable = [key for key in SOCKETS if key in images and lacked & set(SOCKETS[key])]
    if usable:
        for material in bare.clothe(meshes, list(missing), name):
            missing[material] = _missing(material)
    added: dict[str, None] = {}
    for key in usable:
        images[key].name = f"{name} {' and '.join(SOCKETS[key])}"
        for material, sockets in missing.items():
            free = [socket for socket in SOCKETS[key] if socket in sockets]
            if free:
                _wire(material, key, images[key], free)
                sockets -= set(free)
                added |= dict.fromkeys(free)
    return ([_told(list(added))] if added else []) + notes


def _missing(material: bpy.types.Material) -> set[str]:
    """The inputs that no image feeds yet. Vertex colours leave room for a base color, which they are multiplied by."""
    principled = principled_of(material)
    if principled is None:
        return set()
    names = set().union(*SOCKETS.values())
    missing = {name for name in names if not principled.inputs[name].links}
    return missing if picture_at(principled.inputs["Base Color"]) else missing | {"Base Color"}


def _read_all(maps: dict[str, str], wanted: list[str]) -> tuple[dict[str, bpy.types.Image], list[str]]:
    """The images of those of the wanted maps that can be read, by what they are; and sentences for the user.

    Roughness and normal are both read where one is wanted, to be compared.
    """
    pair = PAIR if PAIR & set(wanted) else frozenset()
    read = {key: read_packed(Path(path), key) for key, path in maps.items() if key in {*wanted, *pair}}
    images = {key: image for key, image in read.items() if image is not None}
    lost = [key for key in wanted if key not in images]
    notes = []
    roughness, normal = images.get("roughness"), images.get("normal")
    if roughness and _is_normal_map(roughness) and (normal is None or _is_grey(normal)):
        images["normal"] = images.pop("roughness")
        if normal is not None:
            images["roughness"] = normal
        notes.append("The service had exchanged the roughness and normal maps.")
        lost = ["roughness" if key == "normal" else key for key in lost]
    elif normal and not roughness and _is_grey(normal):
        del images["normal"]
        notes.append("The normal map was left out: it looks like another map.")
    return images, notes + [f"The {_words(SOCKETS[key])} map could not be read." for key in lost]


def read_packed(path: Path, name: str) -> bpy.types.Image | None:
    """The file as a packed image that knows no folder, as the glTF importer has them; None if it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if not content:
        return None
    image = bpy.data.images.new(name, 8, 8)  # any size: the file's own takes its place
    image.pack(data=content, data_len=len(content))
    image.source = "FILE"
    image.alpha_mode = "CHANNEL_PACKED"
    image.colorspace_settings.name = "Non-Color"  # as its bytes are compared; `keep_contract` says how it is shown
    if not len(image.pixels):
        bpy.data.images.remove(image)
        return None
    return image


def _is_normal_map(image: bpy.types.Image) -> bool:
    """Whether an image is plainly a tangent-space normal map."""
    mean = _sample(image).mean(axis=0)
    return bool(np.all(np.abs(mean - FLAT_NORMAL) < NEAR_FLAT) and mean[2] - mean[:2].max() > NEAR_FLAT)


def _is_grey(image: bpy.types.Image) -> bool:
    return bool(np.ptp(_sample(image), axis=1).mean() < GREY)


def _sample(image: bpy.types.Image) -> np.ndarray:
    """Colours (n, 3) of a small copy."""
    small = image.copy()
    small.scale(SAMPLE_PX, SAMPLE_PX)
    values = np.empty(len(small.pixels), np.float32)
    small.pixels.foreach_get(values)
    channels = small.channels
    bpy.data.images.remove(small)
    values = values.reshape(-1, channels)
    return values[:, :3] if channels >= 3 else np.repeat(values[:, :1], 3, axis=1)


def _wire(material: bpy.types.Material, key: str, image: bpy.types.Image, sockets: list[str]) -> None:
    """Lead an image into the free `sockets`. Places and labels come from `materials.keep_contract`."""
    tree = material.node_tree
    principled = principled_of(material)
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    color = node.outputs["Color"]
    if key == "metallic_roughness":
        separate = tree.nodes.new("ShaderNodeSeparateColor")
        tree.links.new(color, separate.inputs["Color"])
        for socket in sockets:
            tree.links.new(separate.outputs[PACKED[socket]], principled.inputs[socket])
        return
    if key == "normal":
        bumps = tree.nodes.new("ShaderNodeNormalMap")
        tree.links.new(color, bumps.inputs["Color"])
        color = bumps.outputs["Normal"]
    elif key == "emission":
        principled.inputs["Emission Strength"].default_value = 1.0
    (socket,) = sockets
    if key == "base_color" and principled.inputs[socket].links:  # vertex colours
        multiply(tree, principled.inputs[socket], color)
        return
    tree.links.new(color, principled.inputs[socket])


def _words(sockets: tuple[str, ...]) -> str:
    """What a map is called in a sentence."""
    return " and ".join(sockets).lower().replace("emission color", "emission")


def _told(sockets: list[str]) -> str:
    """One sentence about the maps that were added."""
    *words, last = (_words((socket,)) for socket in sockets)
    if not words:
        return f"The {last} map was added."
    return f"{', '.join(words)} and {last} maps were added.".capitalize()
