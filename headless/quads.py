# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangles -> the quads that they were cut from. Changes one mesh, and nothing of how it looks."""

import math

import bpy  # isort: skip -- first: where Blender is a Python module, bmesh comes with it
import bmesh
import numpy as np

from . import normals


def join_quads(mesh: bpy.types.Mesh) -> None:
    """Join pairs of triangles back into the quads that they were cut from: a GLB holds triangles only.

    Exporters write the two halves of a quad one after the other, so neighbours in the list that share an edge are
    joined first; Blender's own operator finds partners for what is left.
    """
    with normals.kept(mesh):
        _join(mesh)


def _join(mesh: bpy.types.Mesh) -> None:
    joined = bmesh.new()
    joined.from_mesh(mesh)
    joined.edges.ensure_lookup_table()
    corners = np.array([[vert.index for vert in face.verts] for face in joined.faces if len(face.verts) == 3])
    if len(corners) == len(joined.faces):
        edges = {frozenset((edge.verts[0].index, edge.verts[1].index)): edge for edge in joined.edges}
        shared = [edges[pair] for pair in _diagonals(corners)]
        bmesh.ops.dissolve_edges(joined, edges=shared, use_verts=False, use_face_split=False)
    left = [face for face in joined.faces if len(face.verts) == 3]
    bmesh.ops.join_triangles(joined, faces=left, angle_face_threshold=math.pi, angle_shape_threshold=math.pi)
    joined.to_mesh(mesh)
    joined.free()


def _diagonals(corners: np.ndarray) -> list[frozenset[int]]:
    """The edges between each triangle and the next in the list, a triangle taking part once; `corners` is (n, 3)."""
    found = []
    number = 0
    while number + 1 < len(corners):
        pair = frozenset(corners[number]) & frozenset(corners[number + 1])
        if len(pair) == 2:
            found.append(pair)
            number += 1
        number += 1
    return found
