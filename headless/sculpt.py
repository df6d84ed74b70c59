# SPDX-License-Identifier: GPL-3.0-or-later
"""The Local service's sculptor: turns up to four pictures of an object into a textured, closed GLB in a background
Blender. Never goes online.

Of a front alone, what lies inside the outline swells, thick where the shape is wide, and the back is as the parameter
`back` says, or as its picture shows. With a side, the body is what all outlines allow. It does not guess hidden sides
as the AI services do.

Run as `launch.py headless.sculpt REQUEST.json`, the request being
`{"picture": path, "called": "fox.png", "name": "Fox", "output": path, "report": path, "parameters": {...}}`, and where
there are further pictures, `"views": {"back": {"picture": path, "called": "behind.png"}, ...}`.
"""

import importlib
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import bpy

from .. import files
from ..api.words import model_name
from ..programs.process import give_way, starter_is_gone
from . import back, hull, opposite, swell
from .cutout import BECAME_RELIEF, IS_FIGURE, Cutout, NothingToShape, cut_out
from .mesh import add_uvs, corner_uvs, place, scale_to, to_mesh
from .paint import make_material
from .picture import UnreadablePicture, read
from .pixels import Bytes
from .report import Report, wait_for_request
from .views import SIDES, View, framed
from .wrap import wrap


class SculptError(Exception):
    """The picture cannot be sculpted; the text is a sentence for the user that says what to do."""


class Seen(NamedTuple):
    """A further picture of the object."""

    picture: Path
    called: str  # what the user calls it


def sculpt(
    picture: Path,
    parameters: dict[str, Any],
    output: Path,
    name: str,
    report: Report,
    called: str = "The picture",
    views: Mapping[str, Seen] = MappingProxyType({}),
) -> dict[str, Any]:
    """Make the GLB. Return `faces`, `shape_from` ("alpha", "background" or "rectangle") and a `note` for the user.

    `views` are the further pictures: "back", "left", "right". Replaces whatever file Blender has open by an empty one.
    Raises `SculptError`, which calls the picture `called`, where nothing can be made of it.
    """
    start_blender()
    report.progress(0.02, "Reading the picture")
    seen, notes = look_at({"front": Seen(picture, called), **views}, parameters.get("cutout", "auto"), report)
    report.progress(0.2, "Shaping the body")
    with tempfile.TemporaryDirectory(prefix="sculpt_") as folder:
        make = round_body if any(side in seen for side in SIDES) else flat_body
        mesh, faces, said = make(seen, parameters, name, Path(folder), report)
        scale_to(mesh, parameters["scaled_bbox"], parameters["preserve_aspect_ratio"])
        bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, mesh))
        report.progress(0.9, "Writing the model")
        write_glb(output)
    facts = {"faces": faces, "shape_from": seen["front"].cutout.origin}
    notes += said
    return facts | ({"note": " ".join(dict.fromkeys(notes))} if notes else {})


def look_at(pictures: Mapping[str, Seen], how: Any, report: Report) -> tuple[dict[str, View], list[str]]:
    """Read the pictures and cut the figure out of each; and sentences for the user. Raises `SculptError`."""
    is_flat = not any(side in pictures for side in SIDES)
    looked: dict[str, tuple[Bytes, Cutout, str]] = {}
    notes: dict[str, list[str]] = {}  # what is said, and of which pictures
    for view, (picture, called) in pictures.items():
        try:
            image, said = read(picture, called=called)
            report.progress(0.2 * (len(looked) + 0.6) / len(pictures), "Finding the shape")
            cutout = cut_out(image, how, is_one_of_several=len(pictures) > 1)
        except UnreadablePicture as error:
            raise SculptError(str(error)) from error
        except NothingToShape as error:
            raise SculptError(str(error).replace("The picture", called, 1)) from error
        looked[view] = image, cutout, called
        is_relief = is_flat and view == "front"
        about = cutout.note if is_relief else cutout.note.replace(BECAME_RELIEF, IS_FIGURE)
        for sentence in filter(None, [*said, about]):
            notes.setdefault(sentence, []).append(called)
    return framed(looked), [_of(called, sentence, len(pictures)) for sentence, called in notes.items()]


def _of(called: list[str], sentence: str, number: int) -> str:
    """A sentence that holds for the pictures `called` so, of `number` ones: where not for all, it says for which."""
    return sentence if len(called) == number else f"{', '.join(called)}: {sentence}"


def start_blender() -> None:
    """An empty file, and the glTF exporter at hand, whatever the user's own start-up file and preferences are."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    importlib.import_module("addon_utils").enable("io_scene_gltf2")  # Blender's own; importable once bpy is


def flat_body(
    seen: Mapping[str, View], parameters: dict[str, Any], name: str, folder: Path, report: Report
) -> tuple[bpy.types.Mesh, int, list[str]]:
    """The painted body of an object that is known from the front and perhaps from behind, how many faces it has, and
    sentences for the user. Its longer side is 1 m, it stands on z = 0, and its front is towards -Y.
    """
    front, notes = seen["front"], []
    quads = parameters["topology"] == "quads"
    unseen = parameters.get("back", "mirrored")
    behind = None
    if "back" in seen:
        try:
            notes = [opposite.front_and_back(seen)]
        except hull.Contradiction as error:
            raise SculptError(str(error)) from error
        behind = back.brought(front, seen["back"])
    make = swell.low_poly if parameters["resolution"] == "low_poly" else swell.high_poly
    shading = behind[:, ::-1] if behind is not None else front.image if unseen == "mirrored" else None
    try:
        points, triangles, faces = make(front.image, front.cutout, parameters["geometry_model"], quads, shading)
    except IndexError as error:  # no row or column is inside
        raise SculptError(
            "Nothing in the picture is opaque enough to be a shape: choose one with a clear figure."
        ) from error
    report.progress(0.5, "Shaping the body")
    placed, frame = place(points)
    mesh = to_mesh(placed, triangles, name)
    report.progress(0.6, "Painting the maps")
    texture, painted, places = parameters["texture_model"], None, None
    if texture != "none":
        painted, places = back.painted(front, behind, unseen, texture)
    add_uvs(mesh, frame, front.cutout.matte.shape, places)
    mesh.materials.append(make_material(painted, front, name, folder))
    return mesh, faces, [note for note in notes if note]


def round_body(
    seen: Mapping[str, View], parameters: dict[str, Any], name: str, folder: Path, report: Report
) -> tuple[bpy.types.Mesh, int, list[str]]:
    """`flat_body` of an object that is known from a side, too."""
    quads = parameters["topology"] == "quads"
    wanted, most = swell.counts(parameters["resolution"], parameters["geometry_model"], quads)
    try:
        solid, notes = hull.solid(seen, parameters["geometry_model"], wanted, most)
    except hull.Contradiction as error:
        raise SculptError(str(error)) from error
    report.progress(0.5, "Painting the maps")
    texture = parameters["texture_model"]
    uv, painted = None, None
    if texture != "none":
        uv, painted = wrap(solid, seen, texture, parameters.get("back", "mirrored"))
    triangles, uv = hull.triangulated(solid, uv)
    mesh = to_mesh(solid.points, triangles, name)
    if uv is not None:
        corner_uvs(mesh, uv)
    mesh.materials.append(make_material(painted, seen["front"], name, folder))
    return mesh, len(triangles) // 2 if quads else len(triangles), notes


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
    called, name = request.get("called", "The picture"), model_name(request["name"])
    views = {view: Seen(Path(seen["picture"]), seen["called"]) for view, seen in request.get("views", {}).items()}
    try:
        facts = sculpt(paths[0], request["parameters"], paths[1], name, report, called, views)
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
