# SPDX-License-Identifier: GPL-3.0-or-later
"""`bpy.ops.image_to_3d.cut_out`: the image that comes of the chosen picture, how it is chosen, and that nothing of the
user's changes when something comes in between."""

import base64
from pathlib import Path

import bpy
import numpy as np
import pytest
from drawing import png
from layout import drawn_by, operators, words
from once import once
from ticking import listen_until

ORANGE, WHITE = (230, 120, 10), (255, 255, 255)

PATIENCE_S = 30


def fox_png():
    """An orange block, right of the middle of a white picture 120 wide and 80 high."""
    pixels = np.full((80, 120, 4), 255, np.uint8)
    pixels[20:60, 60:100, :3] = ORANGE
    return png(pixels)


@pytest.fixture
def fox(tmp_path):
    path = tmp_path / "Fox.png"
    path.write_bytes(fox_png())
    return path


@pytest.fixture
def cutting(extension, session):
    """What this Blender cuts out; nothing when the test is over."""
    yield lambda: session.current.cutting
    session.current.cutting.stop()


def left():
    """The folders of processes that cut something out."""
    return list(Path(bpy.app.tempdir).glob("image_to_3d_cut_out_*"))


def alpha_of(image):
    """Bytes (h, w), top row first."""
    values = np.array(image.pixels[:], np.float32).reshape(image.size[1], image.size[0], 4)
    return np.round(values[::-1, :, 3] * 255).astype(int)


def is_fox(image):
    alpha = alpha_of(image)
    return tuple(image.size) == (120, 80) and alpha[25:55, 65:95].min() == 255 and alpha[:, :55].max() == 0


def test_the_figure_becomes_an_image_that_is_chosen_and_stays_in_the_file(settings, fox, tmp_path):
    settings.filepath = str(fox)
    assert bpy.ops.image_to_3d.cut_out() == {"FINISHED"}
    image = bpy.data.images["Fox Cutout"]
    assert is_fox(image)
    assert (settings.source, settings.image) == ("IMAGE", image)
    assert image.packed_file and not image.is_dirty and not left()
    assert bpy.app.tempdir not in image.filepath
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert is_fox(bpy.data.images["Fox Cutout"])
    assert bpy.context.scene.image_to_3d.image.name == "Fox Cutout"


def painted(image):
    """Erase the upper half of it, as the brush Erase Alpha does."""
    values = np.array(image.pixels[:], np.float32).reshape(image.size[1], image.size[0], 4)
    values[40:, :, 3] = 0
    image.pixels.foreach_set(values.ravel())
    image.update()


@once
def test_generate_takes_exactly_what_was_painted(settings, session, fox):
    settings.filepath = str(fox)
    bpy.ops.image_to_3d.cut_out()
    bpy.ops.image_to_3d.generate()
    whole = bpy.context.scene.objects[-1].dimensions.copy()
    painted(settings.image)
    bpy.ops.image_to_3d.generate()
    job = session.jobs()[0]
    sent = bpy.data.images.load(str(session.folder_of(job.id) / job.source))
    assert (alpha_of(sent) == alpha_of(settings.image)).all()
    half = next(obj for obj in bpy.data.objects if obj.get("image_to_3d_job") == job.id).dimensions
    assert whole.x / whole.z == pytest.approx(1, rel=0.05)
    assert half.x / half.z == pytest.approx(2, rel=0.05)


@once
def test_a_second_time_makes_another_image_and_leaves_what_was_painted(settings, fox):
    settings.filepath = str(fox)
    bpy.ops.image_to_3d.cut_out()
    first = settings.image
    painted(first)
    before = alpha_of(first)
    bpy.ops.image_to_3d.cut_out()
    assert settings.image.name == "Fox Cutout.001"
    assert (alpha_of(first) == before).all() and first.is_dirty
    assert (alpha_of(settings.image) == before).all()  # it was transparent already
    settings.source = "FILE"
    bpy.ops.image_to_3d.cut_out()
    assert settings.image.name == "Fox Cutout.002" and is_fox(settings.image)


def test_a_blender_image_is_cut_out_and_stays_as_it_is(settings, fox):
    image = bpy.data.images.load(str(fox))
    settings.source, settings.image = "IMAGE", image
    bpy.ops.image_to_3d.cut_out()
    assert is_fox(settings.image) and settings.image.name == "Fox Cutout"
    assert alpha_of(image).min() == 255 and image.filepath == str(fox)


def test_an_image_that_is_named_is_cut_out_instead_of_the_chosen_picture(settings, star, fox):
    settings.filepath = str(star)
    bpy.data.images.load(str(fox))
    bpy.ops.image_to_3d.cut_out(image="Fox.png")
    assert is_fox(bpy.data.images["Fox Cutout"]) and settings.image.name == "Fox Cutout"
    with pytest.raises(RuntimeError, match="There is no image 'Owl' in this file"):
        bpy.ops.image_to_3d.cut_out(image="Owl")


@once
def test_a_picture_beside_the_file_a_data_uri_and_an_address_on_this_machine(settings, fox, tmp_path, web):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    chosen = bpy.context.scene.image_to_3d
    chosen.filepath = "//Fox.png"
    bpy.ops.image_to_3d.cut_out()
    assert is_fox(bpy.data.images["Fox Cutout"])
    chosen.source, chosen.url = "URL", "data:image/png;base64," + base64.b64encode(fox_png()).decode()
    bpy.ops.image_to_3d.cut_out()
    assert is_fox(bpy.data.images["Picture Cutout"])
    chosen.source, chosen.url = "URL", web.serve("/Red%20Fox.png", fox_png(), "image/png")
    bpy.ops.image_to_3d.cut_out()
    assert is_fox(bpy.data.images["Red Fox Cutout"])


def test_nothing_is_fetched_without_online_access(settings, extension):
    settings.source, settings.url = "URL", "https://example.org/fox.png"
    with pytest.raises(RuntimeError, match="turn on Allow Online Access"):
        bpy.ops.image_to_3d.cut_out()
    assert not bpy.data.images and not left()


def test_what_is_wrong_with_the_picture_is_said_and_nothing_changes(settings, tmp_path, fox):
    missing = tmp_path / "Gone.png"
    damaged = tmp_path / "Damaged.png"
    damaged.write_bytes(fox.read_bytes()[:-20])
    no_picture = tmp_path / "Text.png"
    no_picture.write_text("This is no picture.")
    nothing = tmp_path / "Nothing.png"
    nothing.write_bytes(png(np.zeros((20, 20, 4), np.uint8)))
    for path, words_said in (
        ("", "There is no picture"),
        (missing, "There is no picture at"),
        (damaged, r"Damaged\.png is cut off or damaged"),
        (no_picture, "not a picture|cannot read"),
        (nothing, "fully transparent"),
    ):
        settings.filepath = str(path)
        with pytest.raises(RuntimeError, match=words_said):
            bpy.ops.image_to_3d.cut_out()
        assert not bpy.data.images and settings.source == "FILE" and not left()


def test_a_picture_without_a_figure_becomes_an_opaque_image_and_a_warning(settings, tmp_path, capfd):
    noise = np.random.default_rng(3).integers(0, 256, (80, 120, 4)).astype(np.uint8)
    noise[..., 3] = 255
    (tmp_path / "Noise.png").write_bytes(png(noise))
    settings.filepath = str(tmp_path / "Noise.png")
    bpy.ops.image_to_3d.cut_out()
    assert alpha_of(settings.image).min() == 255
    assert "No figure could be told apart, so Noise Cutout is as opaque as Noise" in capfd.readouterr().out


def test_what_was_taken_for_the_figure_is_said(settings, fox, capfd):
    settings.filepath = str(fox)
    bpy.ops.image_to_3d.cut_out()
    said = capfd.readouterr().out
    assert "Fox Cutout is chosen as the picture: what is wrong can be painted" in said
    assert "The background was taken away by its colour" in said


def test_a_picture_with_transparency_keeps_it_and_says_so(settings, star, capfd):
    settings.filepath = str(star)
    bpy.ops.image_to_3d.cut_out()
    given = bpy.data.images.load(str(star))
    assert (alpha_of(settings.image) == alpha_of(given)).all()
    assert "Red Star has transparency already, and Red Star Cutout keeps it" in capfd.readouterr().out


@pytest.fixture
def ring(tmp_path):
    pixels = np.full((100, 100, 4), 255, np.uint8)
    pixels[20:80, 20:80, :3] = ORANGE
    pixels[40:60, 40:60, :3] = WHITE
    path = tmp_path / "Ring.png"
    path.write_bytes(png(pixels))
    return path


def test_locals_choice_to_fill_enclosed_areas_is_kept_and_no_other_services(settings, ring, extension):
    settings.filepath = str(ring)
    settings.local.cutout = "FILLED"
    bpy.ops.image_to_3d.cut_out()
    assert alpha_of(settings.image)[50, 50] == 255


def test_undo_takes_image_and_choice_back_together(settings, cutting, session, fox):
    settings.filepath = str(fox)
    bpy.ops.ed.undo_push(message="Before")
    cutting().start(bpy.context.scene)
    _, said = listen_until(session, lambda: not cutting().is_busy())
    assert said.severity == "INFO" and said.sentence.startswith("Fox Cutout is chosen as the picture: ")
    assert bpy.context.scene.image_to_3d.image.name == "Fox Cutout"
    bpy.ops.ed.undo()
    chosen = bpy.context.scene.image_to_3d
    assert (chosen.source, chosen.image) == ("FILE", None)
    bpy.ops.ed.redo()
    assert bpy.context.scene.image_to_3d.image.name == "Fox Cutout"


def test_the_image_is_shown_where_an_image_editor_is_open(settings, cutting, session, fox):
    area = bpy.context.window.screen.areas[0]
    before, area.type = area.type, "IMAGE_EDITOR"
    try:
        settings.filepath = str(fox)
        cutting().start(bpy.context.scene)
        _, said = listen_until(session, lambda: not cutting().is_busy())
        assert area.spaces.active.image.name == "Fox Cutout"
        assert "can be painted in the Image Editor" in said.sentence
    finally:
        area.type = before


def test_another_picture_that_was_chosen_meanwhile_stays_chosen(settings, cutting, session, fox, star):
    settings.filepath = str(fox)
    cutting().start(bpy.context.scene)
    settings.filepath = str(star)
    _, said = listen_until(session, lambda: not cutting().is_busy())
    assert "another picture was chosen meanwhile" in said.sentence
    assert (settings.source, settings.image, settings.filepath) == ("FILE", None, str(star))
    assert is_fox(bpy.data.images["Fox Cutout"])


def test_a_file_that_is_opened_meanwhile_gets_nothing(settings, cutting, session, fox):
    settings.filepath = str(fox)
    cutting().start(bpy.context.scene)
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    (said,) = listen_until(session, lambda: not cutting().is_busy())
    assert said.severity == "WARNING" and "not open any more" in said.sentence
    assert not bpy.data.images and bpy.context.scene.image_to_3d.source == "FILE" and not left()


def test_a_scene_that_is_removed_meanwhile_is_no_trouble(settings, cutting, session, fox):
    settings.filepath = str(fox)
    asking = bpy.context.scene
    cutting().start(asking)
    other = bpy.data.scenes.new("Other")
    bpy.context.window.scene = other
    bpy.data.scenes.remove(asking)
    listen_until(session, lambda: not cutting().is_busy())
    assert other.image_to_3d.source == "FILE" and not bpy.data.images


def test_one_is_cut_out_at_a_time_and_it_can_be_stopped(settings, cutting, session, fox):
    settings.filepath = str(fox)
    assert not bpy.ops.image_to_3d.stop_cut_out.poll()
    cutting().start(bpy.context.scene)
    assert not bpy.ops.image_to_3d.cut_out.poll()
    bpy.ops.image_to_3d.stop_cut_out()
    assert not cutting().is_busy() and bpy.ops.image_to_3d.cut_out.poll()
    assert listen_until(session, lambda: not left()) == []
    assert not bpy.data.images and settings.source == "FILE"


def test_the_extension_may_be_disabled_meanwhile(extension, settings, cutting, fox):
    settings.filepath = str(fox)
    cutting().start(bpy.context.scene)
    process = cutting().process
    extension.disable()
    try:
        assert process.wait(PATIENCE_S) is not None
    finally:
        extension.enable()
    assert not bpy.data.images


def test_going_offline_ends_the_fetch_of_an_address(settings, cutting, session, web):
    bpy.context.preferences.system.use_online_access = True
    settings.source, settings.url = "URL", "https://192.0.2.1/fox.png"  # RFC 5737: nobody is there
    cutting().start(bpy.context.scene)
    bpy.context.preferences.system.use_online_access = False
    (said,) = listen_until(session, lambda: not cutting().is_busy())
    assert said.severity == "ERROR" and "Online access is off" in said.sentence


def test_the_panel_has_the_button_and_shows_what_is_cut_out(extension, settings, cutting, fox):
    panel = extension.module("panels.sidebar").IMAGE_TO_3D_PT_generate
    assert "image_to_3d.cut_out" not in dict(operators(drawn_by(panel)))  # there is no picture yet
    settings.filepath = str(fox)
    assert dict(operators(drawn_by(panel)))["image_to_3d.cut_out"] == {}
    cutting().start(bpy.context.scene)
    drawn = drawn_by(panel)
    assert "Cutting out Fox" in words(drawn)
    assert "image_to_3d.stop_cut_out" in dict(operators(drawn))
    assert "image_to_3d.cut_out" not in dict(operators(drawn))
