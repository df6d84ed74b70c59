# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts one program of this package in a process of its own: `launch.py MODULE [ARGUMENT ...]`.

Runs under Blender's own Python, or inside a background Blender (`blender -b --python launch.py -- MODULE ...`). The
package is loaded from the folder this file lies in, under the name `image_to_3d` whatever that folder is called, so
that no search path is edited and the relative imports of every module hold. Never imported by Blender's own process.
"""

import importlib
import importlib.util
import os
import runpy
import sys
from pathlib import Path

PACKAGE = "image_to_3d"

WORKERS = "headless."
"""How the names of the programs begin that work for another process, and end with it."""

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""What numpy's library for matrices is told before it is loaded: for the small ones here its threads only wait for each
other, which took a quarter of the processor's time (numpy 1.26, Blender 4.5)."""

LAUNCH = Path(__file__).resolve()
"""This file: what a new process runs."""


def load_package() -> None:
    """Put this package into `sys.modules` under its own name."""
    folder = Path(__file__).resolve().parent.parent
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None  # a plain file on disk always has both
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


def main() -> None:
    """Run the module named by the first argument as a program, with the other arguments as its `sys.argv`."""
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    module, *rest = arguments
    os.environ.update(ONE_THREAD | os.environ)
    load_package()
    if module.startswith(WORKERS):
        importlib.import_module(f"{PACKAGE}.programs.process").end_with_starter()
        importlib.import_module(f"{PACKAGE}.programs.cage").close()
    sys.argv = [module, *rest]
    runpy.run_module(f"{PACKAGE}.{module}", run_name="__main__", alter_sys=False)


if __name__ == "__main__":
    main()
