# SPDX-License-Identifier: GPL-3.0-or-later
"""Use Settings: the next model is called as the first was, and its picture is there as long as it can be."""

import shutil

import bpy
import pytest
from drawing import star_png
from once import once

pytestmark = pytest.mark.usefixtures("no_jobs", "quick_models")


@pytest.fixture
def chosen():
    return bpy.context.scene.image_to_3d


@pytest.fixture
def fox(tmp_path):
    path = tmp_path / "Fox.v2.png"
    path.write_bytes(star_png(96))
    return path


@pytest.fixture
def again(session, chosen):
    """Generate with some options; then Use Settings, and Generate once more. Return both jobs."""

    def again(*, between=lambda: None, **options):
        bpy.ops.image_to_3d.generate(**options)
        first = session.jobs()[0]
        between()
        assert bpy.ops.image_to_3d.use_settings(job=first.id) == {"FINISHED"}
        chosen.variants = 1
        bpy.ops.image_to_3d.generate()
        return first, session.jobs()[0]

    return again


def bytes_of(session, job):
    return (session.folder_of(job.id) / job.source).read_bytes()


def test_a_picture_that_is_still_there_is_used_where_it_is(session, chosen, fox, again):
    first, second = again(filepath=str(fox))
    assert (chosen.source, chosen.filepath) == ("FILE", str(fox))
    assert first.name == second.name == "Fox.v2" and first.id != second.id


@once
@pytest.mark.parametrize("saved", [False, True])
def test_one_that_is_gone_is_an_image_that_outlives_the_job(session, chosen, fox, again, tmp_path, saved):
    content = fox.read_bytes()
    first, second = again(filepath=str(fox), between=fox.unlink)
    assert chosen.source == "IMAGE" and chosen.image.packed_file
    assert first.name == second.name == "Fox.v2" and bytes_of(session, second) == content
    root = str(session.root())
    for job in (first, second):
        bpy.ops.image_to_3d.remove(job=job.id)
    assert root not in chosen.image.filepath_raw and root not in chosen.image.packed_files[0].filepath
    if saved:
        path = str(tmp_path / "saved.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path)
        bpy.ops.wm.open_mainfile(filepath=path)
    bpy.ops.image_to_3d.generate()
    (third,) = session.jobs()
    assert third.name == "Fox.v2" and bytes_of(session, third) == content


def test_used_twice_it_is_one_image(session, chosen, fox, again):
    first, _ = again(filepath=str(fox), between=fox.unlink)
    before = len(bpy.data.images)
    bpy.ops.image_to_3d.use_settings(job=first.id)
    assert len(bpy.data.images) == before


def test_an_image_that_is_only_called_so_is_not_taken_for_the_file(session, chosen, fox, again):
    content = fox.read_bytes()
    bpy.data.images.new("Fox.v2.png", 4, 4)
    first, second = again(filepath=str(fox), between=fox.unlink)
    assert second.name == "Fox.v2" and bytes_of(session, second) == content


@pytest.mark.parametrize("kind", ["painted", "of a file", "packed"])
def test_what_was_an_image_is_that_image(session, chosen, fox, again, kind):
    if kind == "painted":
        image = bpy.data.images.new("Idea", 16, 16)
    else:
        image = bpy.data.images.load(str(fox))
        image.name = "Idea"
        if kind == "packed":
            image.pack()
    first, second = again(image="Idea")
    assert (chosen.source, chosen.image) == ("IMAGE", image)
    assert first.name == second.name == "Idea"


@pytest.mark.parametrize("from_file", [False, True])
def test_an_image_that_is_gone_is_made_of_the_jobs_picture(session, chosen, fox, again, from_file):
    image = bpy.data.images.load(str(fox)) if from_file else bpy.data.images.new("Idea", 16, 16)
    image.name = "Idea"
    first, second = again(image="Idea", between=lambda: bpy.data.images.remove(bpy.data.images["Idea"]))
    assert chosen.image.packed_file and first.name == second.name == "Idea"


@once
@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("source", ["file", "image"])
def test_of_a_variant_the_number_is_left_out(session, chosen, fox, again, source, is_there):
    chosen.variants = 2
    image = bpy.data.images.load(str(fox))
    image.name = "Idea"
    gone = fox.unlink if source == "file" else lambda: bpy.data.images.remove(image)
    options = {"filepath": str(fox)} if source == "file" else {"image": "Idea"}
    first, second = again(**options, between=(lambda: None) if is_there else gone)
    name = "Fox.v2" if source == "file" else "Idea"
    assert (first.name, second.name) == (f"{name} 2", name)


def test_how_many_variants_are_made_stays(session, chosen, fox):
    chosen.variants = 2
    bpy.ops.image_to_3d.generate(filepath=str(fox))
    chosen.variants = 5
    bpy.ops.image_to_3d.use_settings(job=session.jobs()[0].id)
    assert chosen.variants == 5


def test_further_pictures_are_the_users_own_files_too(session, chosen, fox, account):
    back = fox.with_name("Back.png")
    shutil.copy(fox, back)
    chosen.service, chosen.meshy.texture_image_url = "MESHY", str(back)
    bpy.ops.image_to_3d.generate(filepath=str(fox))
    chosen.meshy.texture_image_url = ""
    bpy.ops.image_to_3d.use_settings(job=session.jobs()[0].id)
    assert chosen.meshy.texture_image_url == str(back)


def test_a_record_that_names_a_file_that_is_no_picture_leads_to_nothing(session, chosen, fox, tmp_path):
    private = tmp_path / "Fox.v2"
    private.write_text("secret")
    bpy.ops.image_to_3d.generate(filepath=str(fox))
    (job,) = session.jobs()
    record = session.folders.read(session.folder_of(job.id))
    record.origins = {"image_url": str(private)}
    session.folders.write(session.folder_of(job.id), record)
    bpy.ops.image_to_3d.use_settings(job=job.id)
    assert chosen.filepath != str(private) and chosen.source == "IMAGE"
