# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces without a material: which there are, and what they are given. Leaves alone what has one.

For a mesh with vertex colours, Blender's glTF importer makes a "DefaultMaterial" from 4.5 on and none in 4.2; that one
counts as none, so that all Blenders do the same.
"""

import bpy

from ..api.glb import MATERIAL_TAG
from .nodes import multiply, principled_of

IMPORTERS_OWN = "DefaultMaterial"


def materials_of(mesh: bpy.types.Mesh) -> list[bpy.types.Material]:
    """The materials that a mesh has from its GLB."""
    return [material for material in mesh.materials if material and not _is_importers(material)]


def show_colors(meshes: list[bpy.types.Mesh], name: str) -> None:
    """Give faces without a material one that shows their vertex colours, where there are any. It is called `name`."""
    clothe([mesh for mesh in meshes if mesh.color_attributes], [], name)


def clothe(meshes: list[bpy.types.Mesh], materials: list[bpy.types.Material], name: str) -> list[bpy.types.Material]:
    """Give faces without a material one of `materials`, or where there are none a new one called `name`; return those
    that were made for it.

    Vertex colours are shown where a mesh has some, and only there: a mesh without them would be black.
    """
    made: list[bpy.types.Material] = []
    for mesh in meshes:
        slots = [number for number, one in enumerate(mesh.materials) if one is None or _is_importers(one)]
        if mesh.materials and not slots:
            continue
        is_colored = bool(mesh.color_attributes)
        fitting = [one for one in (*materials, *made) if _shows_colors(one) == is_colored]
        if not fitting:
            fitting = [materials[0].copy() if materials else _new(name)]
            made += fitting
            (_add_colors if is_colored else _take_colors)(fitting[0])
        if not mesh.materials:
            mesh.materials.append(fitting[0])
        for number in slots:
            mesh.materials[number] = fitting[0]
    for material in [one for one in bpy.data.materials if _is_importers(one) and not one.users]:
        bpy.data.materials.remove(material)
    return made


def _is_importers(material: bpy.types.Material) -> bool:
    return material.name.startswith(IMPORTERS_OWN) and material.get(MATERIAL_TAG) is None


def _shows_colors(material: bpy.types.Material) -> bool:
    return any(node.type == "VERTEX_COLOR" for node in material.node_tree.nodes)


def _new(name: str) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # from Blender 5.0 on there is one, and asking for it warns
        material.use_nodes = True
    principled_of(material).inputs["Base Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    return material


def _add_colors(material: bpy.types.Material) -> None:
    """Multiply the base color by the vertex colours."""
    tree = material.node_tree
    colors = tree.nodes.new("ShaderNodeVertexColor").outputs["Color"]
    multiply(tree, principled_of(material).inputs["Base Color"], colors)


def _take_colors(material: bpy.types.Material) -> None:
    """Have white in place of the vertex colours."""
    tree = material.node_tree
    for node in [one for one in tree.nodes if one.type == "VERTEX_COLOR"]:
        fed = [link.to_socket for output in node.outputs for link in output.links]
        tree.nodes.remove(node)
        for socket in fed:
            socket.default_value = (1.0, 1.0, 1.0, 1.0) if socket.type == "RGBA" else 1.0
