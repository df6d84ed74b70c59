# SPDX-License-Identifier: GPL-3.0-or-later
"""The Local service's sculptor: turns a picture into a textured, closed GLB in a background Blender. Never goes online.

It shapes the silhouette: what lies inside the outline swells, thick where the shape is wide, and the back mirrors the front. It does not
guess hidden sides as the AI services do.

Run as `launch.py headless.sculpt REQUEST.json`, the request being
`{"picture": path, "name": "Fox", "output": path, "report": path, "parameters": {...}}`.
"""

import importlib
import json
import os
import struct
import sys
import tempfile
import traceback
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
from numpy.typing import NDArray

from . import maps
from .cutout import Cutout, NothingToShape, cut_out
from .picture import UnreadablePicture, read_picture
from .pixels import Bytes, Floats, bilinear, blur, blur_inside, luminance, shrink
from .report import Report
from .shape import Indices, Sheet, body, contour, make_sheet, swollen, triangulated

FACES = {"base": 78_000, "turbo": 56_000}  # quads at high_poly, before any triangulation
LOW_POLY = 4_800  # triangles: at most 5,000 faces are promised
LOW_POLY_CELLS = 4_450  # quads, some of which come back as two triangles each
FLATTEN = 0.2  # depth counts so much in reducing faces: the outline is seen first
RELIEF = 0.014  # depth of the relief, of the picture's longer side
RELIEF_STUDY = 512  # pixels, longer side at which shading is read for the relief
PLATE = 0.05  # thickness of a rectangle's plate, of the shorter side
PLATE_RELIEF = 0.10  # height of its relief, of the shorter side
JPEG_ABOVE = 1536  # pixels, longer side: larger maps are stored as JPEG, for PNG takes seconds to write
JPEG_QUALITY = 92


class Frame(NamedTuple):
    """Where the body's natural size lies in the matte, all in pixels."""

    centre: float  # x of the middle
    bottom: float  # y of the lowest point
    metre: float  # the longer of width and height


class SculptError(Exception):
    """The picture cannot be sculpted; the text is a sentence for the user that says what to do."""


def sculpt(picture: Path, parameters: dict[str, Any], output: Path, name: str, report: Report) -> dict[str, Any]:
    """Make the GLB, and tell facts: `faces`, `shape_from` ("alpha", "background" or "rectangle") and a `note` for the user.

    Replaces whatever file Blender has open by an empty one.
    """
    start_blender()
    report.progress(0.02, "Reading the picture")
    try:
        image = read_picture(picture)
        report.progress(0.12, "Finding the shape")
        cutout = cut_out(image)
    except (UnreadablePicture, NothingToShape) as error:
        raise SculptError(str(error)) from error
    report.progress(0.2, "Shaping the body")
    mesh = make_mesh(image, cutout, parameters, name, report)
    scale_to(mesh, parameters["scaled_bbox"], parameters["preserve_aspect_ratio"])
    report.progress(0.6, "Painting the maps")
    with tempfile.TemporaryDirectory(prefix="sculpt_") as folder:
        mesh.materials.append(make_material(image, cutout, parameters["texture_model"], name, Path(folder), report))
        bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, mesh))
        report.progress(0.9, "Writing the model")
        write_glb(output)
    faces = len(mesh.polygons) // (
        2 if parameters["topology"] == "quads" else 1
    )  # a GLB's quads are pairs of triangles
    facts = {"faces": faces, "shape_from": cutout.origin}
    return facts | ({"note": cutout.note} if cutout.note else {})


def start_blender() -> None:
    """An empty file, and the glTF exporter at hand, whatever the user's own start-up file and preferences are."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    importlib.import_module("addon_utils").enable("io_scene_gltf2")  # Blender's own; importable once bpy is


def make_mesh(image: Bytes, cutout: Cutout, parameters: dict[str, Any], name: str, report: Report) -> bpy.types.Mesh:
    """The body in natural size (the longer of width and height 1 m), standing on z = 0, its front towards -Y."""
    model, quads, low = (
        parameters["geometry_model"],
        parameters["topology"] == "quads",
        parameters["resolution"] == "low_poly",
    )
    try:
        sheet = make_sheet(cutout.matte, LOW_POLY_CELLS if low and quads else FACES[model])
    except IndexError as error:  # no row or column is inside
        raise SculptError(
            "Nothing in the picture is opaque enough to be a shape: choose one with a clear figure."
        ) from error
    report.progress(0.4, "Shaping the body")
    front, back = thickness(image, cutout, sheet, model)
    few = reduced(sheet, front, back) if low and not quads else None
    if low and not quads and few is None:  # a sheet torn by the collapse: fewer cells do instead
        sheet = make_sheet(cutout.matte, LOW_POLY_CELLS // 2)
        front, back = thickness(image, cutout, sheet, model)
    points, faces, walls = body(*(few or (sheet.points, sheet.quads, sheet.walls, front, back)))
    triangles = np.concatenate([triangulated(points, some) if some.shape[1] == 4 else some for some in (faces, walls)])
    placed, frame = place(points)
    mesh = to_mesh(placed, triangles, name)
    add_uvs(mesh, frame, cutout.matte.shape)
    return mesh


def reduced(sheet: Sheet, front: Floats, back: Floats) -> tuple[Floats, Indices, Indices, Floats, Floats] | None:
    """The sheet with fewer triangles, so that the body gets LOW_POLY: points, triangles, contour, front and back.

    One side is collapsed and then mirrored: collapsing the closed body would weld thin places together. None where that fails.
    """
    side = np.column_stack((sheet.points, front * FLATTEN)).astype(np.float32)
    thing = bpy.data.objects.new("Sheet", to_mesh(side, sheet.quads, "Sheet"))
    bpy.context.scene.collection.objects.link(thing)
    modifier = thing.modifiers.new("Decimate", "DECIMATE")
    modifier.use_collapse_triangulate = True
    wanted = 0.45 * LOW_POLY  # triangles a side; the wall takes the rest
    result = None
    for _ in range(6):
        modifier.ratio = wanted / (2 * len(sheet.quads))
        mesh = thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        points = vector(mesh.vertices, "co")
        triangles = np.empty(3 * len(mesh.polygons), np.int32)
        mesh.loops.foreach_get("vertex_index", triangles)
        triangles = triangles.reshape(-1, 3)
        walls = contour(triangles)
        faces = 2 * (len(triangles) + len(walls)) if walls is not None else 0
        if 0 < faces <= 1.03 * LOW_POLY:
            depth = points[:, 2] / FLATTEN
            mirrored = depth if np.array_equal(front, back) else np.full_like(depth, back[0])
            result = points[:, :2], triangles, walls, depth, mirrored
            break
        wanted *= 0.97 * LOW_POLY / faces if faces else 0.93
    bpy.data.objects.remove(thing)
    return result


def place(points: Floats) -> tuple[Floats, Frame]:
    """Points (x, y down, depth towards the onlooker, in pixels) in Blender's axes and metres, and how to get back."""
    low, high = points.min(axis=0), points.max(axis=0)
    frame = Frame(float(low[0] + high[0]) / 2, float(high[1]), float(max((high - low)[:2])))
    middle = (low[2] + high[2]) / 2
    turned = (points[:, 0] - frame.centre, middle - points[:, 2], frame.bottom - points[:, 1])
    return (np.stack(turned, axis=1) / frame.metre).astype(np.float32), frame


def thickness(image: Bytes, cutout: Cutout, sheet: Sheet, model: str) -> tuple[Floats, Floats]:
    """Depth of the front and of the back at every point of the sheet, in matte pixels from the middle."""
    down, right = sheet.points[:, 1], sheet.points[:, 0]
    height, width = cutout.matte.shape
    if cutout.origin == "rectangle":
        plate = np.float32(PLATE / 2 * min(height, width))
        if model == "turbo":
            relief = np.zeros(len(sheet.points), np.float32)
        else:
            luma = blur(luminance(shrink(image, RELIEF_STUDY)), RELIEF_STUDY / 300)
            relief = PLATE_RELIEF * min(height, width) * at_points(luma, down / height, right / width)
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


def to_mesh(points: Floats, faces: Indices, name: str) -> bpy.types.Mesh:
    """A smooth Blender mesh of faces with equally many corners."""
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(points))
    mesh.vertices.foreach_set("co", points.ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, faces.shape[1], dtype=np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    return mesh


def add_uvs(mesh: bpy.types.Mesh, frame: Frame, shape: tuple[int, int]) -> None:
    """Texture coordinates straight from the front over the whole picture, whose matte has this shape.

    The back half's contour lies half a pixel further out than the front's, so that the wall between has some width in the texture.
    """
    points = vector(mesh.vertices, "co")
    outward = np.where(points[:, 1:2] > 0, 0.5 * vector(mesh.vertices, "normal"), 0)
    right = points[:, 0] * frame.metre + frame.centre + outward[:, 0]
    down = frame.bottom - points[:, 2] * frame.metre - outward[:, 2]
    uv = np.clip(np.stack((right / shape[1], 1 - down / shape[0]), axis=1), 0, 1)
    index = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", index)
    layer = mesh.uv_layers.new(name="UVMap")
    layer.data.foreach_set("uv", uv[index].astype(np.float32).ravel())


def vector(items: bpy.types.bpy_prop_collection, attribute: str) -> Floats:
    """(n, 3) values of an attribute."""
    values = np.empty(len(items) * 3, np.float32)
    items.foreach_get(attribute, values)
    return values.reshape(-1, 3)


def scale_to(mesh: bpy.types.Mesh, wanted: list[float], keep_proportions: bool) -> None:
    """Bring width, depth and height to the wanted sizes in metres ([width, height, depth], -1 automatic)."""
    points = vector(mesh.vertices, "co")
    natural = np.ptp(points, axis=0)
    target = np.array([wanted[0], wanted[2], wanted[1]], np.float64)  # Blender's depth is Y, its height Z
    given = target > 0
    if not given.any():
        return
    factors = np.where(given, target / natural, 0)
    if keep_proportions:
        factors[:] = factors[given].min()
    else:
        factors[~given] = np.exp(np.log(factors[given]).mean())
    mesh.vertices.foreach_set("co", (points * factors).astype(np.float32).ravel())
    mesh.update()


def make_material(
    image: Bytes, cutout: Cutout, texture_model: str, name: str, folder: Path, report: Report
) -> bpy.types.Material:
    """A Principled material with the maps asked for, wired so that the glTF exporter understands it."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    nodes, link = material.node_tree.nodes, material.node_tree.links.new
    shader = nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = maps.MATTE
    shader.inputs["Metallic"].default_value = 0
    if texture_model == "none":
        shader.inputs["Base Color"].default_value = (*mean_colour(image, cutout), 1)
        return material

    def texture(pixels: Bytes, label: str, colour_space: str) -> bpy.types.Node:
        node = nodes.new("ShaderNodeTexImage")
        node.image = store(pixels, f"{name} {label}", folder)
        node.image.colorspace_settings.name = colour_space
        return node

    colour = maps.base_colour(image, trusted(cutout))
    report.progress(0.68, "Painting the maps")
    if texture_model == "pbr":
        surface = texture(maps.surface(colour, cutout.matte), "Surface", "Non-Color")
        separate = nodes.new("ShaderNodeSeparateColor")
        link(surface.outputs["Color"], separate.inputs["Color"])
        link(separate.outputs["Green"], shader.inputs["Roughness"])
        link(separate.outputs["Blue"], shader.inputs["Metallic"])
        report.progress(0.74, "Painting the maps")
        bumps = nodes.new("ShaderNodeNormalMap")
        link(texture(maps.normals(colour, cutout.matte), "Normal", "Non-Color").outputs["Color"], bumps.inputs["Color"])
        link(bumps.outputs["Normal"], shader.inputs["Normal"])
        report.progress(0.8, "Painting the maps")
        colour = maps.even_shading(colour, cutout.matte)
    link(texture(colour, "Colour", "sRGB").outputs["Color"], shader.inputs["Base Color"])
    return material


def trusted(cutout: Cutout) -> Floats:
    """How far each pixel's colour is the shape's own.

    A transparent picture's edge pixels are: their colour is stored apart from their opacity. Others are mixed with the background.
    """
    if cutout.origin == "alpha":
        return np.clip(cutout.matte * 4 - 0.5, 0, 1)
    if cutout.origin == "rectangle":
        return cutout.matte
    return np.clip(cutout.matte * 2.5 - 1.25, 0, 1)


def mean_colour(image: Bytes, cutout: Cutout) -> tuple[float, float, float]:
    """The shape's mean colour, linear as Blender's colour fields are."""
    small = shrink(image, 512)
    weight = maps.fitted(cutout.matte, *small.shape[:2])[..., None]
    mean = (small[..., :3] * weight).sum((0, 1)) / weight.sum()
    return tuple(float(value) for value in np.where(mean <= 0.04045, mean / 12.92, ((mean + 0.055) / 1.055) ** 2.4))


def store(pixels: Bytes, name: str, folder: Path) -> bpy.types.Image:
    """A file of these pixels as a Blender image: the exporter then takes the file's bytes as they are."""
    height, width = pixels.shape[:2]
    if max(height, width) <= JPEG_ABOVE:
        path = folder / f"{name}.png"
        path.write_bytes(png(pixels))
    else:
        path = folder / f"{name}.jpg"
        values = np.ones((height, width, 4), np.float32)
        np.divide(pixels[::-1], np.float32(255), out=values[..., :3])
        raw = bpy.data.images.new(name, width, height, alpha=False)
        raw.pixels.foreach_set(values.ravel())
        raw.file_format = "JPEG"
        raw.save(filepath=str(path), quality=JPEG_QUALITY)
        bpy.data.images.remove(raw)
    image = bpy.data.images.load(str(path))
    image.name = name
    return image


def png(pixels: Bytes) -> bytes:
    """A PNG file of (h, w, 3) bytes. Blender's own writer takes five times as long."""
    height, width = pixels.shape[:2]
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    rows[:, 0] = 2  # every row is stored as its difference from the row above
    rows[:, 1:] = pixels.reshape(height, -1)
    rows[1:, 1:] -= pixels[:-1].reshape(height - 1, 3 * width)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes(), 4)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def write_glb(output: Path) -> None:
    """Export the whole scene; the file appears under its name only when it is complete."""
    partial = output.with_name(f"{output.stem}.part.glb")
    bpy.ops.export_scene.gltf(
        filepath=str(partial), export_format="GLB", export_yup=True, export_animations=False, export_extras=False
    )
    os.replace(partial, output)


def run(request: dict[str, Any], report: Report) -> int:
    """Do what a request asks; the report gets exactly one `done` or `error` line. Returns the exit code."""
    paths = Path(request["picture"]), Path(request["output"])
    try:
        facts = sculpt(paths[0], request["parameters"], paths[1], request["name"], report)
    except SculptError as error:
        report.fail(str(error))
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
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    code = run(request, Report(Path(request["report"])))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # bpy 4.2.23 crashes while it is taken down after an export; everything is written by now


if __name__ == "__main__":
    main()
