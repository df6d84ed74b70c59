# SPDX-License-Identifier: GPL-3.0-or-later
"""result.blend -> thumbnail.png, for a model whose program was ended before it had drawn it. Opens only what `convert`
has written."""

from pathlib import Path

import bpy

from ..programs.process import starter_is_gone
from . import drawing
from .report import wait_for_request
from .thumbnail import render


def main() -> None:
    """Draw `request["thumbnail"]` of the model in `request["blend"]`, which is written to `request["drawn"]` with its
    picture. Says nothing: whoever asked sees whether the files are there."""
    request = wait_for_request(starter_is_gone)
    bpy.ops.wm.open_mainfile(filepath=request["blend"], load_ui=False, use_scripts=False)
    collection = next(found for found in bpy.data.collections if found.asset_data is not None)
    bpy.context.scene.collection.children.link(collection)
    drawing.draw(render, collection, Path(request["thumbnail"]), Path(request["drawn"]))


if __name__ == "__main__":
    main()
