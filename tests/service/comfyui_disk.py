# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of the stand-in's ComfyUI: input, output, temp. Writes nowhere else, and speaks no HTTP."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

TYPES = ("input", "output", "temp")
SUFFIXES = {f" [{kind}]": kind for kind in TYPES}  # how a name says where it lies


class OutsideError(Exception):
    """A name leads out of its folder."""


class Disk:
    """Made when it is first needed, and removed by `close`."""

    def __init__(self) -> None:
        self._root: Path | None = None

    def folder(self, kind: str) -> Path:
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="image_to_3d_stand_in_comfyui_")).resolve()
            for name in TYPES:
                (self._root / name).mkdir()
        return self._root / kind

    def close(self) -> None:
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)

    def empty(self, kind: str) -> None:
        """Delete all that lies in a folder."""
        folder = self.folder(kind)
        shutil.rmtree(folder)
        folder.mkdir()

    def within(self, kind: str, *parts: str) -> Path:
        """Where a name leads to. Raises `OutsideError`."""
        folder = self.folder(kind)
        path = Path(os.path.abspath(os.path.join(folder, *parts)))
        if path != folder and folder not in path.parents:
            raise OutsideError(str(path))
        return path

    def pictures(self) -> list[str]:
        """What lies in the input folder itself; those in folders below are taken, but not listed."""
        return sorted(path.name for path in self.folder("input").iterdir() if path.is_file())

    def picture(self, name: str) -> Path | None:
        """The file that LoadImage is given; None where there is none."""
        kind = "input"
        for suffix, named in SUFFIXES.items():
            if name.endswith(suffix):
                name, kind = name.removesuffix(suffix), named
        try:
            path = self.within(kind, name)
        except OutsideError:
            return None
        return path if path.is_file() else None

    def upload(self, kind: str, subfolder: str, name: str, content: bytes, is_over: bool) -> str:
        """Keep a file, and say by which name: another one where the name is taken by other bytes. Raises
        `OutsideError`, or FileNotFoundError where the name itself has a folder that is not there."""
        path = self.within(kind, os.path.normpath(subfolder), name)
        self.within(kind, os.path.normpath(subfolder)).mkdir(parents=True, exist_ok=True)
        stem, suffix = os.path.splitext(name)
        number = 1
        while not is_over and path.exists() and path.read_bytes() != content:
            name = f"{stem} ({number}){suffix}"
            path = path.parent / name
            number += 1
        path.write_bytes(content)
        return name

    def save(self, prefix: str, ending: str, content: bytes | Path) -> tuple[str, str]:
        """Write a result under the next free number; its folder below output, and its name. Raises `OutsideError`."""
        prefix = os.path.normpath(_dated(prefix))
        subfolder, stem = os.path.dirname(prefix), os.path.basename(prefix)
        folder = self.within("output", subfolder)
        folder.mkdir(parents=True, exist_ok=True)
        taken = [_number(path.name, stem) for path in folder.iterdir()]
        name = f"{stem}_{max(taken, default=0) + 1:05}{ending}"
        write(folder / name, content)
        return subfolder, name


def write(path: Path, content: bytes | Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Path):
        shutil.copyfile(content, path)
    else:
        path.write_bytes(content)


def _number(name: str, stem: str) -> int:
    if not name.startswith(f"{stem}_"):
        return 0
    digits = name[len(stem) + 1 :].split(".")[0].split("_")[0]
    return int(digits) if digits.isdigit() else 0


def _dated(prefix: str) -> str:
    now = time.localtime()
    parts = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
    for name, code in parts.items():
        prefix = prefix.replace(f"%{name}%", time.strftime(code, now))
    return prefix
