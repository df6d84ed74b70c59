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
    domain, normals = _own(mesh)
    attribute: Any = mesh.attributes.new(KEPT, "FLOAT_VECTOR", domain)
    attribute.data.foreach_set("vector", normals.ravel())
    yield
    attribute = mesh.attributes[KEPT]
    normals = np.empty(len(attribute.data) * 3, np.float32)
    attribute.data.foreach_get("vector", normals)
    mesh.attributes.remove(attribute)
    normals = normals.reshape(-1, 3)
    if linear is not None:
        normals = normals @ of_normals(linear).T.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", normals, normals))[:, None]
        np.divide(normals, lengths, out=normals, where=lengths > 0)
    if domain == "POINT":
        mesh.normals_split_custom_set_from_vertices(as_rows(normals))
    else:
        mesh.normals_split_custom_set(as_rows(normals))


def as_rows(normals: np.ndarray) -> list[tuple[float, float, float]]:
    """An (n, 3) array as Blender's functions read it fastest: they take 1 s longer for a million rows of an array, 4 s
    in Blender 5.2, and numpy takes three times as long to make lists of them."""
    return list(zip(*(normals[:, axis].tolist() for axis in range(3)), strict=True))


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


def _own(mesh: bpy.types.Mesh) -> tuple[str, np.ndarray]:
    """The normals, (n, 3), and what they are of: of vertices, where all corners of each have one, as in a glTF file;
    else of corners. Vertices are fewer, and they stay where faces turn."""
    normals = np.empty(len(mesh.loops) * 3, np.float32)
    mesh.corner_normals.foreach_get("vector", normals)
    normals = normals.reshape(-1, 3)
    vertices = np.empty(len(mesh.loops), np.int32)
    attributes: Any = mesh.attributes
    attributes[".corner_vert"].data.foreach_get("value", vertices)  # far faster than from the loops
    of_vertices = np.zeros((len(mesh.vertices), 3), np.float32)
    of_vertices[vertices] = normals
    differences = of_vertices.take(vertices, axis=0)
    differences -= normals
    is_one = max(differences.max(initial=0), -differences.min(initial=0)) < SAME
    return ("POINT", of_vertices) if is_one else ("CORNER", normals)
