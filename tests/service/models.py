# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the stand-in's models come from: the built-in Local service, by its public face. Never holds the loop up for
long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drawing import star_png

POLL_SECONDS = 0.05
JPEG = b"\xff\xd8\xff"


class MakingError(Exception):
    """No model could be made; says why."""


def local_parameters(service: str, sent: dict[str, Any]) -> dict[str, Any]:
    """What Local is asked for, from what a service was asked for. CSM's parameters are Local's own."""
    if service == "csm":
        return {name: value for name, value in sent.items() if name != "image_url"}
    if service == "comfyui":
        is_painted = any(node["class_type"] == "ApplyTextureToMesh" for node in sent["graph"].values())
        return {"texture_model": "pbr" if is_painted else "none"}
    texture = "none"
    if sent["should_texture"]:
        texture = "pbr" if sent["enable_pbr"] else "baked"
    return {"texture_model": texture, "topology": "quads" if sent["topology"] == "quad" else "tris"}


async def make(picture: bytes | None, parameters: dict[str, Any], folder: Path, tell: Callable[[float], None]) -> Path:
    """Have Local make a GLB in `folder` (made here), `tell`ing how far it is, 0 to 1. A star is made where there is no
    picture.

    `image_to_3d` must be importable.
    """
    from image_to_3d import api

    folder.mkdir(parents=True)
    content = star_png(256) if picture is None else picture
    source = folder / ("picture.jpg" if content.startswith(JPEG) else "picture.png")
    source.write_bytes(content)
    try:
        service = api.connect("local", folder=folder)
        task = service.create({**parameters, "image_url": str(source)})
        try:
            while task.status in (api.Status.PENDING, api.Status.RUNNING):
                tell(task.progress)
                await asyncio.sleep(POLL_SECONDS)
                task = service.get(task.id)
        finally:
            service.cancel(task.id)  # also when it is done: its process may take a moment longer
        if task.status is not api.Status.SUCCEEDED:
            raise MakingError(str(task.error))
    except api.ImageTo3DError as error:
        raise MakingError(str(error)) from None
    return Path(task.result.glb)  # Local's addresses are paths
