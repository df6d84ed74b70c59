# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender --command image_to_3d`: many pictures become files in a folder. Knows no scene and no window.

Only registers the command here: Blender waits for this at its start.
"""

from typing import Any

NAME = "image_to_3d"
"""What the command is called: `blender --command image_to_3d`."""

_registered: list[Any] = []
"""What Blender gave for the command, as long as it is registered."""


def run(arguments: list[str]) -> int:
    """Do what the command line asks for, without what stands before its first argument; return the exit code."""
    from .main import main

    return main(arguments)


def register() -> None:
    """Have `blender --command image_to_3d` call `run`."""
    import bpy

    _registered.append(bpy.utils.register_cli_command(NAME, run))


def unregister() -> None:
    """Take the command back."""
    import bpy

    while _registered:
        bpy.utils.unregister_cli_command(_registered.pop())
