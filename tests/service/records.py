# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests look at afterwards: every request that came, every task that was made. Never holds a picture, only what it
was."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Embedded(NamedTuple):
    """What stands in `Create.parameters` for a data URI: its media type, and size and SHA-256 of what it held."""

    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Create:
    """One task that was made, and so was paid for. `parameters` are as they were sent, pictures replaced by
    `Embedded`."""

    service: str
    id: str
    parameters: dict[str, Any]
    at: float
    """time.time()"""
    credits: int = 0


@dataclass
class Request:
    """One request that arrived. `headers` may be asked in any case, and hold the keys as they came."""

    at: float
    """time.time()"""
    service: str
    """"csm", "meshy", "comfyui", "files" (a signed address) or "elsewhere" (anything else on either port)."""
    step: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    size: int = 0
    """Bytes of its body."""
    status: int | None = None
    """What it was answered; None if it was not, as the connection was dropped or the answer is still to come."""
    seconds: float = field(default=0.0, compare=False)
    """How long until its answer began."""


def parted(uri: str) -> tuple[str, bytes]:
    """Media type and content of a data URI in base64. Raises ValueError for any other text (RFC 2397)."""
    head, comma, content = uri.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        raise ValueError("not a data URI in base64")
    try:
        return head[len("data:") : -len(";base64")].split(";")[0].lower(), base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def without_pictures(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with every data URI replaced by what it was."""
    return {name: _embedded(value) for name, value in parameters.items()}


def _embedded(value: Any) -> Any:
    if isinstance(value, list):
        return [_embedded(entry) for entry in value]
    if not (isinstance(value, str) and value.startswith("data:")):
        return value
    media_type, content = parted(value)
    return Embedded(media_type, len(content), hashlib.sha256(content).hexdigest())
