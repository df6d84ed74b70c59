# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh's own normals -> the same ones after its faces were turned, joined or stretched. Changes nothing else.

Blender keeps a corner's own normal by the angles to what it computes from the faces. So the own normals turn where the
faces change, and only after a plain move, turn and even scale they are right by themselves (Blender 4.2 to 5.2).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np

KEPT = "image_to_3d_normal"  # an attribute: Blender takes it along to wherever a corner goes
SAME = 1e-3  # so far apart are two normals that differ by rounding only


@contextmanager
def kept(mesh: bpy.types.Mesh, linear: np.ndarray | None = None) -> Iterator[None]:
    """Around a change of the mesh: give its corners the normals that they had before, turned as the change `linear`, a
    (3, 3) matrix, turns them."""
    if not mesh.has_custom_normals or (linear is not None and _keeps_angles(linear)):
        yield
        return
    normals = np.empty(len(mesh.loops) * 3, np.float32)
    mesh.corner_normals.foreach_get("vector", normals)
    attribute: Any = mesh.attributes.new(KEPT, "FLOAT_VECTOR", "CORNER")
    attribute.data.foreach_set("vector", normals)
    yield
    normals = np.empty(len(mesh.loops) * 3, np.float32)
    attribute = mesh.attributes[KEPT]
    attribute.data.foreach_get("vector", normals)
    mesh.attributes.remove(attribute)
    normals = normals.reshape(-1, 3)
    if linear is not None:
        normals = normals @ of_normals(linear).T.astype(np.float32)
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        np.divide(normals, lengths, out=normals, where=lengths > 0)
    _set(mesh, normals)


def of_normals(linear: np.ndarray) -> np.ndarray:
    """The (3, 3) matrix that turns normals as `linear` turns points: its inverse transposed, but for the length. It is
    found also where `linear` flattens all."""
    cofactors = np.array([np.cross(linear[(row + 1) % 3], linear[(row + 2) % 3]) for row in range(3)])
    return -cofactors if np.linalg.det(linear) < 0 else cofactors


def _keeps_angles(linear: np.ndarray) -> bool:
    squared = linear.T @ linear
    return bool(
        np.linalg.det(linear) > 0 and np.allclose(squared, np.eye(3) * squared[0, 0], rtol=0, atol=1e-5 * squared[0, 0])
    )


def _set(mesh: bpy.types.Mesh, normals: np.ndarray) -> None:
    """Give the corners these normals, (n, 3). Where all corners of a vertex have one, as in a glTF file, by the vertex:
    that takes a third of the time."""
    vertices = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", vertices)
    of_vertices = np.zeros((len(mesh.vertices), 3), np.float32)
    of_vertices[vertices] = normals
    if np.abs(of_vertices[vertices] - normals).max(initial=0) < SAME:
        mesh.normals_split_custom_set_from_vertices(of_vertices.tolist())
    else:
        mesh.normals_split_custom_set(normals.tolist())
