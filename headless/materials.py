# SPDX-License-Identifier: GPL-3.0-or-later
"""The material contract: what every material looks like before it enters the user's scene. Changes materials, never meshes.

One Principled BSDF. Base color and emission images are read as sRGB and everything else as Non-Color (glTF 2.0, 5.19 and 5.22).
Nodes stand in columns, from the images on the left to the output on the right, and say what they are.
"""

from collections.abc import Iterator

import bpy

COLUMN_WIDTH = 320.0  # in node editor units; an image node is 240 wide
ROW_HEIGHT = 320.0  # an image node is about 280 high

COLOR_SOCKETS = frozenset({"Base Color", "Emission Color"})


def keep_contract(material: bpy.types.Material) -> None:
    """Bring a material as the glTF importer makes it into the contract's form."""
    tree = material.node_tree
    principled = [node for node in tree.nodes if node.type == "BSDF_PRINCIPLED"]
    assert len(principled) == 1, f"{material.name} has {len(principled)} Principled BSDF nodes"
    for node in tree.nodes:
        if node.type == "TEX_IMAGE" and node.image is not None:
            sockets = set(_sockets_fed_by(node))
            is_color = bool(sockets & COLOR_SOCKETS)
            node.image.colorspace_settings.name = "sRGB" if is_color else "Non-Color"
            node.label = " and ".join(sorted(sockets - {"Alpha"})) or "Not Used"
    _lay_out(tree)


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
    output = next(node for node in tree.nodes if node.type == "OUTPUT_MATERIAL")
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
        if (
            node not in order
        ):  # the importer's group for occlusion stands beside the output, fed by nothing or by an image
            visit(node, columns.get(node, 0))
    rows: dict[int, int] = {}
    for node in order:
        column = columns[node]
        node.location = (-column * COLUMN_WIDTH, -rows.get(column, 0) * ROW_HEIGHT)
        rows[column] = rows.get(column, 0) + 1
