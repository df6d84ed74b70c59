# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a model's collection an asset, and writes it to a file of its own. Leaves author, licence and copyright to the
user."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np


def mark(collection: bpy.types.Collection, facts: dict[str, Any]) -> None:
    """Mark `collection` with what `jobs.assets.facts_of` gives."""
    collection.asset_mark()
    about = collection.asset_data
    about.description = facts["description"]
    for tag in facts["tags"]:
        about.tags.new(tag, skip_if_exists=True)
    about.catalog_id = facts["catalog"]


def show(collection: bpy.types.Collection, thumbnail: Path) -> None:
    """Give `collection` the picture in the file `thumbnail`."""
    # Not by Blender's operator, which loads the file at some later time: the process ends before.
    image = bpy.data.images.load(str(thumbnail))
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    preview = collection.preview_ensure()
    preview.image_size = tuple(image.size)
    preview.image_pixels_float.foreach_set(pixels)
    bpy.data.images.remove(image)


def write(path: Path, collection: bpy.types.Collection) -> None:
    """Write `collection` and all it needs to the .blend at `path`: the scene, camera and lights of the thumbnail stay
    behind.

    Blender 4.3 and 4.4 would leave out the preview. There all else is taken out of the open file, which is then saved
    as it is, with an empty scene. So nothing can be done with the open file once it was written with a preview.
    """
    if collection.preview is None or _copies_preview(collection):
        bpy.data.libraries.write(str(path), {collection})
        return
    wanted = set(collection.all_objects)
    bpy.data.batch_remove([*(set(bpy.data.objects) - wanted), *bpy.data.worlds])
    scene = bpy.context.scene.collection
    for obj in wanted & set(scene.objects):
        scene.objects.unlink(obj)
    for child in list(scene.children):
        scene.children.unlink(child)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, relative_remap=False, compress=False)


def _copies_preview(collection: bpy.types.Collection) -> bool:
    """Whether a copy of the collection has its preview. From 4.3 on Blender writes copies to other files; not so in
    4.3.2 and 4.4.0, but in 4.2.23, 4.5.15 and 5.2.3."""
    copy = collection.copy()
    is_kept = copy.preview is not None
    bpy.data.collections.remove(copy)
    return is_kept
