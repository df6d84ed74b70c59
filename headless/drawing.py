# SPDX-License-Identifier: GPL-3.0-or-later
"""The thumbnail of a model that is ready, and with it as its picture the model once more. Never fails: a model without
a thumbnail is as good. Makes no folder, as the job may be removed meanwhile."""

import shutil
import traceback
from collections.abc import Callable
from pathlib import Path

import bpy

from ..programs import process
from . import asset
from .saving import save_whole


def draw(render: Callable[[Path], None], collection: bpy.types.Collection, picture: Path, blend: Path) -> None:
    """Write what `collection`, all that the open scene shows, looks like to `picture`, as `render` does it; and where
    it is an asset, write it with its picture to `blend`. Each is whole or not there.

    It is the last thing that a program does: the open file may be empty afterwards.
    """
    process.give_way()  # rendering takes every core, and nobody waits for it
    try:
        rendered = Path(bpy.app.tempdir) / f"thumbnail{picture.suffix}"
        render(rendered)
        save_whole(picture, lambda part: shutil.copyfile(rendered, part))
        if collection.asset_data is not None:
            asset.show(collection, rendered)
            save_whole(blend, lambda part: asset.write(part, collection))
    except Exception:
        traceback.print_exc()
