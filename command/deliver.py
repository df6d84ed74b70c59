# SPDX-License-Identifier: GPL-3.0-or-later
"""A finished model -> files in the output folder, each whole or not there. Whose name is whose is decided elsewhere:
what has the name of one of these files is replaced. Imports no bpy."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from .. import files
from ..api.errors import JobError
from ..jobs import assets
from ..jobs import folder as folders
from .item import Item

ASSETS = "assets"
"""The folder of the asset library in the output folder. Not the output folder itself: Blender looks for assets in all
folders of a library, hidden ones too, and so would find those in the folders of the jobs once more."""


def path_of(stem: str, output: Path, word: str) -> Path:
    """Where the file of one format ("blend", "glb", "asset") is."""
    return output / ASSETS / f"{stem}.blend" if word == "asset" else output / f"{stem}.{word}"


def deliver(item: Item, output: Path, formats: Sequence[str]) -> None:
    """Put the model of an item into `output` in each of the `formats`, and note the files in the item. Where the job
    has made no .blend that shows its model, a background Blender does, and is waited for. Raises `ImageTo3DError`,
    `OSError`."""
    made: dict[str, Path] = {}
    for word in formats:
        target = path_of(item.stem, output, word)
        if word == "asset":
            target.parent.mkdir(exist_ok=True)
            assets.write_catalogs(target.parent, is_private=False)
        _copy(_source(item, word), target)
        made[word] = target
    item.files = made
    if item.handle is not None:  # it is in the output folder now, and is made anew where it is wanted again
        files.remove(item.handle.folder / folders.SHOWN, missing_ok=True)


def is_delivered(item: Item, output: Path, formats: Sequence[str]) -> bool:
    """Whether there is a file of each of the `formats`, which the item notes then."""
    there = {word: path_of(item.stem, output, word) for word in formats}
    is_whole = all(path.is_file() for path in there.values())
    if "asset" in there:
        is_whole = is_whole and (output / ASSETS / assets.CATALOGS).is_file()
    if is_whole:
        item.files = there
    return is_whole


def _source(item: Item, word: str) -> Path:
    """The job's file that becomes the one of a format. Raises `ImageTo3DError`, `OSError`."""
    handle = item.handle
    model = None if handle is None else handle.glb_path if word == "glb" else handle.blend_path
    if handle is None or model is None:
        raise JobError("The job's model is gone: add --retry-failed to try it again.")
    return model if word == "glb" else handle.make_shown()


def _copy(source: Path, target: Path) -> None:
    """Copy a file so that `target` is whole or as it was. What a call that was killed has left is written over."""
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(source, part)
        files.sync(part)
        files.replace(part, target)
    except OSError:
        if part.exists():
            files.remove(part, missing_ok=True)
        raise
