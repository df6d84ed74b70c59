# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture may be given as: a path, an http(s) URL or a data URI. Reads no picture, and is cheap to import."""

DATA = "data:"
LONGER_SIDE_PX = 4096  # more than any service's model shows; a picture of twice as many is four times as slow to send

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".tga", ".exr", ".hdr")
"""The endings of picture files that every Blender opens. No file of ours has another: what a user's file is called can
be anything."""


def is_url(source: str) -> bool:
    """Whether `source` has to be fetched from the network."""
    return source.lower().startswith(("http://", "https://"))


def is_path(source: str) -> bool:
    """Whether `source` is a file on this machine."""
    return not is_url(source) and not source.startswith(DATA)


def ending_of(name: str) -> str:
    """Return the ending of a picture's file name in small letters, "" where it is none of `ENDINGS`."""
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")
