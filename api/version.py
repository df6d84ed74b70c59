# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of the extension this is, as its manifest says: the number is written nowhere else. Raises nothing."""

import tomllib
from functools import cache
from pathlib import Path

MANIFEST = Path(__file__).parent.parent / "blender_manifest.toml"


@cache
def version() -> str:
    """Return the version, like "1.2.3"; "" where this package was taken out of the extension."""
    try:
        return str(tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return ""


def user_agent() -> str:
    """Return how requests name us to a host, like "image_to_3d/1.2.3"."""
    return f"image_to_3d/{version()}".rstrip("/")
