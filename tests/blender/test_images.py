# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender image as a picture file: what the user sees, whatever the scene's output is set to."""

import struct

import bpy
import numpy as np
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


def pattern(width, height, alpha=True):
    """Pixels (0 to 1, in steps of 1/255) of which no two are alike."""
    values = np.random.default_rng(width).integers(1, 256, (height, width, 4)) / np.float32(255)
    if not alpha:
        values[..., 3] = 1
    return values.astype(np.float32).ravel()


def generated(tmp_path, alpha=True):
    image = bpy.data.images.new("Generated", 12, 8, alpha=alpha)
    image.pixels.foreach_set(pattern(12, 8, alpha))
    image.update()
    return image


def from_file(tmp_path, kind="PNG", size=(12, 8), name="picture.png"):
    made = bpy.data.images.new("Made", *size, alpha=True)
    made.pixels.foreach_set(pattern(*size))
    made.file_format = kind
    made.save(filepath=str(tmp_path / name))
    bpy.data.images.remove(made)
    image = bpy.data.images.load(str(tmp_path / name))
    assert pixels_of(image).size == size[0] * size[1] * 4  # from here on Blender holds it
    return image


def from_float_file(tmp_path, kind):
    """An image of floats, read from an EXR file or a PNG file of 16 bits."""
    made = bpy.data.images.new("Made", 12, 8, alpha=False, float_buffer=True)
    made.pixels.foreach_set(pattern(12, 8, alpha=False))
    made.file_format = kind
    made.save(filepath=str(tmp_path / "picture"))
    bpy.data.images.remove(made)
    image = bpy.data.images.load(str(tmp_path / "picture"))
    assert image.is_float and pixels_of(image).size
    return image


def packed(tmp_path):
    image = from_file(tmp_path)
    image.pack()
    (tmp_path / "picture.png").unlink()
    return image


def pixels_of(image):
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    return values


def operator(name, **options):
    """An operator of the Image Editor's menu Image, without the editor."""

    def run(image):
        bpy.ops.ed.undo_push()  # without a first step to go back to, these operators crash a Blender without windows
        with bpy.context.temp_override(edit_image=image):
            assert getattr(bpy.ops.image, name)(**options) == {"FINISHED"}

    return run


def displayed(linear):
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-8) ** (1 / 2.4) - 0.055)


def sent(extension, image, folder):
    """Size and pixels, as a screen shows them, of the file made of an image; in bpy.data all is as before."""
    folder.mkdir()
    before = list(bpy.data.images), facts_of(image)
    file = extension.module("scene.images").to_file(image, folder)
    assert (list(bpy.data.images), facts_of(image)) == before
    loaded = bpy.data.images.load(str(file))
    size, pixels = tuple(loaded.size), pixels_of(loaded)
    if loaded.is_float:  # a file of 16 bits is read into linear floats
        pixels = displayed(pixels)
    bpy.data.images.remove(loaded)
    return size, pixels


def facts_of(image):
    return image.name, image.filepath_raw, image.file_format, image.is_dirty, image.source, tuple(image.size)


CHANGES = {
    "turned by 90": operator("rotate_orthogonal", degrees="90"),
    "turned by 270": operator("rotate_orthogonal", degrees="270"),
    "flipped": operator("flip", use_flip_x=True),
    "resized": operator("resize", size=(5, 17)),
    "inverted": operator("invert", invert_r=True),
    "scaled": lambda image: image.scale(7, 3),
    "as it was": lambda image: None,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("make", [generated, from_file, packed])
def test_the_pixels_that_are_shown_are_sent(extension, tmp_path, make, change):
    image = make(tmp_path)
    CHANGES[change](image)
    size, pixels = sent(extension, image, tmp_path / "out")
    assert size == tuple(image.size)
    assert np.array_equal(pixels, pixels_of(image))


@pytest.mark.parametrize("change", ["turned by 90", "scaled"])
@pytest.mark.parametrize("kind", ["OPEN_EXR", "PNG"])
def test_floats_are_sent_in_the_colors_that_are_shown(extension, tmp_path, kind, change):
    image = from_float_file(tmp_path, kind)
    CHANGES[change](image)
    size, pixels = sent(extension, image, tmp_path / "out")
    assert size == tuple(image.size)
    colors = pixels_of(image).reshape(-1, 4)[:, :3]
    assert np.abs(pixels.reshape(-1, 4)[:, :3] - displayed(colors)).max() < 0.005


def test_an_image_without_alpha_is_sent_opaque(extension, tmp_path):
    image = generated(tmp_path, alpha=False)
    CHANGES["turned by 90"](image)
    size, pixels = sent(extension, image, tmp_path / "out")
    assert size == (8, 12) and np.array_equal(pixels, pixels_of(image))


@pytest.mark.parametrize("color_space", ["sRGB", "Non-Color"])
def test_painted_data_are_sent_as_they_are(extension, tmp_path, color_space):
    image = bpy.data.images.new("Data", 12, 8, alpha=True)
    image.colorspace_settings.name = color_space
    image.pixels.foreach_set(pattern(12, 8))
    CHANGES["turned by 90"](image)
    assert np.array_equal(sent(extension, image, tmp_path / "out")[1], pixels_of(image))


def test_a_file_that_is_gone_is_made_anew_of_what_blender_holds(extension, tmp_path):
    image = from_file(tmp_path)
    (tmp_path / "picture.png").unlink()
    size, pixels = sent(extension, image, tmp_path / "out")
    assert size == (12, 8) and np.array_equal(pixels, pixels_of(image))


def test_a_file_that_was_replaced_is_not_what_is_shown(extension, tmp_path):
    image = from_file(tmp_path)
    other = from_file(tmp_path, size=(6, 16), name="other.png")
    bpy.data.images.remove(other)
    (tmp_path / "other.png").replace(tmp_path / "picture.png")
    size, pixels = sent(extension, image, tmp_path / "out")
    assert size == (12, 8) and np.array_equal(pixels, pixels_of(image))


@pytest.mark.parametrize("mode", ["NONE", "PREMUL"])
def test_alpha_is_sent_as_blender_reads_it(extension, tmp_path, mode):
    image = from_file(tmp_path)
    image.alpha_mode = mode
    _, pixels = sent(extension, image, tmp_path / "out")
    assert np.array_equal(pixels, pixels_of(image))
    assert mode != "NONE" or set(pixels[3::4]) == {1}


def test_a_file_that_is_shown_as_it_is_is_sent_itself(extension, tmp_path):
    image = from_file(tmp_path)
    assert extension.module("scene.images").to_file(image, tmp_path / "out") == tmp_path / "picture.png"


def gone(tmp_path):
    image = from_file(tmp_path)
    image.filepath = str(tmp_path / "nowhere.png")
    image.reload()
    return image


def many(source):
    def make(tmp_path):
        image = from_file(tmp_path, name="picture0003.png")
        image.source = source
        return image

    return make


def tiled(tmp_path):
    image = bpy.data.images.new("Tiles", 8, 8, tiled=True)
    image.tiles.new(1002)
    return image


def multilayer(tmp_path):
    scene = bpy.context.scene
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    choose_output(scene.render.image_settings, "OPEN_EXR_MULTILAYER")
    scene.render.filepath = str(tmp_path / "layers.exr")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(tmp_path / "layers.exr"))
    assert tuple(image.size) == (0, 0)  # from here on Blender knows that it has layers
    return image


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (gone, r"The file of the image .* is gone \(.*nowhere.png\): bring it back, or choose another image\."),
        (many("SEQUENCE"), "The image .* is a sequence of frames: save the one that you want as a picture"),
        (many("MOVIE"), "The image .* is a movie of many frames: save the one that you want as a picture"),
        (tiled, "The image Tiles has 2 tiles: save the one that you want as a picture"),
        (multilayer, "The image layers.exr has several layers: save the one that you want as a picture"),
    ],
)
def test_where_no_pixels_are_sure_to_be_shown_that_is_said(extension, tmp_path, make, sentence):
    image = make(tmp_path)
    with pytest.raises(Exception, match=sentence) as refusal:
        extension.module("scene.images").to_file(image, tmp_path)
    assert type(refusal.value).__name__ == "PictureError"


def test_a_single_tile_is_what_is_shown(extension, tmp_path):
    image = bpy.data.images.new("Tile", 12, 8, alpha=True, tiled=True)
    image.pixels.foreach_set(pattern(12, 8))
    assert np.array_equal(sent(extension, image, tmp_path / "out")[1], pixels_of(image))


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photograph_that_others_would_turn_is_sent_as_blender_shows_it(extension, tmp_path, orientation):
    image = bpy.data.images.new("Photo", 8, 4)
    image.pixels.foreach_set([0.25, 0.5, 0.75, 1.0] * 32)
    image.file_format = "JPEG"
    path = tmp_path / "photo.jpg"
    image.save(filepath=str(path))
    data = path.read_bytes()
    exif = b"Exif\0\0MM\0\x2a\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    shown = bpy.data.images.load(str(path))
    assert tuple(shown.size) == (8, 4)  # as it lies in the file
    file = extension.module("scene.images").to_file(shown, tmp_path)
    assert (file == path) == (orientation == 1)
    assert (
        tuple(bpy.data.images.load(str(file)).size) == (8, 4) and b"Exif" not in file.read_bytes()[:400] or file == path
    )
