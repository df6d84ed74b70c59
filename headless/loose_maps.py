# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps that came as files beside the GLB, wired in where its own material has none. Never replaces what the GLB has.

The key says what a map is; only a pair that is plainly exchanged is put right. A map that cannot be used is told of,
and left out: the model is good without it.
"""

from pathlib import Path

import bpy
import numpy as np

from .materials import principled_of

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

    The images are named after `name`. A model without any material gets one.
    """
    maps = {key: path for key, path in maps.items() if key in SOCKETS and path}
    if not maps:
        return []
    if len(bpy.data.materials) > 1:
        return ["The separate maps were left out: the model has several materials."]
    if not all(mesh.uv_layers for mesh in meshes):
        return ["The separate maps were left out: the model has no UV map."]
    material = next(iter(bpy.data.materials), None)
    missing = _missing(material) if material else set().union(*SOCKETS.values())
    wanted = [key for key in SOCKETS if key in maps and missing & set(SOCKETS[key])]
    images = _read_all(maps, wanted)
    notes = [f"The {_words(SOCKETS[key])} map could not be read." for key in wanted if key not in images]
    if _are_exchanged(images):
        images["roughness"], images["normal"] = images["normal"], images["roughness"]
        notes.insert(0, "The service had exchanged the roughness and normal maps.")
    added: list[str] = []
    for key in wanted:
        free = [socket for socket in SOCKETS[key] if socket in missing]
        if key in images and free:
            material = material or _new_material(name, meshes)
            images[key].name = f"{name} {' and '.join(SOCKETS[key])}"
            _wire(material, key, images[key], free)
            missing -= set(free)
            added += free
    return ([_told(added)] if added else []) + notes


def _missing(material: bpy.types.Material) -> set[str]:
    """The inputs that nothing feeds yet."""
    principled = principled_of(material)
    if principled is None:
        return set()
    return {name for name in set().union(*SOCKETS.values()) if not principled.inputs[name].links}


def _read_all(maps: dict[str, str], wanted: list[str]) -> dict[str, bpy.types.Image]:
    """The images of those of the wanted maps that can be read.

    Roughness and normal both where one is wanted, to be compared.
    """
    pair = PAIR if PAIR & set(wanted) else frozenset()
    images = {key: read_packed(Path(path), key) for key, path in maps.items() if key in {*wanted, *pair}}
    return {key: image for key, image in images.items() if image is not None}


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


def _are_exchanged(images: dict[str, bpy.types.Image]) -> bool:
    """Whether the "roughness" is a tangent-space normal map, and the "normal" is grey."""
    if not set(images) >= PAIR:
        return False
    bluish, grey = _sample(images["roughness"]), _sample(images["normal"])
    mean = bluish.mean(axis=0)
    return bool(
        np.all(np.abs(mean - FLAT_NORMAL) < NEAR_FLAT)
        and mean[2] - mean[:2].max() > NEAR_FLAT
        and np.ptp(grey, axis=1).mean() < GREY
    )


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


def _new_material(name: str, meshes: list[bpy.types.Mesh]) -> bpy.types.Material:
    """A material of the model's name on all its faces."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # from Blender 5.0 on there is one, and asking for it warns
        material.use_nodes = True
    for mesh in meshes:
        mesh.materials.append(material)
    return material


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
