# SPDX-License-Identifier: GPL-3.0-or-later
"""A small picture of everything in the file, for the list of jobs. Adds a camera and a light; changes no object."""

import math
from pathlib import Path

import bpy
from mathutils import Vector

from . import seen

SIZE_PX = 256  # Blender's own previews are as large
SAMPLES = 8  # of 0.1 s each where the shape fills the picture; more is not seen at this size
DIRECTION = Vector((-0.55, -1.0, 0.45))  # from the model to the camera: its front, a little from the left and above
FIELD_OF_VIEW = math.radians(30)
SUN_W_PER_M2 = 3.0
SKY_STRENGTH = 0.6


def render(path: Path) -> None:
    """Render all meshes to the PNG at `path`, on a transparent ground. Cycles on the CPU is what needs no display.
    Raises `FileNotFoundError` where there is no folder for it."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = SAMPLES
    scene.cycles.use_denoising = False  # not built into every Blender
    scene.cycles.max_bounces = 2
    scene.view_settings.view_transform = "Standard"
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = SIZE_PX
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    light(scene, "Thumbnail")
    # A path that leaves the model sees the sky anyway. So all samples of lights go to the sun, and half of them show as
    # little noise.
    scene.world.cycles.sampling_method = "NONE"
    aim(scene, "Thumbnail")
    bpy.ops.render.render()
    if not path.parent.is_dir():  # Blender would make it anew
        raise FileNotFoundError(f"There is no folder {path.parent} any more.")
    bpy.data.images["Render Result"].save_render(str(path))


def light(scene: bpy.types.Scene, name: str) -> None:
    """Give a scene a sun and a sky, whose names begin with `name`."""
    sun = bpy.data.objects.new(f"{name} Sun", bpy.data.lights.new(f"{name} Sun", "SUN"))
    sun.data.energy = SUN_W_PER_M2
    sun.rotation_euler = (math.radians(50), 0.0, math.radians(-35))
    scene.collection.objects.link(sun)
    scene.world = bpy.data.worlds.new(f"{name} Sky")
    scene.world.color = (SKY_STRENGTH,) * 3


def aim(scene: bpy.types.Scene, name: str) -> None:
    """Put a camera, whose name begins with `name`, where it sees the sphere around all that is seen. `scene` is the one
    that is open."""
    bpy.context.view_layer.update()
    low, high = map(Vector, seen.bounds())
    center, radius = (low + high) / 2, (high - low).length / 2
    distance = radius / math.sin(FIELD_OF_VIEW / 2)
    camera = bpy.data.objects.new(f"{name} Camera", bpy.data.cameras.new(f"{name} Camera"))
    camera.data.angle = FIELD_OF_VIEW
    camera.data.clip_start, camera.data.clip_end = distance / 100, distance * 10
    camera.location = center + DIRECTION.normalized() * distance
    camera.rotation_euler = (center - camera.location).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(camera)
    scene.camera = camera
