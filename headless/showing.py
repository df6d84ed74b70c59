# SPDX-License-Identifier: GPL-3.0-or-later
"""A model as a file that people open: in a scene with a camera, a sun and a sky, and in windows that look at it and
show its textures. Changes nothing of the model.
"""

from pathlib import Path
from typing import Any

import bpy
from mathutils import Vector

from . import seen, thumbnail

SIDE_PX = 1080  # of a render: square, as the camera frames the sphere around the model
WINDOW_SHARE = 1.3  # of the sphere's diameter that a window shows: buttons lie over its edges


def write(path: Path, collection: bpy.types.Collection) -> None:
    """Write the model in `collection` to the .blend at `path`. It is the last thing that a program does: the open file
    holds nothing else afterwards."""
    scene = bpy.data.scenes.new("Scene")
    for window in bpy.context.window_manager.windows:
        window.scene = scene
    wanted = set(collection.all_objects)
    others = [found for found in bpy.data.scenes if found != scene]
    bpy.data.batch_remove([*others, *(set(bpy.data.objects) - wanted), *bpy.data.worlds])
    scene.name = "Scene"  # which an earlier one had
    scene.collection.children.link(collection)
    scene.render.resolution_x = scene.render.resolution_y = SIDE_PX
    thumbnail.light(scene, "Model")
    thumbnail.aim(scene, "Model")
    _show_in_windows(scene.camera)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, relative_remap=False, compress=True)


def _show_in_windows(camera: bpy.types.Object) -> None:
    """Have every 3D view look at the model as the camera does, and show its colors."""
    low, high = map(Vector, seen.bounds())
    size = (high - low).length
    colors = _colors()
    areas = [area for screen in bpy.data.screens for area in screen.areas if area.type == "VIEW_3D"]
    for area in areas:
        space: Any = area.spaces[0]
        # Not as materials: EEVEE compiles its shaders first, for seconds or minutes in which there is nothing to see.
        space.shading.color_type = colors
        space.clip_start, space.clip_end = camera.data.clip_start, camera.data.clip_end
        region = space.region_3d
        region.view_perspective = "PERSP"
        region.view_rotation = camera.rotation_euler.to_quaternion()
        region.view_location = (low + high) / 2
        region.view_distance = size * WINDOW_SHARE


def _colors() -> str:
    """What Blender is to show as the model's colors where it shows things as solid: its textures, the colors of its
    vertices, or those of its materials."""
    images = [_base_image(material) for material in bpy.data.materials if material.node_tree]
    for image in filter(None, images):
        image.id_data.nodes.active = image  # it shows the one that is active
    if any(images):
        return "TEXTURE"
    has_vertex_colors = any(mesh.color_attributes for mesh in bpy.data.meshes)
    return "VERTEX" if has_vertex_colors else "MATERIAL"


def _base_image(material: bpy.types.Material) -> bpy.types.Node | None:
    """The node of the image that gives a material its color, None where there is none."""
    shaders = [node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED"]
    waiting, looked_at = [node.inputs["Base Color"] for node in shaders], set()
    while waiting:
        for node in (link.from_node for link in waiting.pop().links):
            if node.type == "TEX_IMAGE":
                return node
            if node.name not in looked_at:
                looked_at.add(node.name)
                waiting += [socket for socket in node.inputs if socket.is_linked]
    return None
