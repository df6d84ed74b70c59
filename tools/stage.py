# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py demo`, inside Blender: sets the stage for the model that the command line has made, saves and renders. Needs
the wheel's Python."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .common import Stop, disk_full_sentence, is_disk_full, relative
from .demo import demo_results

if TYPE_CHECKING:
    from collections.abc import Iterator


# Tuned on two slow cores: 0.6 s a sample and 1 s for the denoiser, so that a second demo stays well under 15 s.
RENDER_PIXELS = 640  # width and height
SAMPLES_DENOISED = 6
SAMPLES_PLAIN = 32  # without a denoiser, about as clean
LIGHT_BOUNCES = 2  # an open stage gains nothing from more
CAMERA_TURN_DEGREES = 25  # from the front (-Y) to the model's left
CAMERA_RISE_DEGREES = 20
CAMERA_LENS_MM = 70  # a portrait lens: little distortion
CAMERA_MARGIN = 1.1  # of the distance at which the model just fits


def command_demo_inside(options: argparse.Namespace) -> int:
    """Bring the model that the command line has made into an empty scene, set the stage, save and render."""
    import bpy

    results = demo_results(Path(options.image))
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    root = bring(bpy, Path(options.model))
    set_stage(bpy, root)
    try:
        save(bpy, results["Model"])
        render(bpy, results["Picture"])
    except RuntimeError as error:
        raise Stop(operator_sentence(error)) from None
    return 0


def bring(bpy, blend: Path):
    """Append the model in the .blend file to the scene; its root object."""
    with bpy.data.libraries.load(str(blend), assets_only=True) as (held, wanted):
        wanted.collections = list(held.collections)
    (collection,) = wanted.collections
    collection.asset_clear()  # it is one in the file that was delivered
    bpy.context.scene.collection.children.link(collection)
    return next(thing for thing in collection.all_objects if thing.parent is None)


def operator_sentence(error: RuntimeError) -> str:
    """What an operator reported, out of the form in which `bpy.ops` hands it on."""
    if is_disk_full(str(error)):
        return disk_full_sentence()
    lines = str(error).replace("Error: ", "", 1).splitlines()
    return (lines[0].strip().rstrip(".") if lines else "Blender gave no reason") + "."


def set_stage(bpy, root) -> None:
    """A floor that rises into a backdrop, three lights, and a camera that frames the model; all sizes follow the
    model's."""
    from mathutils import Matrix, Vector

    bpy.context.view_layer.update()
    corners = bounds(root)
    low = Vector([min(c[i] for c in corners) for i in range(3)])
    high = Vector([max(c[i] for c in corners) for i in range(3)])
    size = max((high - low).length, 1e-6)
    foot = Vector(((low.x + high.x) / 2, (low.y + high.y) / 2, low.z))
    turn = Matrix.Translation(foot) @ Matrix.Rotation(math.radians(CAMERA_TURN_DEGREES), 4, "Z")

    stage = bpy.data.collections.new("Stage")
    bpy.context.scene.collection.children.link(stage)
    stage.objects.link(backdrop(bpy, turn, size))
    # name, place in model sizes (right, towards the camera, up), light's size in model sizes, strength in watts a
    # square model size
    for name, place, width, power in (
        ("Key", (-1.3, -1.5, 1.9), 1.2, 48),
        ("Fill", (1.8, -1.2, 0.9), 1.6, 12),
        ("Rim", (0.9, 1.6, 1.7), 0.9, 24),
    ):
        data = bpy.data.lights.new(name, "AREA")
        data.size, data.energy = width * size, power * size * size
        light = bpy.data.objects.new(name, data)
        at = turn @ (Vector(place) * size)
        light.matrix_world = Matrix.Translation(at) @ look(at, (low + high) / 2)
        stage.objects.link(light)

    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.data.lens = CAMERA_LENS_MM
    stage.objects.link(camera)
    scene = bpy.context.scene
    scene.camera = camera
    scene.render.resolution_x = scene.render.resolution_y = RENDER_PIXELS
    scene.render.resolution_percentage = 100
    aim(bpy, camera, corners, (low + high) / 2, size)


def bounds(root) -> list:
    """The corners of every mesh's bounding box under `root`, in the world."""
    from mathutils import Vector

    meshes = [thing for thing in (root, *root.children_recursive) if thing.type == "MESH"]
    if not meshes:
        raise Stop("The model that was placed has no mesh.")
    return [mesh.matrix_world @ Vector(corner) for mesh in meshes for corner in mesh.bound_box]


def look(at, target):
    """The rotation of a light or camera that stands `at` a place and looks at `target`, as a 4x4 matrix."""
    return (target - at).to_track_quat("-Z", "Y").to_matrix().to_4x4()


def aim(bpy, camera, corners, middle, size: float) -> None:
    """Put the camera in front of the model, to the side and above, as far away as the model needs to fit."""
    from mathutils import Euler, Matrix, Vector

    angles = Euler((math.radians(-CAMERA_RISE_DEGREES), 0, math.radians(CAMERA_TURN_DEGREES)))
    outwards = angles.to_matrix() @ Vector((0, -1, 0))
    start = middle + outwards * size * 3
    camera.matrix_world = Matrix.Translation(start) @ look(start, middle)
    bpy.context.view_layer.update()
    flat = [value for corner in corners for value in corner]
    fitting, _scale = camera.camera_fit_coords(bpy.context.evaluated_depsgraph_get(), flat)
    camera.location = middle + (fitting - middle) * CAMERA_MARGIN
    camera.data.clip_start, camera.data.clip_end = size / 100, size * 100


def backdrop(bpy, turn, size: float):
    """A plain sheet: flat under the model, then bent upwards behind it, so that no horizon shows."""
    bend, steps, half = 1.2, 16, 12.0  # in model sizes: radius of the bend; its facets; half the sheet's width
    back = 2.2
    arc = [i / steps * math.pi / 2 for i in range(steps + 1)]
    profile = (
        [(-half, 0.0)] + [(back + bend * math.sin(a), bend * (1 - math.cos(a))) for a in arc] + [(back + bend, half)]
    )
    points = [(x * size, y * size, z * size) for y, z in profile for x in (-half, half)]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(profile) - 1)]
    mesh = bpy.data.meshes.new("Backdrop")
    mesh.from_pydata(points, [], faces)
    mesh.polygons.foreach_set("use_smooth", [True] * len(faces))
    mesh.materials.append(plain_material(bpy, "Backdrop", (0.62, 0.61, 0.6, 1.0)))
    sheet = bpy.data.objects.new("Backdrop", mesh)
    sheet.matrix_world = turn
    return sheet


def plain_material(bpy, name: str, colour: tuple[float, float, float, float]):
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True  # always so from 5.0 on, where setting it warns
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = colour
    shader.inputs["Roughness"].default_value = 0.9
    return material


def save(bpy, path: Path) -> None:
    """The scene with its pictures inside, in one file that can be passed on."""
    print(f"Saving {relative(path)} ...", flush=True)
    bpy.context.preferences.filepaths.save_version = 0  # no .blend1 beside it
    prepare_render(bpy)
    with quiet():
        bpy.ops.file.pack_all()
        bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)


def prepare_render(bpy) -> None:
    """Cycles on the processor: the one renderer that works on every machine, without a screen or a graphics card."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    denoise = has_denoiser()
    scene.cycles.use_denoising = denoise
    scene.cycles.denoising_prefilter = "FAST"  # the accurate one alone takes 6 s
    scene.cycles.samples = SAMPLES_DENOISED if denoise else SAMPLES_PLAIN
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.max_bounces = LIGHT_BOUNCES
    scene.render.film_transparent = False
    scene.render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = "Standard"  # the picture's own colours, not a film's
    world = bpy.data.worlds.new("Soft Light")
    if bpy.app.version < (5, 0, 0):
        world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    background.inputs["Strength"].default_value = 0.3
    scene.world = world


def has_denoiser() -> bool:
    try:
        import _cycles
    except ImportError:
        return False
    return bool(getattr(_cycles, "with_openimagedenoise", False))


def render(bpy, path: Path) -> None:
    print(f"Rendering {relative(path)} (Cycles, CPU, {bpy.context.scene.cycles.samples} samples) ...", flush=True)
    bpy.context.scene.render.filepath = str(path)
    with quiet():
        bpy.ops.render.render(write_still=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Blender's own lines, written past Python, off the terminal (a line for every sample)."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
