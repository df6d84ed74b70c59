# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a model's collection an asset of the file that it is written to. Leaves author, licence and copyright to the
user."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np


def mark(collection: bpy.types.Collection, thumbnail: Path, facts: dict[str, Any]) -> None:
    """Mark `collection` with what `jobs.assets.facts_of` gives, and give it the picture in the file `thumbnail`."""
    collection.asset_mark()
    about = collection.asset_data
    about.description = facts["description"]
    for tag in facts["tags"]:
        about.tags.new(tag, skip_if_exists=True)
    about.catalog_id = facts["catalog"]
    # Not by Blender's operator: that loads the file at some later time, and there is none after this.
    image = bpy.data.images.load(str(thumbnail))
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    preview = collection.preview_ensure()
    preview.image_size = tuple(image.size)
    preview.image_pixels_float.foreach_set(pixels)
    bpy.data.images.remove(image)
