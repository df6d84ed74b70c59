# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways through a material's nodes: what feeds an input, and what an output feeds. Judges nothing.

The nodes between are those that Blender's glTF importer makes (4.2 to 5.2): products with factors and vertex colours,
single channels, normal maps.
"""

from collections.abc import Iterator
from typing import NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray


class Picture(NamedTuple):
    """An image that feeds an input, and what it is multiplied by on the way."""

    node: bpy.types.Node
    factor: NDArray[np.float64]  # red, green, blue


def principled_of(material: bpy.types.Material) -> bpy.types.Node | None:
    """The material's Principled BSDF; None where it has none."""
    nodes = material.node_tree.nodes if material.node_tree else ()
    return next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)


def source_of(socket: bpy.types.NodeSocket) -> bpy.types.NodeSocket | None:
    """The output that a socket is linked to."""
    return socket.links[0].from_socket if socket.links else None


def value_of(socket: bpy.types.NodeSocket) -> NDArray[np.float64]:
    """The red, green and blue of an input that nothing feeds. A single number is repeated."""
    return np.resize(np.array(socket.default_value, np.float64), 4)[:3]


def factors_of(node: bpy.types.Node) -> tuple[bpy.types.NodeSocket, ...]:
    """The two inputs of a node that does nothing but multiply them; none for any other node."""
    if node.type == "MATH" and node.operation == "MULTIPLY" and not node.use_clamp:
        return node.inputs[0], node.inputs[1]
    if node.type == "MIX" and node.data_type == "RGBA" and node.blend_type == "MULTIPLY":
        share = node.inputs[0]
        if not share.links and share.default_value == 1:
            return node.inputs[6], node.inputs[7]  # by number, as there are inputs A and B for each type of data
    return ()


def picture_at(socket: bpy.types.NodeSocket) -> Picture | None:
    """The one image that reaches a socket, through nothing but products with constants and vertex colours.

    Vertex colours count as white: what they are is not looked at.
    """
    source = source_of(socket)
    if source is None:
        return None
    if source.node.type == "TEX_IMAGE":
        return Picture(source.node, np.ones(3))
    inputs = factors_of(source.node)
    found = [picture for one in inputs if (picture := picture_at(one)) is not None]
    if len(found) != 1:
        return None
    factor: NDArray[np.float64] = found[0].factor
    for one in inputs:
        if not one.links:
            factor = factor * value_of(one)
    return Picture(found[0].node, factor)


def ends_of(output: bpy.types.NodeSocket) -> Iterator[bpy.types.NodeSocket]:
    """The inputs of shaders and groups that an output reaches, through whatever lies between."""
    for link in output.links:
        if link.to_node.type.startswith(("BSDF_", "VOLUME_")) or link.to_node.type == "GROUP":
            yield link.to_socket
        else:
            for further in link.to_node.outputs:
                yield from ends_of(further)


def multiply(tree: bpy.types.NodeTree, socket: bpy.types.NodeSocket, color: bpy.types.NodeSocket) -> None:
    """Feed a socket with the output `color`, times what the socket had before: its link or its value, unless white."""
    before = source_of(socket)
    if before is None and min(socket.default_value) >= 1:
        tree.links.new(color, socket)
        return
    product = tree.nodes.new("ShaderNodeMix")
    product.data_type = "RGBA"
    product.blend_type = "MULTIPLY"
    product.inputs[0].default_value = 1.0
    if before is None:
        product.inputs[7].default_value = socket.default_value
    else:
        tree.links.new(before, product.inputs[7])
    tree.links.new(color, product.inputs[6])
    tree.links.new(product.outputs[2], socket)


def cut(tree: bpy.types.NodeTree, socket: bpy.types.NodeSocket) -> None:
    """Take away what feeds a socket, and all nodes that fed nothing else."""
    nodes = [link.from_node for link in socket.links]
    for link in list(socket.links):
        tree.links.remove(link)
    for node in nodes:
        remove_unused(tree, node)


def remove_unused(tree: bpy.types.NodeTree, node: bpy.types.Node) -> None:
    """Remove a node that feeds nothing, and what fed only it."""
    names: list[str] = [node.name]  # a node that is gone must not be touched again
    while names:
        one: bpy.types.Node | None = tree.nodes.get(names.pop())
        if one is not None and not any(output.links for output in one.outputs):
            names += {link.from_node.name for socket in one.inputs for link in socket.links}
            tree.nodes.remove(one)
