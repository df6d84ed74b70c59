# SPDX-License-Identifier: GPL-3.0-or-later
"""Which jobs' models the open file links to, so that it would lose them with their jobs. Reads what Blender holds,
changes nothing."""

import os
from pathlib import Path

import bpy

from ..jobs.folder import is_id


def jobs_linked(root: Path) -> set[str]:
    """The ids of the jobs under `root` that the open file has linked data from, itself or through a file that it links
    to.

    What was appended, or packed into the file (from Blender 5.0 on), is the file's own and does not count.
    """
    home = os.path.realpath(root)
    found = set()
    for library in bpy.data.libraries:
        folder = os.path.dirname(os.path.realpath(bpy.path.abspath(library.filepath)))
        if is_id(os.path.basename(folder)) and os.path.dirname(folder) == home and _is_needed(library):
            found.add(os.path.basename(folder))
    return found


def _is_needed(library: bpy.types.Library) -> bool:
    """Whether data is linked from the library. One that was only appended from stays listed, with nothing."""
    return any(not getattr(entry, "is_linked_packed", False) for entry in library.users_id)
