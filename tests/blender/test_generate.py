# SPDX-License-Identifier: GPL-3.0-or-later
"""`bpy.ops.image_to_3d.generate` in a background Blender: returns when the model is there, raises with the sentence if
not."""

import base64
import json
import re
from pathlib import Path

import bpy
import pytest
from once import once


def roots():
    return [obj for obj in bpy.data.objects if "image_to_3d_job" in obj]


def test_a_picture_file_becomes_a_model_named_after_it(settings, star):
    assert bpy.ops.image_to_3d.generate(filepath=str(star)) == {"FINISHED"}
    (root,) = roots()
    assert root.name == "Red Star" and root.type == "MESH"
    assert len(root.data.polygons) <= 5000


@once
def test_the_settings_say_what_is_generated_when_nothing_is_passed(settings, star):
    settings.filepath = str(star)
    settings.local.topology = "QUADS"
    settings.local.scaled_bbox = (0.5, 0.75, 0.25)
    bpy.ops.image_to_3d.generate()
    (root,) = roots()
    corners = [len(face.vertices) for face in root.data.polygons]
    assert corners.count(4) >= 0.95 * len(corners)
    assert list(root.dimensions) == pytest.approx([0.5, 0.25, 0.75], rel=0.001)  # width X, depth Y, height Z
    assert json.loads(root["image_to_3d_parameters"])["scaled_bbox"] == [0.5, 0.75, 0.25]


def test_a_relative_path_is_one_of_the_blend_file(settings, star, tmp_path, quick_models):
    (tmp_path / "Beside.png").write_bytes(star.read_bytes())
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.context.scene.image_to_3d.filepath = "//Beside.png"
    bpy.ops.image_to_3d.generate()
    assert roots()[0].name == "Beside"


@once
def test_an_address_on_this_machine_needs_no_online_access(settings, star, web):
    settings.source, settings.url = "URL", web.serve("/Blue%20Star.png", star.read_bytes(), "image/png")
    bpy.ops.image_to_3d.generate()
    assert roots()[0].name == "Blue Star"


@once
def test_a_data_uri_is_a_picture_too(settings, star):
    settings.source = "URL"
    settings.url = "data:image/png;base64," + base64.b64encode(star.read_bytes()).decode()
    bpy.ops.image_to_3d.generate()
    (root,) = roots()
    assert root.name == "Picture"
    assert "base64" not in str(dict(root))


def packed(path):
    image = bpy.data.images.load(str(path))
    image.pack()
    image.filepath = "//nowhere/Star.png"
    return image


def painted(path):
    image = bpy.data.images.new("Painted.001", 64, 64, alpha=True)
    pixels = [0.0] * (64 * 64 * 4)
    for y in range(16, 48):
        for x in range(16, 48):
            pixels[(y * 64 + x) * 4 : (y * 64 + x) * 4 + 4] = (0.0, 0.5, 0.0, 1.0)
    image.pixels.foreach_set(pixels)
    image.update()
    return image


@once
@pytest.mark.parametrize("make", [packed, painted])
def test_an_image_of_this_file_is_taken_as_it_is_now(settings, star, make):
    settings.source, settings.image = "IMAGE", make(star)
    before = settings.image.filepath_raw, settings.image.source, settings.image.is_dirty
    bpy.ops.image_to_3d.generate()
    (root,) = roots()
    assert root.name == Path(settings.image.name).stem
    assert (settings.image.filepath_raw, settings.image.source, settings.image.is_dirty) == before
    assert not [image for image in bpy.data.images if image != settings.image]


@once
def test_a_model_of_an_image_has_the_whole_of_its_name(settings, star):
    settings.source, settings.image = "IMAGE", painted(star)
    settings.image.name = "Mr. Fox"
    bpy.ops.image_to_3d.generate()
    assert [root.name for root in roots()] == ["Mr. Fox"]


def test_an_image_can_be_named_and_goes_before_the_settings(settings, star, tmp_path, quick_models):
    settings.filepath = str(tmp_path / "nowhere.png")
    painted(star)
    bpy.ops.image_to_3d.generate(image="Painted.001")
    (root,) = roots()
    assert root.name == "Painted" and settings.source == "FILE" and settings.image is None


def test_an_image_that_is_not_there_is_refused(settings, session, star):
    settings.filepath = str(star)  # which is not what was asked for
    before = list(session.root().iterdir())
    with pytest.raises(RuntimeError, match="There is no image 'Fox' in this file: choose another"):
        bpy.ops.image_to_3d.generate(image="Fox")
    assert list(session.root().iterdir()) == before


def test_a_picture_that_is_named_goes_before_a_task_in_the_settings(settings, session, slow_account, start_web, star):
    settings.meshy.input_task_id = "0193aaaa"
    settings.filepath = str(star)

    def asked_for(**options):
        job = start_web("meshy", **options)
        session.cancel(job.id)
        return job.parameters["image_url"], job.parameters["input_task_id"], job.name

    assert asked_for() == ("picture.png", "", "Red Star")
    assert asked_for(filepath="", image=painted(star)) == ("picture.tga", "", "Painted")
    assert asked_for(filepath="") == ("", "0193aaaa", "Meshy")
    assert settings.meshy.input_task_id == "0193aaaa"


def test_the_price_is_known_before_there_is_a_picture(extension, settings):
    cost = extension.module("scene.request").cost
    scene = bpy.context.scene
    assert cost(scene) is None  # Local
    settings.service = "MESHY"
    usual = cost(scene)
    settings.meshy.texture_prompt, settings.meshy.should_texture = "shiny", False  # the prompt has no effect
    assert usual > cost(scene) > 0
    settings.meshy.should_texture, settings.meshy.texture_resolution = True, "8K"
    assert cost(scene) > usual
    settings.meshy.ai_model = "meshy-99"
    assert cost(scene) is None


@pytest.fixture
def pictures(star, tmp_path):
    """A folder with two pictures, one text that says it is a picture, and one that does not."""
    for name in ("One.png", "Two.PNG"):
        (tmp_path / name).write_bytes(star.read_bytes())
    for name in ("Text.png", "Notes.txt"):
        (tmp_path / name).write_text("this is no picture")
    return tmp_path


def generate_from(folder, *names):
    return bpy.ops.image_to_3d.generate_from_files(directory=str(folder), files=[{"name": name} for name in names])


def test_several_files_become_several_models(settings, pictures, quick_models):
    assert generate_from(pictures, "One.png", "Two.PNG") == {"FINISHED"}
    assert sorted(root.name for root in roots()) == ["One", "Two"]


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("Text.png", "The stand-in takes no text for a picture"),
        ("Notes.txt", "Notes.txt is no picture: choose one of .png"),
        ("Gone.png", "There is no picture at .*Gone.png"),
    ],
)
def test_a_bad_file_is_said_and_stops_no_other(settings, pictures, capfd, bad, sentence, quick_models):
    assert generate_from(pictures, "One.png", bad, "Two.PNG") == {"FINISHED"}
    assert sorted(root.name for root in roots()) == ["One", "Two"]
    said = capfd.readouterr().out
    assert re.search(f"Warning: .*{sentence}", said), said
    with pytest.raises(RuntimeError, match=sentence):
        generate_from(pictures, bad)


def test_without_files_there_is_nothing_to_do(settings, pictures):
    with pytest.raises(RuntimeError, match="There is no picture: choose one or more picture files"):
        bpy.ops.image_to_3d.generate_from_files()
    with pytest.raises(RuntimeError, match="There is no picture: choose one or more picture files"):
        generate_from(pictures, "")
    assert not roots()


def test_a_file_can_be_given_by_its_path_alone(settings, pictures, quick_models):
    bpy.ops.image_to_3d.generate_from_files(filepath=str(pictures / "One.png"))
    assert [root.name for root in roots()] == ["One"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, "There is no picture: choose a picture file"),
        ({"filepath": "/nowhere/fox.png"}, "There is no picture at /nowhere/fox.png"),
        ({"source": "IMAGE"}, "There is no picture: choose an image"),
        ({"source": "URL", "url": "https://example.org/fox.png"}, "turn on Allow Online Access in the preferences"),
    ],
)
def test_what_cannot_start_is_refused_with_what_to_do_and_leaves_no_job(settings, session, change, sentence):
    for name, value in change.items():
        setattr(settings, name, value)
    before = list(session.root().iterdir())
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.image_to_3d.generate()
    assert list(session.root().iterdir()) == before and not roots()


@pytest.mark.parametrize("field", ["filepath", "url"])
@pytest.mark.parametrize("form", [' "{}"\n', "file://{}", "{}"])
def test_a_path_is_taken_however_it_was_pasted_and_wherever(settings, pictures, quick_models, field, form):
    settings.source = {"filepath": "FILE", "url": "URL"}[field]
    setattr(settings, field, form.format(pictures / "One.png"))
    bpy.ops.image_to_3d.generate()
    assert [root.name for root in roots()] == ["One"]


def test_a_script_may_paste_too(settings, pictures, quick_models):
    bpy.ops.image_to_3d.generate(filepath=f"'{pictures / 'One.png'}'")
    bpy.ops.image_to_3d.generate_from_files(filepath=f"file://{pictures / 'Two.PNG'}")
    assert sorted(root.name for root in roots()) == ["One", "Two"]


@pytest.mark.parametrize("name", ["photo", "photo.picture", "photo.jfif"])
def test_a_picture_with_any_name_becomes_a_model_in_every_way(settings, pictures, quick_models, name):
    (pictures / "One.png").rename(pictures / name)
    bpy.ops.image_to_3d.generate(filepath=str(pictures / name))
    assert generate_from(pictures, name) == {"FINISHED"}
    assert [root.name.partition(".")[0] for root in roots()] == ["photo", "photo"]


@pytest.mark.parametrize("name", ["model.glb", "Notes.txt"])
def test_what_is_plainly_no_picture_is_refused_at_once_in_every_way(settings, session, pictures, name):
    (pictures / "model.glb").write_bytes(b"glTF" + bytes(8))
    before = list(session.root().iterdir())
    settings.filepath = str(pictures / name)
    for generate in (
        bpy.ops.image_to_3d.generate,
        lambda: bpy.ops.image_to_3d.generate(filepath=str(pictures / name)),
        lambda: generate_from(pictures, name),
        lambda: bpy.ops.image_to_3d.choose_picture(filepath=str(pictures / name)),
    ):
        with pytest.raises(RuntimeError, match=f"{name} is no picture: choose one of .png"):
            generate()
    assert list(session.root().iterdir()) == before


def test_a_size_that_makes_no_sense_is_refused(settings, star):
    settings.local.scaled_bbox = (1, 0, 1)
    with pytest.raises(RuntimeError, match="The height in scaled_bbox cannot be 0"):
        bpy.ops.image_to_3d.generate(filepath=str(star))


def test_an_unknown_service_is_refused_with_the_known_ones(settings, star):
    with pytest.raises(RuntimeError, match="use one of LOCAL"):
        bpy.ops.image_to_3d.generate(filepath=str(star), service="NOBODY")


def test_a_failed_job_raises_its_sentence_and_stays_in_the_list(settings, session, tmp_path):
    (tmp_path / "text.png").write_text("this is no picture")
    with pytest.raises(RuntimeError) as failure:
        bpy.ops.image_to_3d.generate(filepath=str(tmp_path / "text.png"))
    newest = session.jobs()[0]
    assert newest.name == "text" and newest.state == "failed"
    assert newest.message in str(failure.value) and "Traceback" not in str(failure.value)
    assert not roots()


def test_a_painted_image_is_sent_with_its_paint(extension, tmp_path):
    file = extension.module("scene.images").to_file(painted(None), tmp_path)
    sent = bpy.data.images.load(str(file))
    middle = (32 * 64 + 32) * 4
    assert list(sent.pixels[middle : middle + 4]) == pytest.approx([0, 0.5, 0, 1], abs=0.01)
    assert sent.pixels[3] == 0
