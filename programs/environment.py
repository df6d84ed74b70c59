# SPDX-License-Identifier: GPL-3.0-or-later
"""What a background Blender gets to know of the environment: as little as it needs, since it opens files of strangers.
No keys, no proxies, no home folder."""

import sys
from collections.abc import Mapping
from pathlib import Path

MEMORY = "IMAGE_TO_3D_MEMORY_BYTES"
"""How much address space the program may have; 0 is no bound. Who has it is in a process group of its own. Read by
`cage.py`."""

LANGUAGE = frozenset({"LANG", "LC_ALL", "LC_CTYPE"})
"""In which characters names of files are."""

NEEDED = {
    "linux": frozenset(
        {
            "PATH",  # a Blender may be a script that starts one
            "LD_LIBRARY_PATH",  # where such a script, or a package like Snap, has put Blender's libraries
        }
    ),
    "darwin": frozenset({"PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH"}),
    "win32": frozenset(
        {
            "PATH",  # where libraries are looked for
            "SYSTEMROOT",  # without it Python has no random numbers, and libraries are not found
            "WINDIR",
            "SYSTEMDRIVE",
            "COMSPEC",
            "PATHEXT",
            "NUMBER_OF_PROCESSORS",
            "PROCESSOR_ARCHITECTURE",
        }
    ),
}
"""What else is needed, by `sys.platform`; on other systems as on Linux."""

INSTALLED = "BLENDER_SYSTEM_"
"""How the names begin that say where a distribution has put Blender's own files."""

ARENAS = "2"
"""How many heaps glibc makes. It reserves 64 MB of address space for each, and makes eight for each core: a large
machine would reach the bound before there is a model (mallopt(3), M_ARENA_MAX)."""


def needed(variables: Mapping[str, str], own: Path, memory_bytes: int) -> dict[str, str]:
    """Return what a program may have of the `variables`, and what it gets beside: `own`, an empty folder, for all that
    it keeps, and `memory_bytes` for `MEMORY`."""
    names = LANGUAGE | NEEDED.get(sys.platform, NEEDED["linux"])
    kept = {
        name: value for name, value in variables.items() if name.upper() in names or name.upper().startswith(INSTALLED)
    }
    return {
        **kept,
        MEMORY: str(memory_bytes),
        # For the bpy module, too, which has no --factory-startup.
        "BLENDER_USER_RESOURCES": str(own / "user"),
        **dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TMPDIR", "TEMP", "TMP"), str(own)),
        "MALLOC_ARENA_MAX": ARENAS,
    }
