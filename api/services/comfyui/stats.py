# SPDX-License-Identifier: GPL-3.0-or-later
"""What `GET /system_stats` says of a server, as a sentence. Asks nothing itself."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...words import NAME_AT_MOST, clean
from ..web import number, text

_CARD = re.compile(r"(?:[a-z]+:[0-9]+ )?(.+?)(?: : [\w-]+)?")
"""How the name of a graphics card stands between its number and the way in which its memory is given out."""

SLOW = "without a graphics card a model takes hours"


def is_one(body: object) -> bool:
    """Whether an answer is ComfyUI's."""
    return isinstance(body, Mapping) and isinstance(body.get("system"), Mapping) and "devices" in body


def version(body: Mapping[str, Any], secrets: Iterable[str] = ()) -> str:
    """The version of ComfyUI, "" where it says none, as before 0.2."""
    return clean(text(body["system"].get("comfyui_version")), NAME_AT_MOST, secrets)


def sentence(body: Mapping[str, Any], place: str = "", secrets: Iterable[str] = ()) -> str:
    """What a user may know of the server, without a full stop; `place` is where it is, where that was not asked
    for. `secrets` must not be seen in what the server says."""
    who = " ".join(filter(None, ("ComfyUI", version(body, secrets), f"at {place}" if place else "")))
    devices = body["devices"]
    device = devices[0] if isinstance(devices, list) and devices else None
    if not isinstance(device, Mapping) or not text(device.get("type")):
        return who
    if device["type"] == "cpu":
        return f"{who} on the processor: {SLOW}"
    named = _CARD.fullmatch(text(device.get("name")).strip())
    card = clean(named[1] if named else device["type"], NAME_AT_MOST, secrets)
    size = round(number(device.get("vram_total")) / 2**30)
    return f"{who} on {card}, {size} GB" if size > 0 else f"{who} on {card}"
