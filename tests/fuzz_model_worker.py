# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts and appends models for `fuzz_models.py`, many in one Blender, and says what is wrong with what came of it.

A program: it reads one order a line from standard input and writes what came of it as one line to standard output. It
may crash or hang, and is ended then. Starts nothing.
"""

import bpy  # isort: skip -- first: where Blender is a Python module, numpy comes with it

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import conftest  # noqa: F401  # isort: skip -- makes the checkout importable as `image_to_3d`

import numpy as np
from fuzz_worker import forget_peak, peak_kb

from image_to_3d.api import glb
from image_to_3d.api.errors import GlbError
from image_to_3d.headless import convert
from image_to_3d.jobs.folder import Job
from image_to_3d.scene.place import place

OBJECTS = 1000
"""More than this many would hold the user's Blender up when they are appended."""
SIZE = 2.0  # Blender units, of a model that is asked to have a size
STANDS = 1e-3  # of the size: how far the lowest point may be from the floor
PLAIN = (str, int, float, bool)
TAGS = ("image_to_3d_material", "image_to_3d_gone", "image_to_3d_hidden")
"""Properties that the conversion leaves for itself, and takes away again."""
SPACE_BYTES = 3_000_000_000  # of address space, to prepare a model; what breaks at it is tried in a whole job
OWN_BYTES = 6_000_000_000  # a bomb must not take the machine along


def check(order: dict[str, Any]) -> dict[str, Any]:
    """What `api.glb.check` says, and how long the cores worked on it, and with how much memory."""
    forget_peak()
    before, began = peak_kb(), time.process_time()
    sentence = problem = ""
    try:
        document = glb.check(Path(order["glb"]))
        if not isinstance(document, dict):
            problem = f"the check returned a {type(document).__name__}"
    except GlbError as error:
        sentence = str(error)
    except Exception as error:
        traceback.print_exc()
        problem = f"{type(error).__name__} came out of the check"
    document = None
    seconds = time.process_time() - began
    return {"sentence": sentence, "problem": problem, "s": seconds, "mb": (peak_kb() - before) // 1024}


def conversion(order: dict[str, Any]) -> dict[str, Any]:
    """What `headless.convert` says as a program: its last report."""
    folder = Path(order["folder"])
    request, report = folder / "request.json", folder / "report.jsonl"
    asked = {
        "glb": order["glb"],
        "name": order["name"],
        "quads": order["quads"],
        "maps": {},
        "blend": str(folder / "result.blend"),
        "thumbnail": str(folder / "thumbnail.png"),
        "paint": {},
        "report": str(report),
    }
    request.write_text(json.dumps(asked), encoding="utf-8")
    sys.argv = ["headless.convert", str(request)]
    problem = ""
    _bound(SPACE_BYTES)
    try:
        convert.main()
    except SystemExit:
        pass
    except Exception as error:
        traceback.print_exc()
        problem = f"{type(error).__name__} came out of the conversion"
    finally:
        _bound(OWN_BYTES)
    said = [json.loads(line) for line in report.read_bytes().splitlines()] if report.exists() else []
    last = next((line for line in said if "done" in line or "error" in line), {})
    return {"done": last.get("done"), "error": last.get("error", ""), "problem": problem}


def _bound(space_bytes: int) -> None:
    """From now on this process has no more address space than that, where the system holds it."""
    with contextlib.suppress(ImportError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (space_bytes, OWN_BYTES))


def appending(order: dict[str, Any]) -> dict[str, Any]:
    """Append the model to an empty scene, and say what is wrong with it there."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    handlers = {name: len(found) for name, found in _handlers()}
    scene, view_layer = bpy.context.scene, bpy.context.view_layer
    job = Job("20261127-000000-000000-0000", "meshy", order["name"], {})
    if hasattr(job, "bounds") and order["bounds"]:
        job.bounds = order["bounds"]
    where = {"size": SIZE} if order["sized"] else {}
    began = time.process_time()  # of the cores: what else the machine does holds nobody's Blender up
    try:
        placed = place(Path(order["folder"]), job, scene, where, undo_step=False, select_in=[view_layer])
    except Exception as error:
        traceback.print_exc()
        return {"faults": [f"it cannot be appended ({type(error).__name__})"], "s": 0.0, "told": str(error)[:300]}
    seconds = time.process_time() - began
    faults = [*_scene_faults(placed.root, sized=order["sized"]), *_file_faults(Path(order["folder"]))]
    if {name: len(found) for name, found in _handlers()} != handlers:
        faults.append("a handler is left in the scene's file")
    told = f"{len(bpy.data.objects)} objects, {seconds:.2f} s, {placed.remarks}"
    return {"faults": list(dict.fromkeys(faults)), "s": seconds, "told": told}


def _handlers() -> Iterator[tuple[str, list[Any]]]:
    for name in dir(bpy.app.handlers):
        if isinstance(found := getattr(bpy.app.handlers, name), list):
            yield name, found


def _scene_faults(root: bpy.types.Object, *, sized: bool) -> Iterator[str]:
    """What is wrong with the model as it is seen."""
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    low, high, faces = np.full(3, np.inf), np.full(3, -np.inf), 0
    objects = [root, *root.children_recursive]
    if len(objects) > OBJECTS:
        yield f"more than {OBJECTS} objects enter the scene"
    for obj in objects:
        if not np.isfinite(np.array(obj.matrix_world)).all():
            yield "the place of an object is not finite"
        if obj.type in {"CAMERA", "LIGHT"}:
            yield "a camera or a lamp enters the scene"
        if obj.type != "MESH":
            continue
        seen = obj.evaluated_get(graph)
        mesh = seen.to_mesh()
        points = _values(mesh.vertices, "co", 3)
        faces += len(mesh.polygons)
        if len(points):
            matrix = np.array(seen.matrix_world)
            with np.errstate(all="ignore"):
                points = points @ matrix[:3, :3].T + matrix[:3, 3]
            if not np.isfinite(points).all():
                yield "a point that is not finite enters the scene"
            if obj.visible_get():
                low, high = np.minimum(low, points.min(axis=0)), np.maximum(high, points.max(axis=0))
        seen.to_mesh_clear()
    if not faces:
        yield "nothing with a face enters the scene"
    elif np.isfinite(high - low).all():
        longest = float((high - low).max())
        if longest <= 0.0:
            yield "the model has no extent"
        if abs(low[2]) > max(longest, 1e-6) * STANDS:
            yield "the model does not stand on the floor"
        if sized and abs(longest - SIZE) > SIZE * STANDS:
            yield "the model has not the size that was asked for"


def _file_faults(folder: Path) -> Iterator[str]:
    """What is wrong with what has come into the file."""
    if bpy.data.texts:
        yield "a text enters the scene's file"
    own = {"result.blend"}
    for library in bpy.data.libraries:
        if Path(library.filepath).name not in own:
            yield "a library enters the scene's file"
    for image in bpy.data.images:
        if image.source == "FILE" and not image.packed_file:
            yield "an image enters that is not packed"
    for name in ("sounds", "fonts", "movieclips", "cache_files", "volumes"):
        for found in getattr(bpy.data, name):
            if found.filepath not in ("", "<builtin>"):
                yield f"{name} with a path enter the scene's file"
    for entry in _datablocks():
        if "animation_data" in entry.bl_rna.properties and entry.animation_data and len(entry.animation_data.drivers):
            yield "a driver enters the scene's file"
        for tag in TAGS:
            if tag in entry:
                yield f"the property {tag} enters the scene's file"
        for key, value in entry.items():
            plain = isinstance(value, PLAIN) or hasattr(value, "to_list") or hasattr(value, "to_dict")
            if not plain and not isinstance(value, (list, bpy.types.ID)):
                yield f"a property of the type {type(value).__name__} enters the scene's file"
            if isinstance(value, float) and not np.isfinite(value):
                yield f"the property {key[:30]} is not finite"
    for mesh in bpy.data.meshes:
        yield from _mesh_faults(mesh)
    for action in bpy.data.actions:
        for curve in _curves(action):
            if not np.isfinite(_values(curve.keyframe_points, "co", 2)).all():
                yield "a key that is not finite enters the scene"
    for material in bpy.data.materials:
        for node in material.node_tree.nodes if material.node_tree else ():
            if node.type == "SCRIPT":
                yield "a script enters the scene's file"
            if node.type == "TEX_IMAGE" and node.image is None and any(socket.is_linked for socket in node.outputs):
                yield "an empty image node feeds a material"
            for socket in node.inputs:
                value = getattr(socket, "default_value", 0.0)
                numbers = [value] if isinstance(value, float) else value if hasattr(value, "__len__") else []
                if not isinstance(value, str) and not np.isfinite(np.array(numbers, float)).all():
                    yield "a number of a material is not finite"


def _datablocks() -> Iterator[bpy.types.ID]:
    for name in ("objects", "meshes", "materials", "images", "actions", "armatures", "collections", "shape_keys"):
        yield from getattr(bpy.data, name)


def _curves(action: bpy.types.Action) -> Iterator[bpy.types.FCurve]:
    if hasattr(action, "layers") and action.layers:
        for strip in (strip for layer in action.layers for strip in layer.strips):
            for bag in strip.channelbags:
                yield from bag.fcurves
    elif hasattr(action, "fcurves"):
        yield from action.fcurves


def _mesh_faults(mesh: bpy.types.Mesh) -> Iterator[str]:
    if not np.isfinite(_values(mesh.vertices, "co", 3)).all():
        yield "a point that is not finite enters the scene"
    for layer in mesh.uv_layers:
        if not np.isfinite(_values(layer.uv, "vector", 2)).all():
            yield "a coordinate that is not finite enters the scene"
    if mesh.shape_keys:
        for block in mesh.shape_keys.key_blocks:
            if not np.isfinite(_values(block.data, "co", 3)).all() or not np.isfinite(block.value):
                yield "a shape that is not finite enters the scene"
    if mesh.has_custom_normals and not np.isfinite(_values(mesh.corner_normals, "vector", 3)).all():
        yield "a normal that is not finite enters the scene"
    for attribute in mesh.attributes:
        if (
            attribute.data_type in {"FLOAT_COLOR", "BYTE_COLOR"}
            and not np.isfinite(_values(attribute.data, "color", 4)).all()
        ):
            yield "a colour that is not finite enters the scene"


def _values(collection: Any, name: str, width: int) -> np.ndarray:
    found = np.empty(len(collection) * width, np.float32)
    collection.foreach_get(name, found)
    return found.reshape(-1, width).astype(np.float64)


WORK = {"check": check, "convert": conversion, "append": appending}


def main() -> None:
    """Do what standard input orders, one order a line, and say on standard output what came of each."""
    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever Blender prints must not look like an answer
    _bound(OWN_BYTES)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if hasattr(convert, "drawing"):
        # The picture takes most of the time, and comes when the model is ready: whole jobs have it drawn.
        convert.drawing.draw = lambda *_: None
    print(json.dumps({"began": True}), file=said, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            told = WORK[order["do"]](order)
        except Exception as error:
            traceback.print_exc()
            told = {"failed": f"{type(error).__name__} in the fuzz itself: {error}"}
        print(json.dumps(told), file=said, flush=True)
    os._exit(0)  # Blender 4.2 crashes now and then at its end


if __name__ == "__main__":
    main()
