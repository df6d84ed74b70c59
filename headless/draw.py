# SPDX-License-Identifier: GPL-3.0-or-later
"""result.blend -> thumbnail.png, for a model whose program was ended before it had drawn it. Opens only what `convert`
has written."""

import json
import sys
from pathlib import Path

import bpy

from . import drawing


def main() -> None:
    """Draw `request["thumbnail"]` of the model in `request["blend"]`, which is written to `request["drawn"]` with its
    picture. Says nothing: whoever asked sees whether the files are there."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    bpy.ops.wm.open_mainfile(filepath=request["blend"], load_ui=False, use_scripts=False)
    collection = next(found for found in bpy.data.collections if found.asset_data is not None)
    bpy.context.scene.collection.children.link(collection)
    drawing.draw(collection, Path(request["thumbnail"]), Path(request["drawn"]))


if __name__ == "__main__":
    main()
