# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m image_to_3d.command`: the same command in a Python that has Blender as a module (bpy). Registers of the
extension what the command needs, and nothing of the user's is read.

The module of Blender has no preferences of the user's. So keys come from the environment, and online access is off
unless `--online-mode` stands among the arguments, as Blender's own option is called.
"""

import importlib
import sys

ONLINE = "--online-mode"
NEEDED = "panels.preferences"
"""What says the limits and addresses; by name, as this room knows no panel."""


def main() -> int:
    """Do what the command line asks for; return the exit code."""
    try:
        import bpy
    except ImportError:
        print(
            "image_to_3d: this Python has no bpy, Blender as a module: install it with pip, or use "
            "`blender --command image_to_3d`.",
            file=sys.stderr,
        )
        return 3
    from . import run

    arguments = [argument for argument in sys.argv[1:] if argument != ONLINE]
    if len(arguments) < len(sys.argv) - 1:
        bpy.context.preferences.system.use_online_access = True
    needed = importlib.import_module(f"{__package__.rpartition('.')[0]}.{NEEDED}")
    needed.register()
    try:
        return run(arguments)
    finally:
        needed.unregister()  # a class that is still registered when Python ends crashes Blender 4.2


if __name__ == "__main__":
    sys.exit(main())
