# SPDX-License-Identifier: GPL-3.0-or-later
"""GLB -> result.blend, then thumbnail.png, in a background Blender. Opens nothing but the GLB, the maps beside it and
the pictures to paint it with.

The .blend holds one collection, which is an asset, with one root object, named after the picture. The root's origin is
the middle of the model's foot, so that placing the root stands the model on the floor. Images are packed.
"""

import sys
import traceback
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..api.words import model_name
from ..programs.process import starter_is_gone
from . import asset, drawing, importer, materials, projection
from .failures import sentence_of
from .finite import require_finite
from .joining import join_many
from .quads import join_quads
from .reading import read
from .report import Report, wait_for_request
from .saving import save_whole
from .seen import keep_faces
from .standing import bounds, one_root
from .thumbnail import render


def main() -> None:
    """Do what the request file that the first argument names says, and report."""
    importer.load()
    request = wait_for_request(starter_is_gone)
    report = Report(Path(request["report"]), starter_is_gone)
    try:
        convert(request, report)
    except Exception as error:  # whatever it is, the user gets a sentence, and the log the rest
        traceback.print_exc()
        report.fail(sentence_of(error))
        sys.exit(1)


def convert(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write `request["blend"]` from `request["glb"]` and report it as done; then draw `request["thumbnail"]`, where
    there is one. Return facts about the model.

    The thumbnail is no part of what was asked for: where it cannot be drawn, that is printed, and nothing has failed.
    The model with its picture in the Asset Browser is written to `request["drawn"]`, where there is one, else to
    `request["blend"]` once more.

    `request["quads"]` asks for triangles to be joined back into quads. `request["watertight"]` says that the model is
    closed but for points that its file splits, as a glTF does along the borders of a texture: they are joined.
    `request["maps"]`, where there is one, holds files by Meshy's names for them (`base_color`, `metallic`, ...): they
    take the places that the GLB's own material leaves empty. `request["paint"]`, where there is one, holds pictures by
    the views of `views.AXES`: a model without any texture is painted with them. `request["asset"]`, where there is one,
    is what the Asset Browser shows of the model: see `jobs.assets.facts_of`. `request["provenance"]`, where there is
    one, holds custom properties for the root, so that a model which is dragged out of the Asset Browser has them, too.
    Raises `GlbError` where the GLB cannot be imported.
    """
    report.progress(0.0, "Reading the model")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    glb = Path(request["glb"])
    document = read(glb, joins_points=request.get("watertight", False))
    require_finite()
    notes = keep_faces()
    name = model_name(request["name"])
    report.progress(0.2, "Preparing the materials")
    notes += projection.paint(request.get("paint") or {}, name)
    meshes = [obj.data for obj in bpy.data.objects if obj.type == "MESH"]
    notes += materials.prepare(document, meshes, request.get("maps") or {}, name)
    report.progress(0.3, "Preparing the mesh")
    root = one_root(name)
    notes += join_many(root)
    meshes = [obj.data for obj in (root, *root.children_recursive) if obj.type == "MESH"]
    if request["quads"]:
        for mesh in dict.fromkeys(meshes):  # several objects may have one mesh
            join_quads(mesh)
    report.progress(0.8, "Saving")
    for name_of_property, value in (request.get("provenance") or {}).items():
        root[name_of_property] = value
    collection = _collect(root)
    if request.get("asset"):
        asset.mark(collection, request["asset"])
    facts = _facts(meshes, notes, quads_asked=request["quads"]) | {"bounds": bounds()}
    save_whole(Path(request["blend"]), lambda part: asset.write(part, collection))
    report.done(**facts)
    if request.get("thumbnail"):
        drawing.draw(render, collection, Path(request["thumbnail"]), Path(request.get("drawn") or request["blend"]))
    return facts


def _collect(root: bpy.types.Object) -> bpy.types.Collection:
    """Put the root and all below it, and nothing else, into a collection of the root's name."""
    collection = bpy.data.collections.new(root.name)
    for obj in (root, *root.children_recursive):
        collection.objects.link(obj)  # in the scene it stays too, but only this collection is written
    return collection


def _facts(meshes: list[bpy.types.Mesh], notes: list[str], *, quads_asked: bool) -> dict[str, Any]:
    """Numbers of faces and quads, and what the user is told about them and the materials."""
    faces, quads = sum(len(mesh.polygons) for mesh in meshes), sum(map(_count_quads, meshes))
    note = f"{faces:,} faces, {quads / faces:.0%} of them quads" if quads_asked else f"{faces:,} faces"
    return {"faces": faces, "quads": quads, "note": " ".join([f"{note}.", *notes]) if notes else note}


def _count_quads(mesh: bpy.types.Mesh) -> int:
    if len(mesh.loops) == 3 * len(mesh.polygons):  # none has fewer corners; of a million faces to ask each takes 0.06 s
        return 0
    counts = np.empty(len(mesh.polygons), dtype=np.int32)
    mesh.polygons.foreach_get("loop_total", counts)
    return int((counts == 4).sum())


if __name__ == "__main__":
    main()
