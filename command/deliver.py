# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies a model's files into the output folder."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from .. import files
from ..api.errors import JobError
from .item import Item


def path_of(stem: str, output: Path, word: str) -> Path:
    """Where the file of one format is."""
    return output / f"{stem}.{word}"


def deliver(item: Item, output: Path, formats: Sequence[str]) -> None:
    """Have the files of a model in `output`. Raises `OSError`, `ImageTo3DError`."""
    assert item.handle is not None
    for word in formats:
        source = item.handle.glb_path if word == "glb" else item.handle.blend_path
        if source is None:
            raise JobError("The job has no model.")
        target = output / f"{item.stem}.{word}"
        part = target.with_name(f"{target.name}.part")
        shutil.copyfile(source, part)
        files.replace(part, target)
        item.files[word] = target


def is_delivered(item: Item, output: Path, formats: Sequence[str]) -> bool:
    """Whether the files are there."""
    there = {word: output / f"{item.stem}.{word}" for word in formats}
    if not all(path.is_file() for path in there.values()):
        return False
    item.files |= there
    return True
