# SPDX-License-Identifier: GPL-3.0-or-later
"""Image to 3D: a picture becomes a model in the scene. Registers the rooms below, and does nothing else.

Imports no bpy at module level, so that `import image_to_3d.api` works in plain Python.
"""

import importlib
import sys

ROOMS = (
    "panels.preferences",
    "scene.settings",
    "scene.session",
    "operators.generate",
    "operators.cancel",
    "operators.retry",
    "operators.adopt",
    "operators.send_again",
    "operators.forget",
    "operators.import_result",
    "operators.remove",
    "operators.heartbeat",
    "panels.sidebar",
)
"""The modules that have something to register, in that order; each has `register()` and `unregister()`."""


def register() -> None:
    """Register every room, or none: where one fails, those before it are taken back."""
    registered = []
    try:
        for name in ROOMS:
            room = importlib.import_module(f".{name}", __package__)
            room.register()
            registered.append(room)
    except Exception:
        for room in reversed(registered):
            room.unregister()
        raise


def unregister() -> None:
    """Take everything back, and forget the modules: Blender reloads this file alone when the extension is enabled again."""
    for name in reversed(ROOMS):
        importlib.import_module(f".{name}", __package__).unregister()
    for name in [name for name in sys.modules if name.startswith(f"{__package__}.")]:
        del sys.modules[name]
