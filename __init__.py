# SPDX-License-Identifier: GPL-3.0-or-later
"""Image to 3D: a picture becomes a model in the scene. Registers the rooms below, and does nothing else.

Imports no bpy at module level, so that `import image_to_3d.api` works in plain Python.
"""

import importlib
import sys

ROOMS = (
    "panels.preferences",
    "scene.settings",
    "scene.lengths",
    "session.joblist",
    "session",
    "operators.choose_candidate",
    "operators.choose_image",
    "operators.choose_picture",
    "operators.generate",
    "operators.generate_from_files",
    "operators.jobs",
    "operators.show",
    "operators.keep",
    "operators.joblist",
    "operators.paste_picture",
    "operators.cut_out",
    "operators.reset_parameters",
    "operators.tidy_up",
    "operators.add_to_asset_browser",
    "operators.check_account",
    "operators.show_preferences",
    "operators.watch",  # last of these: its timer calls what the others have registered
    "panels.parameters",
    "panels.sidebar",
    "panels.jobs",
    "panels.menus",
    "panels.statusbar",
    "command",
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
    """Take everything back, and forget the modules: Blender reloads this file alone when the extension is enabled
    again."""
    for name in reversed(ROOMS):
        importlib.import_module(f".{name}", __package__).unregister()
    for name in [name for name in sys.modules if name.startswith(f"{__package__}.")]:
        del sys.modules[name]
        globals().pop(name.removeprefix(f"{__package__}."), None)  # else `from .. import` finds the old one here
