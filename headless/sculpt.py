# SPDX-License-Identifier: GPL-3.0-or-later
"""The Local service's sculptor: turns a picture into a textured, closed GLB in a background Blender. Never goes online.

It shapes the silhouette: what lies inside the outline swells, thick where the shape is wide, and the back mirrors the
front. It does not guess hidden sides as the AI services do.

Run as `launch.py headless.sculpt REQUEST.json`, the request being
`{"picture": path, "called": "fox.png", "name": "Fox", "output": path, "report": path, "parameters": {...}}`.
"""

import importlib
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from .. import files
from ..api.words import model_name
from ..programs.process import give_way, starter_is_gone
from . import maps
from .cutout import Cutout, NothingToShape, cut_out
from .lowpoly import likeness, reduced
from .mesh import add_uvs, place, scale_to, to_mesh
from .paint import make_material
from .picture import UnreadablePicture, read
from .pixels import Bytes, Floats, bilinear, blur, blur_inside, luminance, shrink
from .report import Report, wait_for_request
from .shape import Indices, Sheet, body, make_sheet, swollen, triangulated

FACES = {"base": 78_000, "turbo": 56_000}  # quads at high_poly, before any triangulation
HIGH_POLY = 50_000  # faces at least, and at most four times that
LOW_POLY = 4_450  # quads of a coarse grid, of which there may be a tenth more
ALIKE = 0.988  # intersection over union with the picture that makes a coarse grid good enough
THICKER = 2.0  # times the depth of the fine body: so deep coarse cells get where thin lines run together in them
RELIEF = 0.014  # depth of the relief, of the picture's longer side
RELIEF_STUDY = 512  # pixels, longer side at which shading is read for the relief
PLATE = 0.05  # thickness of a rectangle's plate, of the shorter side
LEAST_PLATE = 0.004  # the same at least, of the longer side, unless it is more than the shorter: a strip is no foil
PLATE_RELIEF = 0.10  # height of its relief, of the shorter side


class SculptError(Exception):
    """The picture cannot be sculpted; the text is a sentence for the user that says what to do."""


def sculpt(
    picture: Path, parameters: dict[str, Any], output: Path, name: str, report: Report, called: str = "The picture"
) -> dict[str, Any]:
    """Make the GLB. Return `faces`, `shape_from` ("alpha", "background" or "rectangle") and a `note` for the user.

    Replaces whatever file Blender has open by an empty one. Raises `SculptError`, which calls the picture `called`,
    where nothing can be made of it.
    """
    start_blender()
    report.progress(0.02, "Reading the picture")
    try:
        image, notes = read(picture, called=called)
        report.progress(0.12, "Finding the shape")
        cutout = cut_out(image, parameters.get("cutout", "auto"))
    except (UnreadablePicture, NothingToShape) as error:
        raise SculptError(str(error)) from error
    report.progress(0.2, "Shaping the body")
    mesh, faces = make_mesh(image, cutout, parameters, name, report)
    scale_to(mesh, parameters["scaled_bbox"], parameters["preserve_aspect_ratio"])
    report.progress(0.6, "Painting the maps")
    with tempfile.TemporaryDirectory(prefix="sculpt_") as folder:
        mesh.materials.append(make_material(image, cutout, parameters["texture_model"], name, Path(folder), report))
        bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, mesh))
        report.progress(0.9, "Writing the model")
        write_glb(output)
    facts = {"faces": faces, "shape_from": cutout.origin}
    notes = [*notes, cutout.note] if cutout.note else notes
    return facts | ({"note": " ".join(notes)} if notes else {})


def start_blender() -> None:
    """An empty file, and the glTF exporter at hand, whatever the user's own start-up file and preferences are."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    importlib.import_module("addon_utils").enable("io_scene_gltf2")  # Blender's own; importable once bpy is


def make_mesh(
    image: Bytes, cutout: Cutout, parameters: dict[str, Any], name: str, report: Report
) -> tuple[bpy.types.Mesh, int]:
    """The body, and how many faces it has. Its longer side is 1 m, it stands on z = 0, and its front is towards -Y.

    Where quads were asked for, the triangles of each follow each other, as a GLB wants it.
    """
    model, quads = parameters["geometry_model"], parameters["topology"] == "quads"
    make = low_poly if parameters["resolution"] == "low_poly" else high_poly
    try:
        points, triangles, faces = make(image, cutout, model, quads)
    except IndexError as error:  # no row or column is inside
        raise SculptError(
            "Nothing in the picture is opaque enough to be a shape: choose one with a clear figure."
        ) from error
    report.progress(0.5, "Shaping the body")
    placed, frame = place(points)
    mesh = to_mesh(placed, triangles, name)
    add_uvs(mesh, frame, cutout.matte.shape)
    return mesh, faces


def high_poly(image: Bytes, cutout: Cutout, model: str, quads: bool) -> tuple[Floats, Indices, int]:
    """Points (x, y, depth in matte pixels), triangles and the number of faces of a body of 50,000 to 200,000."""
    sheet = make_sheet(cutout.matte, FACES[model], HIGH_POLY if quads else HIGH_POLY // 2)
    return cells(sheet, *thickness(image, cutout, sheet, model), quads)


def low_poly(image: Bytes, cutout: Cutout, model: str, quads: bool) -> tuple[Floats, Indices, int]:
    """The same with at most 5,000 faces: a coarse grid where that follows the outline, else the fine one reduced."""
    coarse = make_sheet(cutout.matte, LOW_POLY if quads else LOW_POLY // 2)
    alike = likeness(coarse.points, coarse.walls, cutout.matte)
    deepest = np.inf
    if not quads or alike < ALIKE:
        fine = make_sheet(cutout.matte, FACES[model], HIGH_POLY // 2)
        front, back = thickness(image, cutout, fine, model)
        few = reduced(fine, front, cutout.matte, quads)
        if few and likeness(few.points, few.walls, cutout.matte) >= min(alike, ALIKE):  # hair-thin lines may be gone
            behind = np.full_like(few.depth, back[0]) if cutout.origin == "rectangle" else few.depth
            points, sheets, wall = body(few.points, few.triangles, few.walls, few.depth, behind)
            triangles = np.concatenate((sheets, triangulated(points, wall)))
            return points, triangles, len(sheets) // 2 + few.lonely + len(wall) if quads else len(triangles)
        if cutout.origin != "rectangle":
            deepest = THICKER * float(front.max())
    front, back = thickness(image, cutout, coarse, model)
    return cells(coarse, np.minimum(front, deepest), np.minimum(back, deepest), quads)


def cells(sheet: Sheet, front: Floats, back: Floats, quads: bool) -> tuple[Floats, Indices, int]:
    """Points, triangles and the number of faces of the body over a grid of cells."""
    points, sheets, wall = body(sheet.points, sheet.quads, sheet.walls, front, back)
    triangles = np.concatenate((triangulated(points, sheets), triangulated(points, wall)))
    return points, triangles, len(triangles) // 2 if quads else len(triangles)


def thickness(image: Bytes, cutout: Cutout, sheet: Sheet, model: str) -> tuple[Floats, Floats]:
    """Depth of the front and of the back at every point of the sheet, in matte pixels from the middle."""
    down, right = sheet.points[:, 1], sheet.points[:, 0]
    height, width = cutout.matte.shape
    if cutout.origin == "rectangle":
        short, long = sorted(np.ptp(sheet.points, axis=0).tolist())
        plate = np.float32(max(PLATE * short, min(short, LEAST_PLATE * long)) / 2)
        if model == "turbo":
            relief = np.zeros(len(sheet.points), np.float32)
        else:
            luma = blur(luminance(shrink(image, RELIEF_STUDY)), RELIEF_STUDY / 300)
            relief = PLATE_RELIEF * short * at_points(luma, down / height, right / width)
        front, back = plate + relief, np.full(len(relief), plate)
        return front.astype(np.float32), back
    half = swollen(sheet)
    if model == "base":
        small = shrink(image, RELIEF_STUDY)
        luma, size = luminance(small), max(small.shape[:2])
        inside = maps.fitted(cutout.matte, *luma.shape)
        cell = sheet.pitch * size / max(height, width)  # relief finer than the cells would only crumple them
        band = blur_inside(luma, inside, max(size / 400, 0.6 * cell)) - blur_inside(luma, inside, size / 25)
        relief = RELIEF * max(height, width) * np.tanh(at_points(band, down / height, right / width) / 0.25)
        half = half + relief * np.minimum(1, half / (4 * RELIEF * max(height, width))) ** 2
    return half, half


def at_points(image: Floats, down: NDArray[np.floating], right: NDArray[np.floating]) -> Floats:
    """Values at fractions (0..1) of the image's height and width."""
    return bilinear(image, down * image.shape[0], right * image.shape[1])


def write_glb(output: Path) -> None:
    """Export the whole scene; the file appears under its name only when it is complete."""
    partial = output.with_name(f"{output.stem}.part.glb")
    bpy.ops.export_scene.gltf(
        filepath=str(partial), export_format="GLB", export_yup=True, export_animations=False, export_extras=False
    )
    files.replace(partial, output)


def run(request: dict[str, Any], report: Report) -> int:
    """Do what a request asks; the report gets exactly one `done` or `error` line. Returns the exit code."""
    paths = Path(request["picture"]), Path(request["output"])
    called = request.get("called", "The picture")
    try:
        facts = sculpt(paths[0], request["parameters"], paths[1], model_name(request["name"]), report, called)
    except SculptError as error:
        report.fail(str(error))
        return 1
    except MemoryError:
        traceback.print_exc()
        report.fail("The picture needs more memory than there is: scale it down to 2048 pixels, then retry.")
        return 1
    except Exception:  # whatever it is: the job's log gets the details, the user one sentence
        traceback.print_exc()
        report.fail(
            "The model could not be sculpted because of a fault in the sculptor: see the job's log and report it."
        )
        return 1
    report.done(**facts)
    return 0


def main() -> None:
    """Run the request that the first argument names."""
    give_way()  # it takes every core
    request = wait_for_request(starter_is_gone)
    code = run(request, Report(Path(request["report"]), starter_is_gone))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # bpy 4.2.23 crashes while it is taken down after an export; everything is written by now


if __name__ == "__main__":
    main()
