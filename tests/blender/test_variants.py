# SPDX-License-Identifier: GPL-3.0-or-later
"""Several models of one picture: how they are started, paid for once, and one of them kept."""

import dataclasses

import bpy
import pytest
from arriving import finished
from once import once
from ticking import tick_until

pytestmark = pytest.mark.usefixtures("no_jobs", "quick_models")


def roots():
    return sorted((obj for obj in bpy.data.objects if "image_to_3d_job" in obj), key=lambda root: root.name)


@pytest.fixture
def start_jobs(extension, star):
    """Start jobs as the button does with a window: they go on without us."""
    start = extension.module("session.start").start_jobs
    return lambda **options: start(bpy.context.scene, **{"filepath": str(star), **options})


# What is started


def test_as_many_jobs_are_started_as_the_settings_say(settings, start_jobs, session):
    settings.variants = 3
    start_jobs()
    jobs = session.jobs()[::-1]
    assert [job.name for job in jobs] == ["Red Star 1", "Red Star 2", "Red Star 3"]
    assert [job.variant for job in jobs] == [1, 2, 3] and len({job.group for job in jobs}) == 1
    assert [(job.place["row"], job.place["number"]) for job in jobs] == [(jobs[0].group, k) for k in (1, 2, 3)]
    tick_until(session, lambda: not session.is_busy())
    assert [root.name for root in roots()] == ["Red Star 1", "Red Star 2", "Red Star 3"]
    assert {job.picture_sha256 for job in session.jobs()} == {
        jobs[0].picture_sha256 or session.jobs()[0].picture_sha256
    }


def test_one_is_no_variant(settings, start_jobs, session):
    start_jobs()
    (job,) = session.jobs()
    assert (job.name, job.group, job.variant) == ("Red Star", "", 0) and "row" not in job.place


def test_a_row_can_go_on_where_another_picture_ends(settings, start_jobs, session):
    settings.variants = 2
    start_jobs(row="many", number=5)
    assert sorted((job.place["row"], job.place["number"]) for job in session.jobs()) == [("many", 5), ("many", 6)]
    assert session.jobs()[0].group not in ("", "many")


def test_of_a_long_name_the_number_is_left(settings, start_jobs, session, star, tmp_path):
    settings.variants = 2
    path = tmp_path / f"{'Füchse im Schnee ' * 6}.png"
    path.write_bytes(star.read_bytes())
    start_jobs(filepath=str(path))
    names = [job.name for job in session.jobs()[::-1]]
    assert [name[-2:] for name in names] == [" 1", " 2"] and names[0].startswith("Füchse im Schnee Füchse im Schnee F")
    assert max(len(name.encode()) for name in names) <= 63, "what Blender 4.2 to 4.5 cuts names to"


def test_a_painted_image_is_written_once_and_each_has_it_for_its_own(settings, start_jobs, session):
    image = bpy.data.images.new("Painted", 32, 24, alpha=True)
    image.pixels.foreach_set([0.5] * (32 * 24 * 4))
    settings.variants = 3
    start_jobs(filepath="", image=image)
    tick_until(session, lambda: not session.is_busy())
    files = [session.folder_of(job.id) / job.source for job in session.jobs()]
    assert {job.name for job in session.jobs()} == {"Painted 1", "Painted 2", "Painted 3"}
    assert len({file.read_bytes() for file in files}) == 1
    assert len({file.stat().st_ino for file in files}) == 3 and not session.jobs()[0].origins


def test_the_picture_they_share_stays_where_the_first_is_removed_at_once(settings, start_jobs, session):
    image = bpy.data.images.new("Painted", 32, 24, alpha=True)
    image.pixels.foreach_set([0.5] * (32 * 24 * 4))
    settings.variants = 3
    first, *others = start_jobs(filepath="", image=image)
    session.queue.cancel(first.id)
    session.queue.remove(first.id)
    tick_until(session, lambda: not session.is_busy())
    assert [str(session.refresh(job.id).state) for job in others] == ["imported", "imported"]
    assert not session.folder_of(first.id).exists()


@pytest.fixture
def seeded(extension, monkeypatch):
    """Meshy with a seed."""
    services = extension.module("api.services").SERVICES
    about = dataclasses.replace(services["meshy"], seed="target_polycount")
    monkeypatch.setitem(services, "meshy", about)
    return next(entry for entry in about.parameters if entry.name == "target_polycount")


def test_each_has_another_seed_and_the_first_what_the_settings_say(settings, start_jobs, session, seeded, account):
    settings.variants, settings.service = 3, "MESHY"
    settings.meshy.should_remesh, settings.meshy.target_polycount = True, seeded.maximum - 1
    start_jobs()
    assert [job.parameters["target_polycount"] for job in session.jobs()[::-1]] == [
        seeded.maximum - 1,
        seeded.maximum,
        seeded.minimum,
    ]


def test_where_one_of_several_cannot_be_started_the_others_go_on(settings, start_jobs, session, extension, monkeypatch):
    settings.variants = 4
    create, made = session.queue.create, []

    def full(**options):
        if len(made) == 2:
            raise OSError(28, "No space left on device")
        made.append(create(**options))
        return made[-1]

    monkeypatch.setattr(session.queue, "create", full)
    with pytest.raises(extension.module("api.errors").ImageTo3DError, match="2 of 4 jobs are started, the others are"):
        start_jobs()
    tick_until(session, lambda: not session.is_busy())
    assert [root.name for root in roots()] == ["Red Star 1", "Red Star 2"]


def test_a_row_of_more_than_a_thousand_models_can_be_started(settings, start_jobs, session):
    start_jobs(row="many", number=20_000)
    tick_until(session, lambda: not session.is_busy())
    assert [job.state for job in session.jobs()] == ["imported"]


# In the background


def test_a_script_gets_all_of_them(settings, session, star):
    settings.variants = 3
    assert bpy.ops.image_to_3d.generate(filepath=str(star)) == {"FINISHED"}
    assert len(roots()) == 3 and {job.state for job in session.jobs()} == {"imported"}


def test_files_from_a_script_have_as_many_each(settings, session, star):
    settings.variants = 2
    bpy.ops.image_to_3d.generate_from_files(filepath=str(star))
    assert [root.name for root in roots()] == ["Red Star 1", "Red Star 2"]


@once
@pytest.mark.parametrize("number_done", [0, 1, 2, 3])
def test_run_again_a_script_takes_up_all_that_were_left_and_pays_for_none_twice(
    settings, start_jobs, session, account, star, number_done
):
    settings.variants, settings.service = 4, "MESHY"
    jobs = start_jobs()
    for job in jobs[:number_done]:  # what the first run did before it was killed
        while session.goes_on(session.advance(job.id)):
            pass
        session.arrivals.import_result(job.id, bpy.context.scene)
    session.end()
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    settings = bpy.context.scene.image_to_3d
    settings.variants, settings.service = 4, "MESHY"
    bpy.ops.image_to_3d.generate(filepath=str(star))
    assert len(account.creates) == 4 and len(session.jobs()) == 4
    assert [root["image_to_3d_job"] for root in roots()] == [job.id for job in jobs]
    bpy.ops.image_to_3d.generate(filepath=str(star))
    assert len(account.creates) == 8, "all were there, so that this is a new request"


@once
def test_what_is_missing_of_a_group_is_made_for_it(settings, start_jobs, session, account, star):
    settings.variants, settings.service = 3, "MESHY"
    first, second, third = start_jobs()
    session.end()
    bpy.ops.image_to_3d.remove(job=second.id)
    bpy.ops.image_to_3d.generate(filepath=str(star))
    assert len(account.creates) == 3
    assert sorted((job.group, job.variant) for job in session.jobs()) == [(first.group, k) for k in (1, 2, 3)]


def test_where_one_fails_the_others_are_made_and_that_is_said(settings, session, account, star):
    settings.variants, settings.service = 3, "MESHY"
    account.play("create", "status", status=422, message="No.")
    with pytest.raises(RuntimeError, match="1 of 3 models could not be made. Red Star 1: Meshy does not accept"):
        bpy.ops.image_to_3d.generate(filepath=str(star))
    assert [root.name for root in roots()] == ["Red Star 2", "Red Star 3"]


# Keep This One


@pytest.fixture
def three(settings, session, star):
    """Three variants in the file."""
    settings.variants = 3
    bpy.ops.image_to_3d.generate(filepath=str(star))
    return {job.variant: job.id for job in session.jobs()}


def test_the_others_go_with_all_that_came_with_them_and_their_jobs_stay(three, session, tmp_path, capfd):
    cube = bpy.data.objects.new("Mine", bpy.data.meshes.new("Mine"))
    bpy.context.scene.collection.objects.link(cube)
    bpy.ops.image_to_3d.import_result(job=three[3])
    path = str(tmp_path / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert bpy.ops.image_to_3d.keep(job=three[2]) == {"FINISHED"}
    assert [root.name for root in roots()] == ["Red Star 2"]
    assert {obj.name for obj in bpy.data.objects} == {"Red Star 2", "Mine"}
    assert {entry.name for entry in bpy.data.collections} == {"Red Star 2"}
    assert len(bpy.data.meshes) == 2
    assert {job.state for job in session.jobs()} == {"imported"} and len(session.jobs()) == 3
    assert "Red Star 2 is kept, 3 other models are removed" in capfd.readouterr().out
    bpy.ops.image_to_3d.import_result(job=three[1])
    assert len(roots()) == 2


def test_what_somebody_else_uses_stays(three):
    root = next(root for root in roots() if root["image_to_3d_job"] == three[1])
    mesh, collection = root.data, root.users_collection[0]
    for obj in (bpy.data.objects.new("Same Mesh", mesh), bpy.data.objects.new("Guest", None)):
        collection.objects.link(obj)
    bpy.ops.image_to_3d.keep(job=three[2])
    assert set(collection.objects.keys()) == {"Same Mesh", "Guest"} and mesh.users == 1


def root_of(job):
    return next(root for root in roots() if root["image_to_3d_job"] == job)


def test_what_the_user_has_put_below_a_model_stays_where_it_is(three):
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "POINT"))
    own = bpy.data.objects.new("Own", bpy.data.meshes.new("Own"))
    other = root_of(three[1])
    other.users_collection[0].objects.link(lamp)
    bpy.context.scene.collection.objects.link(own)
    lamp.parent, own.parent, own.location = other, other, (1, 2, 3)
    other.location = (4, 0, 0)
    bpy.context.view_layer.update()
    where = own.matrix_world.translation.copy()
    bpy.ops.image_to_3d.keep(job=three[2])
    assert [root.name for root in roots()] == ["Red Star 2"]
    assert {"Lamp", "Own"} <= set(bpy.context.scene.objects.keys())
    bpy.context.view_layer.update()
    assert (own.matrix_world.translation - where).length < 1e-5


def test_the_one_to_keep_stays_where_it_was_parented_to_another(three):
    kept = root_of(three[2])
    kept.parent = root_of(three[1])
    bpy.ops.image_to_3d.keep(job=three[2])
    assert roots() == [kept] and kept.users_scene


def test_what_an_instance_shows_stays(three):
    other = root_of(three[1])
    (collection,) = other.users_collection
    bpy.context.scene.collection.children.unlink(collection)
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", collection
    bpy.context.scene.collection.objects.link(instance)
    bpy.ops.image_to_3d.keep(job=three[2])
    assert instance.instance_collection == collection and collection.objects[:] == [other]
    assert len(roots()) == 2


def test_a_material_of_the_users_and_what_was_painted_stay(three, session, make_job):
    finished(session, make_job, name="Kept", group="foxes", variant=1)
    fox = finished(session, make_job, name="Fox", group="foxes", variant=2)
    tick_until(session, lambda: len(session.jobs()) == 5)
    for job in session.jobs():
        if job.group == "foxes":
            bpy.ops.image_to_3d.import_result(job=job.id)
    mesh = root_of(fox.id).data
    came, own, image = mesh.materials[0].name, bpy.data.materials.new("Own"), bpy.data.images.new("Painted", 8, 8)
    own.use_nodes = True
    own.node_tree.nodes.new("ShaderNodeTexImage").image = image
    image.pixels.foreach_set([0.5] * 256)
    image.update()
    mesh.materials.append(own)
    assert image.is_dirty
    bpy.ops.image_to_3d.keep(job=next(job.id for job in session.jobs() if job.name == "Kept"))
    assert own.name in bpy.data.materials and image.name in bpy.data.images
    assert came not in bpy.data.materials


def test_a_collection_of_the_users_stays_where_the_model_was_moved_there(three):
    own = bpy.data.collections.new("Stars")
    bpy.context.scene.collection.children.link(own)
    root = next(root for root in roots() if root["image_to_3d_job"] == three[1])
    for collection in root.users_collection:
        collection.objects.unlink(root)
    own.objects.link(root)
    bpy.ops.image_to_3d.keep(job=three[2])
    assert "Stars" in bpy.data.collections and not own.objects


def test_one_that_is_edited_is_left_first(three):
    root = next(root for root in roots() if root["image_to_3d_job"] == three[1])
    bpy.context.view_layer.objects.active = root
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.image_to_3d.keep(job=three[2])
    assert len(roots()) == 1 and bpy.context.mode == "OBJECT"


def test_what_is_still_to_come_does_not_come_any_more(extension, settings, start_jobs, session, capfd):
    extension.preferences.jobs_at_once = 1  # one after the other
    settings.variants = 3
    first, second, third = start_jobs()
    tick_until(session, lambda: session.refresh(first.id).state == "imported")
    assert {second.id, third.id} == set(session.expected())
    bpy.ops.image_to_3d.keep(job=first.id)
    said = "Red Star 1 is kept. 2 variants have not arrived yet, and will not enter the scene by"
    assert said in capfd.readouterr().out
    tick_until(session, lambda: not session.is_busy())
    assert [root.name for root in roots()] == ["Red Star 1"]
    assert {session.refresh(job.id).state for job in (second, third)} == {"ready"}


@once
@pytest.mark.parametrize("case", ["nothing", "not here", "no variant"])
def test_where_there_is_nothing_to_remove_that_is_said(three, session, make_job, capfd, case):
    if case == "nothing":
        bpy.ops.image_to_3d.keep(job=three[2])
        assert bpy.ops.image_to_3d.keep(job=three[2]) == {"CANCELLED"}
        assert "There is nothing to remove: no other variant of Red Star 2 is in this file" in capfd.readouterr().out
        return
    if case == "not here":
        bpy.ops.wm.read_homefile(use_empty=True, app_template="")
        with pytest.raises(RuntimeError, match="Red Star 2 is not in this file: import it first"):
            bpy.ops.image_to_3d.keep(job=three[2])
        return
    with pytest.raises(RuntimeError, match="there are no other variants of it"):
        bpy.ops.image_to_3d.keep(job=make_job().id)
    assert len(roots()) == 3
