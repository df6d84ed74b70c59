# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender image as a picture file: what the user sees, whatever the scene's output is set to."""

import os
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


def replaced_by_a_pipe(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "nowhere.png")
    image = from_file(tmp_path)
    image.filepath_raw = str(tmp_path / "nowhere.png")
    image.buffers_free()
    return image


def sequence(tmp_path, first=5, number=3, kind="PNG", size=(12, 8)):
    """A sequence of frames of which no two are alike, whose files begin at `first`; its pixels by number."""
    for frame in range(first, first + number):
        made = bpy.data.images.new("Made", *size, alpha=True, float_buffer=kind == "OPEN_EXR")
        shades = pattern(*size, alpha=False).reshape(-1, 4) * np.float32([frame / 20] * 3 + [1])
        made.pixels.foreach_set(shades.ravel())
        made.file_format = kind
        made.save(filepath=str(tmp_path / f"frame{frame:04}"))
        bpy.data.images.remove(made)
    pixels = {}
    for frame in range(first, first + number):
        one = bpy.data.images.load(str(tmp_path / f"frame{frame:04}"))
        pixels[frame] = pixels_of(one)
        bpy.data.images.remove(one)
    image = bpy.data.images.load(str(tmp_path / f"frame{first:04}"))
    image.source = "SEQUENCE"
    texture = bpy.data.textures.new("Reader", "IMAGE")  # from here on Blender knows its size and its kind
    texture.image, texture.image_user.frame_current = image, first + number - 1
    texture.evaluate((0, 0, 0))
    assert tuple(image.size) == size
    return image, pixels


def movie(tmp_path, frames=4):
    """A movie that gets brighter with each frame."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 64, 48
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    for frame in range(1, frames + 1):
        until = {"length": 1} if bpy.app.version >= (5, 0) else {"frame_end": frame + 1}
        strip = strips.new_effect(f"Brightness {frame}", "COLOR", 1, frame, **until)
        strip.color = (frame / (frames + 1), 0, 0)
    choose_output(scene.render.image_settings, "FFMPEG")
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "MPEG4"
    scene.frame_start, scene.frame_end = 1, frames
    scene.render.filepath, scene.render.use_file_extension = str(tmp_path / "movie.mp4"), False
    bpy.ops.render.render(animation=True)
    image = bpy.data.images.load(str(tmp_path / "movie.mp4"))
    assert (image.source, image.frame_duration) == ("MOVIE", frames)
    return image


@pytest.fixture
def editor(extension):
    """An Image Editor on the screen."""
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    before = area.type
    area.type = "IMAGE_EDITOR"
    yield area.spaces.active
    area.spaces.active.image = None
    area.type = before


def tiles(tmp_path, names=(1001, 1002, 1003)):
    """An image of several tiles, each of another size; their pixels by number."""
    pixels = {}
    for number in names:
        size = (number - 996, number - 994)
        image = from_file(tmp_path, size=size, name=f"tile.{number}.png")
        pixels[number] = pixels_of(image)
        bpy.data.images.remove(image)
    image = bpy.data.images.load(str(tmp_path / f"tile.{names[0]}.png"))
    image.source = "TILED"
    assert [tile.number for tile in image.tiles] == list(names)
    return image, pixels


def tiled(tmp_path):
    image = bpy.data.images.new("Tiles", 8, 8, tiled=True)
    image.tiles.new(1002)
    image.tiles.active_index = 1
    return image


def no_frame(tmp_path):
    bpy.context.scene.frame_set(2)
    return sequence(tmp_path)[0]


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
        (replaced_by_a_pipe, r"The file of the image .* is gone \(.*nowhere.png\): bring it back"),
        (no_frame, "The image frame0005 has no frame 2: go to a frame that it has"),
        (tiled, "The image Tiles has 2 tiles: save the one that you want as a picture"),
        (multilayer, "The image layers.exr has several layers: save the one that you want as a picture"),
    ],
)
def test_where_no_pixels_are_sure_to_be_shown_that_is_said(extension, tmp_path, make, sentence):
    image = make(tmp_path)
    with pytest.raises(Exception, match=sentence) as refusal:
        extension.module("scene.images").to_file(image, tmp_path)
    assert type(refusal.value).__name__ == "PictureError"


def test_of_a_sequence_the_frame_of_the_scene_is_sent(extension, tmp_path):
    image, pixels = sequence(tmp_path)
    for frame in (6, 5, 7):
        bpy.context.scene.frame_set(frame)
        size, shown = sent(extension, image, tmp_path / f"out{frame}")
        assert size == (12, 8) and np.array_equal(shown, pixels[frame])


def test_of_a_sequence_that_an_editor_shows_its_frame_is_sent(extension, tmp_path, editor):
    image, pixels = sequence(tmp_path)
    editor.image = image
    user = editor.image_user
    user.frame_start, user.frame_duration, user.frame_offset = 10, 3, 4  # as Open Sequence sets the last two
    for scene_frame, frame in ((10, 5), (11, 6), (12, 7), (30, 7)):
        bpy.context.scene.frame_set(scene_frame)
        assert np.array_equal(sent(extension, image, tmp_path / f"out{scene_frame}")[1], pixels[frame])
    user.use_cyclic = True
    bpy.context.scene.frame_set(14)
    assert np.array_equal(sent(extension, image, tmp_path / "cyclic")[1], pixels[6])
    user.use_auto_refresh, user.frame_current = False, 7
    assert np.array_equal(sent(extension, image, tmp_path / "held")[1], pixels[7])


def test_of_a_sequence_that_a_material_or_a_reference_shows_its_frame_is_sent(extension, tmp_path):
    image, pixels = sequence(tmp_path)
    material = bpy.data.materials.new("Screen")
    if not material.node_tree:
        material.use_nodes = True
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    node.image_user.use_auto_refresh = True
    node.image_user.frame_duration, node.image_user.frame_offset = 3, 4
    bpy.context.scene.frame_set(2)
    assert np.array_equal(sent(extension, image, tmp_path / "node")[1], pixels[6])
    reference = bpy.data.objects.new("Reference", None)
    reference.empty_display_type = "IMAGE"
    reference.data = image
    reference.image_user.use_auto_refresh = True
    reference.image_user.frame_duration, reference.image_user.frame_offset = 3, 5
    assert np.array_equal(sent(extension, image, tmp_path / "reference")[1], pixels[7])


def test_frames_of_floats_are_sent_in_the_colors_that_are_shown(extension, tmp_path):
    image, pixels = sequence(tmp_path, kind="OPEN_EXR")
    bpy.context.scene.frame_set(6)
    shown = sent(extension, image, tmp_path / "out")[1].reshape(-1, 4)[:, :3]
    assert np.abs(shown - displayed(pixels[6].reshape(-1, 4)[:, :3])).max() < 0.005


def test_of_a_movie_the_frame_that_is_shown_is_sent(extension, tmp_path):
    image = movie(tmp_path)
    red = []
    for frame in (1, 2, 3, 4, 9):
        bpy.context.scene.frame_set(frame)
        size, pixels = sent(extension, image, tmp_path / f"out{frame}")
        assert size == (64, 48)
        red.append(pixels[::4].mean())
    assert np.allclose(red, [0.2, 0.4, 0.6, 0.8, 0.8], atol=0.08)  # after its last frame, a movie shows that


def test_a_frame_that_is_shown_as_a_render_is_sent_so(extension, tmp_path):
    image, pixels = sequence(tmp_path)
    image.use_view_as_render = True
    for frame in (6, 7):
        bpy.context.scene.frame_set(frame)
        shown = sent(extension, image, tmp_path / f"out{frame}")[1]
        one = bpy.data.images.load(str(tmp_path / f"frame{frame:04}"))
        one.use_view_as_render = True
        assert np.array_equal(shown, sent(extension, one, tmp_path / f"one{frame}")[1])
        bpy.data.images.remove(one)


@pytest.mark.parametrize("number", [1001, 1002, 1003])
@pytest.mark.parametrize("is_packed", [False, True])
def test_of_several_tiles_the_active_one_is_sent(extension, tmp_path, number, is_packed):
    image, pixels = tiles(tmp_path)
    if is_packed:
        image.pack()
        for file in tmp_path.glob("tile.*"):
            file.unlink()
    image.tiles.active_index = number - 1001
    size, shown = sent(extension, image, tmp_path / "out")
    assert size == (number - 996, number - 994) and np.array_equal(shown, pixels[number])


@pytest.mark.parametrize("number", [1001, 1002])
def test_of_painted_tiles_the_active_one_is_sent_as_it_is_shown_or_refused(extension, tmp_path, number):
    image, pixels = tiles(tmp_path)
    image.pixels[0] = 0.25  # of the first: Python paints no other
    assert image.is_dirty
    image.tiles.active_index = number - 1001
    if number != 1001 and bpy.app.version < (4, 3):
        with pytest.raises(Exception, match="has 3 tiles: save the one that you want"):
            extension.module("scene.images").to_file(image, tmp_path)
        return
    shown = sent(extension, image, tmp_path / "out")[1]
    assert np.array_equal(shown, pixels_of(image) if number == 1001 else pixels[number])
    assert sorted(file.name for file in tmp_path.glob("tile.*")) == [f"tile.{name}.png" for name in pixels]


def overwrite(path, size=(12, 8), factor=0.5):
    other = bpy.data.images.new("Other", *size, alpha=True)
    other.pixels.foreach_set(pattern(*size) * np.float32(factor))
    other.file_format = "PNG"
    other.save(filepath=str(path))
    bpy.data.images.remove(other)


@pytest.mark.parametrize("is_newer", [True, False])
def test_a_file_with_another_picture_of_the_same_size_is_not_what_is_shown(extension, tmp_path, is_newer):
    image = from_file(tmp_path)
    before = pixels_of(image)
    overwrite(tmp_path / "other.png")
    if not is_newer:
        os.utime(tmp_path / "other.png", (1_000_000_000, 1_000_000_000))
    (tmp_path / "other.png").replace(tmp_path / "picture.png")
    size, pixels = sent(extension, image, tmp_path / "out")
    assert size == (12, 8) and np.array_equal(pixels, before)
    image.reload()
    assert extension.module("scene.images").to_file(image, tmp_path / "out") == tmp_path / "picture.png"


def test_a_file_that_was_saved_again_as_it_was_is_sent_itself(extension, tmp_path):
    image = from_file(tmp_path)
    (tmp_path / "picture.png").write_bytes((tmp_path / "picture.png").read_bytes())
    assert extension.module("scene.images").to_file(image, tmp_path / "out") == tmp_path / "picture.png"


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


def test_a_further_image_that_shows_nothing_is_called_by_its_name(settings, session, no_jobs, star):
    image = bpy.data.images.new("Ghost", 16, 16, alpha=True)
    image.pixels.foreach_set(np.zeros(16 * 16 * 4, np.float32))
    settings.local.back_image_url = "Ghost"
    with pytest.raises(RuntimeError, match="Ghost is fully transparent: choose one that shows something"):
        bpy.ops.image_to_3d.generate(filepath=str(star))
