# SPDX-License-Identifier: GPL-3.0-or-later
"""Of all that Blender says of an error, the cause is taken: never a place in its code, never a folder of this machine."""

import pytest

from image_to_3d.api.causes import IN_BLENDER, cause_of

TRACEBACK = """Error: Python: Traceback (most recent call last):
  File "/srv/ada/blender/4.5/scripts/addons_core/io_scene_gltf2/__init__.py", line 2011, in execute
    return self.import_gltf2(context)
IndexError: list index out of range
Location: /srv/ada/blender/4.5/scripts/modules/bpy/ops.py:109
"""


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("Error: Bad glTF: no version\n", "Bad glTF: no version"),
        ("Error: The file is too new.", "The file is too new"),
        ("Warning: A layer was left out\nError: No space left\n", "No space left"),
        ("Error: No space left\nLocation: /srv/blender/ops.py:109\n", "No space left"),
        ("Error: No space left\nWarning: A layer was left out\n", "No space left"),
        (
            'Error: Cannot read file "/srv/ada/My Models/fox.blend": Permission denied',
            'Cannot read file "fox.blend": Permission denied',
        ),
        (r"Error: Cannot open D:\Models\Ada\fox.blend", "Cannot open fox.blend"),
        (r"Error: Cannot open \\server\share\fox.blend", "Cannot open fox.blend"),
        ("Mode 1/2 of and/or", "Mode 1/2 of and/or"),
        ("poll() failed, context is incorrect", "poll() failed, context is incorrect"),
        (TRACEBACK, IN_BLENDER),
        ("", "RuntimeError"),
        ("Location: /srv/blender/ops.py:109", "RuntimeError"),
    ],
)
def test_the_cause_is_taken(said: str, cause: str) -> None:
    assert cause_of(RuntimeError(said)) == cause


def test_a_cause_is_one_line_that_can_be_seen() -> None:
    assert cause_of(RuntimeError("Error: No\x1b[31m such\u202e file\n")) == "No such file"
