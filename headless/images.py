# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a model: none that cannot be read, none larger than can be handled, none twice. Decodes none that it
can judge by its bytes, as to decode takes time and memory.

Even to ask an image for its size has Blender decode it.
"""

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from .nodes import cut, ends_of, factors_of, principled_of, remove_unused, source_of, value_of
from .packed import Told, is_whole, told_by

MOST_PIXELS = 16384 * 16384  # of an image: 1 GB decoded. Width times height, as that is what fills memory
SIDES_PX = (8192, 4096)  # the longer side that a larger one is scaled to: the first that there is memory for
ROOM_BYTES = 3 << 29  # for decoded images where nothing tells more: about what Blender leaves of 3 GB
SPARE_BYTES = 1 << 27  # that stay free
MOST_LOOKED_AT = 8192 * 8192  # pixels: above, nobody waits for every pixel to be looked at
OPAQUE = 253.5 / 255  # least alpha of an opaque image: dithering leaves 254s

AMOUNTS = frozenset(
    {"Metallic", "Transmission Weight", "Coat Weight", "Anisotropic", "Thickness", "Iridescence Factor"}
)
"""Inputs that are how much there is of something. Without their image there is none: the factor, which is 1 as a rule,
would make all of a model a pure metal, or glass."""

Place = tuple[bpy.types.Material, bpy.types.Node]


def bring_into_bounds(document: dict[str, Any]) -> list[str]:
    """Leave out the images that cannot be read, scale down those that are too large; return sentences for the user.

    `document` is the JSON of the GLB that was imported. An input whose image is left out gets the factor that the image
    was multiplied by. All materials need a Principled BSDF.
    """
    unread: list[Place] = []
    too_large: list[Place] = []
    scaled: list[Place] = []
    number = 0
    for image, places in _places().items():
        if image is None:
            unread += places
            number += min(len(places), _without_source(document))
            continue
        content = _bytes_of(image)
        told = told_by(content)
        pixels = told.pixels or _decoded_pixels(image)
        if pixels > MOST_PIXELS:
            is_scaled = _scale_down(image, told)
            (scaled if is_scaled else too_large).extend(places)
        elif not pixels or not (is_whole(content) or _decoded_pixels(image)):
            unread += places
            number += 1
    notes = []
    if unread:
        said = "1 image could not be read and was" if number == 1 else f"{number} images could not be read and were"
        notes.append(f"{said} left out: {_words(unread)}.")
    if too_large:
        notes.append(f"Images that need more memory than a model may take were left out: {_words(too_large)}.")
    if scaled:
        notes.append(f"Images of more than 16384 x 16384 pixels were scaled down: {_words(scaled)}.")
    for material, node in unread + too_large:
        _leave_out(material, node)
    return notes


def is_opaque(image: bpy.types.Image) -> bool:
    """Whether an image is plainly opaque. One that cannot be looked at with the memory that there is counts as not."""
    told = told_by(_bytes_of(image))
    if not told.may_be_transparent:
        return True
    if told.pixels > MOST_LOOKED_AT or told.decoded_bytes + 16 * told.pixels > _room_bytes():
        return False
    number = len(image.pixels)
    if not number or image.channels != 4:
        return bool(number) and image.channels != 2
    values = np.empty(number, np.float32)
    image.pixels.foreach_get(values)
    image.buffers_free()
    return float(values[3::4].min()) >= OPAQUE


def is_same(one: bpy.types.Image, other: bpy.types.Image) -> bool:
    """Whether two images are one, or packed from the same bytes."""
    if one == other:
        return True
    files = one.packed_file, other.packed_file
    return all(files) and files[0].size == files[1].size and files[0].data == files[1].data


def merge_twins() -> None:
    """Keep one of several images whose files are the same bytes, read in the same manner."""
    alike: defaultdict[tuple[str, str, int], list[bpy.types.Image]] = defaultdict(list)
    for image in bpy.data.images:
        if image.packed_file:
            alike[image.colorspace_settings.name, image.alpha_mode, image.packed_file.size].append(image)
    twins: dict[bpy.types.Image, bpy.types.Image] = {}
    for images in alike.values():
        if len(images) > 1:  # only then are bytes read
            kept: dict[bytes, bpy.types.Image] = {}
            for image in images:
                first = kept.setdefault(hashlib.sha256(image.packed_file.data).digest(), image)
                if first != image:
                    twins[image] = first
    for image, places in _places().items():
        if image in twins:
            for _, node in places:
                node.image = twins[image]
    bpy.data.batch_remove(list(twins))


def _bytes_of(image: bpy.types.Image) -> bytes:
    """The packed bytes of an image. Blender copies them each time."""
    content: bytes = image.packed_file.data if image.packed_file else b""
    return content


def _places() -> dict[bpy.types.Image | None, list[Place]]:
    """Where each image is used. None stands for the nodes without one."""
    places: defaultdict[bpy.types.Image | None, list[Place]] = defaultdict(list)
    for material in bpy.data.materials:
        for node in material.node_tree.nodes if material.node_tree else ():
            if node.type == "TEX_IMAGE":
                places[node.image].append((material, node))
    return places


def _without_source(document: dict[str, Any]) -> int:
    """How many images a GLB's textures mean that the importer knows no source of (KTX2)."""
    textures = document.get("textures") or ()
    lost = [texture.get("extensions") for texture in textures if texture.get("source") is None]
    return max(1, len({json.dumps(extensions) for extensions in lost}))


def _decoded_pixels(image: bpy.types.Image) -> int:
    """How many pixels Blender decodes; 0 where it cannot."""
    pixels = image.size[0] * image.size[1]
    image.buffers_free()
    return pixels


def _scale_down(image: bpy.types.Image, told: Told) -> bool:
    """Scale an image to the largest of `SIDES_PX` that there is memory for; return whether there is any."""
    for side in SIDES_PX if told.pixels else ():
        share = side / max(told.width, told.height)
        # Blender decodes it, then scales its rows, then its columns.
        if told.decoded_bytes * (1 + share + share * share) <= _room_bytes():
            image.scale(max(1, round(told.width * share)), max(1, round(told.height * share)))
            image.pack()
            image.buffers_free()
            return True
    return False


def _room_bytes() -> int:
    """How much memory this process may still take. The bound is that of its address space (Linux)."""
    try:
        import resource  # not in Windows

        bound, _ = resource.getrlimit(resource.RLIMIT_AS)
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):  # macOS and Windows have no such numbers
        return ROOM_BYTES
    return bound - taken - SPARE_BYTES if bound != resource.RLIM_INFINITY else ROOM_BYTES


def _leave_out(material: bpy.types.Material, node: bpy.types.Node) -> None:
    """Remove the node of an image that is not there, with what only it needs; give what it fed a value."""
    tree, name = material.node_tree, node.name
    principled = principled_of(material)
    for output in node.outputs:
        for link in list(output.links):
            inputs = factors_of(link.to_node)
            if inputs and all(one.links for one in inputs):  # vertex colours stay
                socket = link.to_socket
                tree.links.remove(link)
                _give(socket, np.ones(3))
    for end in [end for output in node.outputs for end in ends_of(output)]:
        factor = _factor(end)
        cut(tree, end)
        if end.name in AMOUNTS:
            end.default_value = 0.0
        elif end.name == "Emission Color":
            principled.inputs["Emission Strength"].default_value = 0.0
        elif end.name == "Sheen Tint":
            principled.inputs["Sheen Weight"].default_value = 0.0
        else:
            _give(end, factor)
    left: bpy.types.Node | None = tree.nodes.get(name)
    if left is not None:
        remove_unused(tree, left)


def _factor(socket: bpy.types.NodeSocket) -> NDArray[np.float64]:
    """What an input has from the factors on its way, all images being white. A single number is repeated."""
    source = source_of(socket)
    if source is None:
        return value_of(socket)
    inputs = factors_of(source.node)
    return _factor(inputs[0]) * _factor(inputs[1]) if inputs else np.ones(3)


def _give(socket: bpy.types.NodeSocket, color: NDArray[np.float64]) -> None:
    """Give an input a colour, or its first channel. A direction has no value of its own."""
    if socket.type == "RGBA":
        socket.default_value = (*color, 1.0)
    elif socket.type == "VALUE":
        socket.default_value = color[0]


def _words(places: list[Place]) -> str:
    """What images feed, for a sentence."""
    names = [end.name for _, node in places for output in node.outputs for end in ends_of(output)]
    named = sorted({name.lower().removesuffix(" color") if name != "Base Color" else "base color" for name in names})
    return ", ".join(name for name in named if name != "alpha" or len(named) == 1)
