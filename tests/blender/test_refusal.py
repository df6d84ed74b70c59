# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender itself says when it refuses is taken for its cause, never for the place in its code where that was
found."""

import bpy
import pytest
from service.cube import cube_glb
from service.textures import assembled, parted

from image_to_3d.api.causes import IN_BLENDER
from image_to_3d.scene.refusal import reason_of


def refusal_of(call, *arguments, **options):
    with pytest.raises((RuntimeError, OSError)) as raised:
        call(*arguments, **options)
    return reason_of(raised.value)


def test_an_operator_says_what_is_wrong(extension, tmp_path):
    assert refusal_of(bpy.ops.import_scene.gltf, filepath=str(tmp_path / "nothing.glb")) == "Please select a file"


def test_an_operator_that_fails_in_its_own_code_gives_no_line_of_that(extension, tmp_path):
    document, binary = parted(cube_glb())
    document["accessors"][2]["count"] = 3
    (tmp_path / "broken.glb").write_bytes(assembled(document, binary))
    assert refusal_of(bpy.ops.import_scene.gltf, filepath=str(tmp_path / "broken.glb")) == IN_BLENDER


def test_a_file_is_named_without_its_folders(extension, tmp_path):
    file = tmp_path / "My Models" / "fox.blend"
    file.parent.mkdir()
    file.write_bytes(b"no blend at all")

    def load():
        with bpy.data.libraries.load(str(file)):
            pass

    reason = refusal_of(load)
    assert "fox.blend" in reason and "Models" not in reason and "/" not in reason, reason
