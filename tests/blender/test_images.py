# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender image as a picture file: what the user sees, whatever the scene's output is set to."""

import bpy
import pytest


@pytest.fixture
def render():
    """The render result of a small scene."""
    scene = bpy.context.scene
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.ops.render.render()
    return bpy.data.images["Render Result"]


def choose_output(output, name):
    if hasattr(output, "media_type"):
        output.media_type = {"FFMPEG": "VIDEO", "OPEN_EXR_MULTILAYER": "MULTI_LAYER_IMAGE"}.get(name, "IMAGE")
    output.file_format = name


@pytest.mark.parametrize("name", ["PNG", "JPEG", "OPEN_EXR", "OPEN_EXR_MULTILAYER", "FFMPEG"])
def test_a_render_is_a_png_whatever_the_output_is(extension, render, tmp_path, name):
    output = bpy.context.scene.render.image_settings
    choose_output(output, name)
    before = output.file_format, output.color_mode, output.color_depth
    file = extension.module("scene.images").to_file(render, tmp_path)
    assert file.read_bytes().startswith(b"\x89PNG")
    assert (output.file_format, output.color_mode, output.color_depth) == before


@pytest.mark.parametrize("alpha", [True, False])
def test_a_painted_image_keeps_its_colors_and_stays_as_it_was(extension, tmp_path, alpha):
    image = bpy.data.images.new("Painted", 4, 4, alpha=alpha)
    painted = [0.2, 0.4, 0.6, 0.4 if alpha else 1.0] * 16
    image.pixels.foreach_set(painted)
    image.update()
    file = extension.module("scene.images").to_file(image, tmp_path)
    assert (image.filepath_raw, image.file_format, image.is_dirty, image.source) == ("", "PNG", True, "GENERATED")
    loaded = bpy.data.images.load(str(file))
    assert list(loaded.pixels) == pytest.approx(painted, abs=1 / 255)
    assert [left.name for left in bpy.data.images if left is not loaded] == ["Painted"]
