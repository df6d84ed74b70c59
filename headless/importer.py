# SPDX-License-Identifier: GPL-3.0-or-later
"""Has Blender's glTF importer in memory before there is a file for it: else it loads its modules with the first one,
which takes a fifth of a second and more. Imports no file."""

import contextlib
import importlib
import pkgutil

PACKAGES = ("io_scene_gltf2.io.imp", "io_scene_gltf2.blender.imp")
"""What the importer is made of (4.2 to 5.2); the names of the modules in them changed."""


def load() -> None:
    """Load the importer's modules. One that is not there is left to the import, which says what is wrong."""
    for name in PACKAGES:
        with contextlib.suppress(ImportError):
            package = importlib.import_module(name)
            for module in pkgutil.iter_modules(package.__path__, f"{name}."):
                importlib.import_module(module.name)
