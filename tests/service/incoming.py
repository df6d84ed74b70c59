# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in the picture of a create: a data URI or an address. Asks loopback only, never a real network."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import aiohttp

from .records import parted

SIGNATURES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/bmp": b"BM",
    "image/webp": b"RIFF",
}
MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".webp": "image/webp",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FETCH_SECONDS = 5.0


class RefusedError(Exception):
    """The picture is not taken; says why in the services' words."""


async def picture(url: str, allowed: tuple[str, ...]) -> bytes | None:
    """The picture behind `url`; None where it is on another machine, which is not asked. Raises `RefusedError`."""
    if url.startswith("data:"):
        return _from_data_uri(url, allowed)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RefusedError("image_url is neither a URL nor a data URI")
    suffix = os.path.splitext(parts.path)[1].lower()
    if suffix and MEDIA_TYPES.get(suffix, suffix) not in allowed:
        raise RefusedError(f"unsupported image format: {suffix}")
    if parts.hostname in LOOPBACK:
        return _known(await _fetch(url), allowed)
    if parts.hostname.endswith(".invalid"):  # never resolves (RFC 6761)
        raise RefusedError("image_url could not be downloaded: no such host")
    return None


def _from_data_uri(uri: str, allowed: tuple[str, ...]) -> bytes:
    try:
        media_type, content = parted(uri)
    except ValueError:
        raise RefusedError("malformed data URI") from None
    if media_type.replace("jpg", "jpeg") not in allowed:
        raise RefusedError(f"unsupported image format: {media_type}")
    return _known(content, allowed)


def _known(content: bytes, allowed: tuple[str, ...]) -> bytes:
    if not any(content.startswith(SIGNATURES[media_type]) for media_type in allowed):
        raise RefusedError("unsupported image format: the content is no such image")
    return content


async def _fetch(url: str) -> bytes:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS)) as session,
            session.get(url) as response,
        ):
            if response.status != 200:
                raise RefusedError(f"image_url could not be downloaded: status {response.status}")
            return await response.read()
    except (TimeoutError, aiohttp.ClientError) as error:
        raise RefusedError(f"image_url could not be downloaded: {type(error).__name__}") from None
