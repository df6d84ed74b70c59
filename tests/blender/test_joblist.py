# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs in the windows: its order, what is selected, what a search finds, and a thousand of them."""

import json
import shutil

import bpy
import pytest
from once import once
from ticking import tick_until


@pytest.fixture
def joblist(extension, no_jobs):
    return extension.module("session").current().joblist


@pytest.fixture
def shown():
    """The list as the panel gets it."""
    return bpy.context.window_manager.image_to_3d


def ids(shown):
    return [item.name for item in shown.items]


def select(shown, job):
    shown.index = ids(shown).index(job.id)


def test_the_newest_job_stands_first_and_is_selected(make_job, session, joblist, shown):
    first, second = make_job(), make_job()
    session.tick()
    assert ids(shown) == [second.id, first.id] and joblist.selected() == second.id
    third = make_job()
    session.tick()
    assert ids(shown) == [third.id, second.id, first.id] and joblist.selected() == third.id


def test_a_new_job_is_selected_when_it_is_asked_for(make_job, session, joblist, shown, settings, star, extension):
    old = make_job()
    session.tick()
    select(shown, old)
    new = extension.module("session.start").start_job(bpy.context.scene, filepath=str(star))
    assert ids(shown) == [new.id, old.id] and joblist.selected() == new.id
    session.cancel(new.id)


def test_the_selection_stays_when_others_change_and_go(make_job, session, joblist, shown):
    first, second, third = make_job(), make_job("failed"), make_job()
    session.tick()
    select(shown, first)
    session.remove(second.id)
    session.tick()
    assert ids(shown) == [third.id, first.id] and joblist.selected() == first.id
    session.remove(third.id)
    session.tick()
    assert ids(shown) == [first.id] and joblist.selected() == first.id


def test_when_the_selected_job_goes_another_is_selected(make_job, session, joblist, shown):
    first, second = make_job(), make_job()
    session.tick()
    session.remove(second.id)
    session.tick()
    assert joblist.selected() == first.id
    session.remove(first.id)
    session.tick()
    assert (ids(shown), joblist.selected()) == ([], "")


def test_jobs_that_were_removed_leave_nothing_on_the_disk(make_job, session):
    jobs = [make_job() for _ in range(3)]
    session.tick()
    for job in jobs[1:]:
        session.remove(job.id)
    tick_until(session, lambda: len(list(session.root().iterdir())) == 1)
    assert [job.id for job in session.jobs()] == [jobs[0].id]


def test_what_another_blender_adds_and_removes_is_seen(make_job, session, joblist, shown):
    first, second = make_job(), make_job()
    session.tick()
    select(shown, first)
    shutil.rmtree(session.folder_of(second.id))
    older = make_job(id="20251231-000000-000000-0000")
    session.tick()
    assert ids(shown) == [first.id, older.id] and joblist.selected() == first.id
    assert session.job(second.id) is None


def test_what_another_blender_changes_is_seen(make_job, session, extension):
    folders = extension.module("jobs.folder")
    job = make_job("ready", note="Old")
    session.tick()
    job.state, job.note = folders.State.IMPORTED, "New"
    folders.write(session.folder_of(job.id), job)
    session.tick()
    assert (session.job(job.id).state, session.job(job.id).note) == ("imported", "New")


def test_the_list_is_there_again_after_another_file_was_opened(make_job, session, joblist):
    first, second = make_job(), make_job()
    session.tick()
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    shown = bpy.context.window_manager.image_to_3d
    assert ids(shown) == [] and joblist.selected() == ""
    session.tick()
    assert ids(shown) == [second.id, first.id] and joblist.selected() == second.id


def test_a_search_finds_all_its_words_in_name_service_and_state(make_job, session, joblist, extension):
    for name, service, state in (
        ("Blue Fox", "meshy", "failed"),
        ("Red Fox", "csm", "imported"),
        ("Blue Owl", "newer", "imported"),
    ):
        make_job(state, name=name, service=service)
    session.tick()  # newest first: owl, red fox, blue fox
    for search, expected in (
        ("fox", [False, True, True]),
        ("  BLUE ", [True, False, True]),
        ("fox blue", [False, False, True]),
        ("csm", [False, True, False]),
        ("imported o", [True, True, False]),
        ("newer", [True, False, False]),
        ("wolf", [False, False, False]),
    ):
        assert joblist.found(search) == expected, search
        flags, order = filtered(extension, search)
        assert [flag != 0 for flag in flags] == expected and not order
    assert filtered(extension, "") == ([], [])  # all, and as they are


def filtered(extension, search):
    """What Blender's own list is told about which jobs to show."""
    shown = bpy.context.window_manager.image_to_3d
    shown.search = search
    cls = extension.module("panels.jobs").IMAGE_TO_3D_UL_jobs
    owner = type("List", (), {"bitflag_filter_item": 1 << 30})()
    return cls.filter_items(owner, bpy.context, shown, "items")


def test_a_search_knows_how_a_job_is_now(make_job, session, joblist, extension):
    folders = extension.module("jobs.folder")
    job = make_job("failed")
    session.tick()
    assert joblist.found("failed") == [True]
    job.state = folders.State.IMPORTED
    folders.write(session.folder_of(job.id), job)
    session.tick()
    assert (joblist.found("failed"), joblist.found("imported")) == ([False], [True])


@pytest.fixture
def thousand(make_job, session):
    """A thousand jobs on the disk, of every state in which a job rests; their ids, newest first."""
    record = json.loads((session.folder_of(make_job().id) / "job.json").read_text())
    states = ("ready", "imported", "failed", "cancelled", "unconfirmed")
    made = [record["id"]]
    for number in range(1, 1000):
        job_id = f"20260101-{number:06}-000000-0000"
        folder = session.root() / job_id
        folder.mkdir()
        (folder / "job.json").write_text(
            json.dumps({**record, "id": job_id, "name": f"Job {number}", "state": states[number % len(states)]})
        )
        made.append(job_id)
    return made[::-1]


def test_a_thousand_jobs_are_read_a_few_at_a_time_and_none_is_missed(thousand, make_job, session, shown, joblist):
    session.queue.step_s = 0.0  # so that each tick reads the one that it has to
    tick_until(session, lambda: ids(shown))
    for count in range(1, 51):
        assert ids(shown) == thousand[:count]
        session.tick()
    select(shown, session.job(thousand[30]))
    newer = make_job(id="20260102-000000-000000-0000")  # meanwhile
    shutil.rmtree(session.folder_of(thousand[10]))
    shutil.rmtree(session.folder_of(thousand[800]))
    tick_until(session, lambda: newer.id in ids(shown))
    assert ids(shown)[0] == newer.id == joblist.selected()
    select(shown, session.job(thousand[30]))
    session.queue.step_s = 60.0
    tick_until(session, lambda: not session.is_behind())
    left = [newer.id, *(job_id for job_id in thousand if job_id not in (thousand[10], thousand[800]))]
    assert ids(shown) == [job.id for job in session.jobs()] == left
    assert joblist.selected() == thousand[30]
    assert [job.name for job in session.jobs()][1:4] == ["Job 999", "Job 998", "Job 997"]
    assert joblist.found("failed").count(True) == sum(job.state == "failed" for job in session.jobs()) > 100


def test_a_job_can_be_used_before_it_was_read(thousand, session):
    session.queue.step_s = 0.0
    tick_until(session, lambda: ids(bpy.context.window_manager.image_to_3d))
    oldest = thousand[-1]
    assert session.job(oldest) is None
    session.remove(oldest)
    session.queue.step_s = 60.0
    tick_until(session, lambda: not session.is_behind())
    assert [job.id for job in session.jobs()] == thousand[:-1]


def test_a_record_that_cannot_be_read_is_a_failed_job_and_hides_no_other(make_job, session, shown):
    good, bad = make_job(), make_job()
    (session.folder_of(bad.id) / "job.json").write_text("{")
    session.tick()
    assert ids(shown) == [bad.id, good.id]
    assert session.job(bad.id).state == "failed" and "cannot be read" in session.job(bad.id).message


def test_the_list_of_a_new_session_has_its_newest_job_selected(make_job, session, shown):
    """The items of the session before are still there."""
    first, second = make_job(), make_job()
    session.tick()
    select(shown, first)
    session.leave()
    session.tick()
    assert ids(shown) == [second.id, first.id] and session.joblist.selected() == second.id


CASTLE = "/castle.blend"


def names(session, shown):
    return [session.job(item.name).name for item in shown.items]


def test_jobs_of_this_file_stand_first_and_the_others_behind_a_toggle(make_job, session, shown, joblist):
    for name, file in (("Owl", CASTLE), ("Fox", ""), ("Whale", CASTLE), ("Horse", "")):
        make_job(name=name, file=file)
    make_job("running", name="Bee", file=CASTLE)  # which may cost
    session.tick()
    assert names(session, shown) == ["Bee", "Horse", "Fox"] and joblist.more == 2
    shown.other_files = True
    session.tick()
    assert names(session, shown) == ["Bee", "Horse", "Fox", "Whale", "Owl"] and joblist.more == 0


def test_a_list_without_jobs_of_this_file_shows_the_others(make_job, session, shown, joblist):
    for name in ("Owl", "Whale"):
        make_job(name=name, file=CASTLE)
    session.tick()
    assert names(session, shown) == ["Whale", "Owl"] and not joblist.has_of_file


def test_jobs_of_a_file_are_known_by_its_path_and_by_its_models(make_job, session, shown, joblist, tmp_path):
    path = str(tmp_path / "scene.blend")
    by_path, by_model, neither = make_job(file=path), make_job(file=CASTLE), make_job(file=CASTLE)
    ours = bpy.data.objects.new("Renamed", None)
    ours["image_to_3d_job"] = by_model.id
    bpy.context.scene.collection.objects.link(ours)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    session.tick()
    shown = bpy.context.window_manager.image_to_3d
    assert ids(shown) == [by_model.id, by_path.id] and joblist.more == 1
    assert not joblist.is_of_file(neither.id)


def test_a_job_stays_with_its_file_when_that_is_saved_for_the_first_time(
    make_job, session, joblist, settings, star, extension, tmp_path
):
    old = make_job()
    new = extension.module("session.start").start_job(bpy.context.scene, filepath=str(star))
    session.cancel(new.id)
    session.tick()
    assert joblist.is_of_file(old.id) and joblist.is_of_file(new.id)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    session.tick()
    assert not joblist.is_of_file(old.id) and joblist.is_of_file(new.id)


def test_a_job_whose_model_comes_into_this_file_is_of_it(model, session, extension):
    """It was made in a file that is no longer open."""
    joblist = session.joblist
    job_id = model["image_to_3d_job"]
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    record = session.folders.read(session.folder_of(job_id))
    record.file = CASTLE
    session.folders.write(session.folder_of(job_id), record)
    session.tick()
    assert not joblist.is_of_file(job_id)
    bpy.ops.image_to_3d.import_result(job=job_id)
    assert joblist.is_of_file(job_id)


def test_the_list_is_sorted_as_it_is_asked_for(make_job, session, shown):
    for name, state in (("Whale", "imported"), ("bee", "failed"), ("Owl", "ready"), ("Fox", "running")):
        make_job(state, name=name, service="newer")
    session.tick()
    select(shown, session.jobs()[2])  # bee
    for sort, expected in (
        ("NAME", ["bee", "Fox", "Owl", "Whale"]),
        ("STATE", ["Fox", "bee", "Owl", "Whale"]),
        ("NEWEST", ["Fox", "Owl", "bee", "Whale"]),
    ):
        shown.sort = sort
        session.tick()
        assert names(session, shown) == expected
        assert session.job(session.joblist.selected()).name == "bee"


def test_only_what_a_search_finds_is_in_the_list_and_the_selection_comes_back(make_job, session, shown, joblist):
    for name, file in (("Red Fox", ""), ("Blue Fox", CASTLE), ("Owl", "")):
        make_job(name=name, file=file)
    session.tick()
    assert joblist.selected() == session.jobs()[0].id
    shown.search = "fox"
    session.tick()
    assert names(session, shown) == ["Red Fox"] and joblist.more == 1
    assert session.job(joblist.selected()).name == "Red Fox"
    shown.search = ""
    session.tick()
    assert names(session, shown) == ["Owl", "Red Fox"] and session.job(joblist.selected()).name == "Owl"


def test_what_is_no_longer_found_leaves_and_what_is_found_now_comes(make_job, session, shown, extension):
    job = make_job("failed")
    other = make_job("imported")
    session.tick()
    shown.search = "imported"
    session.tick()
    assert ids(shown) == [other.id]
    job.state = session.State.IMPORTED
    session.folders.write(session.folder_of(job.id), job)
    session.tick()
    assert ids(shown) == [other.id, job.id]


def test_variants_fold_under_the_first_and_unfold(make_job, session, shown, joblist):
    owl = make_job(name="Owl")
    variants = [make_job(name=f"Fox {number}", group="a1", variant=number) for number in (1, 2, 3)]
    session.tick()
    assert ids(shown) == [variants[0].id, owl.id] and joblist.variants(variants[0].id) == tuple(
        job.id for job in variants
    )
    shown.items[0].is_unfolded = True
    session.tick()
    assert ids(shown) == [*(job.id for job in variants), owl.id]
    select(shown, variants[2])
    shown.items[0].is_unfolded = False
    session.tick()
    assert ids(shown) == [variants[0].id, owl.id] and joblist.selected() == variants[0].id
    session.remove(variants[0].id)
    session.tick()
    assert ids(shown) == [variants[1].id, owl.id] and len(joblist.variants(variants[1].id)) == 2


def test_ten_thousand_steps_end_as_one_does(thousand, session, shown, joblist):
    """However little is done with each look, the list ends up the same."""
    tick_until(session, lambda: not session.is_behind())
    joblist.step_s = 0.0
    shown.sort, shown.search = "NAME", "failed"
    looks = 0
    while not looks or joblist.is_behind:
        joblist.fill()
        looks += 1
    expected = sorted((job for job in session.jobs() if job.state == "failed"), key=lambda job: job.name.casefold())
    assert looks > 10 and names(session, shown) == [job.name for job in expected]


def test_clearing_takes_what_has_ended_out_of_the_list_and_deletes_nothing(make_job, session, shown, joblist):
    cleared = [make_job(state) for state in ("imported", "failed", "cancelled")]
    kept = [make_job(state) for state in ("ready", "unconfirmed")]
    kept.append(make_job("failed", service="meshy", sent="2026-01-01T00:00:00.000Z", task_id="0193"))  # to be fetched
    kept.append(make_job("cancelled", service="meshy", sent="2026-01-01T00:00:00.000Z", task_id="0194", untold=True))
    elsewhere = make_job("imported", file=CASTLE)
    session.tick()
    bpy.ops.image_to_3d.clear_finished()
    assert set(ids(shown)) == {job.id for job in kept} and joblist.more == len(cleared) + 1
    assert all(session.refresh(job.id).is_cleared for job in cleared)
    assert not any(session.refresh(job.id).is_cleared for job in (*kept, elsewhere))
    assert len(session.jobs()) == 8


def test_what_is_tried_again_comes_back(make_job, session, shown, joblist, quick_models):
    job = make_job("failed")
    make_job("ready")
    session.tick()
    bpy.ops.image_to_3d.clear_finished()
    assert job.id not in ids(shown)
    session.queue.retry(job.id)
    session.queue.cancel(job.id)
    session.tick()
    assert job.id in ids(shown) and not session.job(job.id).is_cleared


@once
def test_all_failed_jobs_are_tried_again_and_one_that_cannot_does_not_stop_them(
    session, no_jobs, settings, star, extension
):
    start_job = extension.module("session.start").start_job
    jobs = [start_job(bpy.context.scene, filepath=str(star)) for _ in range(3)]
    for job in jobs:
        record = session.folders.read(session.folder_of(job.id))
        record.state = session.State.FAILED
        session.folders.write(session.folder_of(job.id), record)
        session.refresh(job.id)
    assert session.joblist.failed() == [job.id for job in jobs]
    (session.folder_of(jobs[1].id) / "picture.png").unlink()
    record = session.folders.read(session.folder_of(jobs[1].id))
    record.pictures, record.parameters = {}, {"image_url": "gone.png"}
    session.folders.write(session.folder_of(jobs[1].id), record)
    bpy.ops.image_to_3d.retry_all()
    assert [str(session.refresh(job.id).state) for job in jobs] == ["imported", "failed", "imported"]


def test_of_the_failed_jobs_only_those_are_tried_again_that_were_asked_about(session, make_job, joblist, settings):
    jobs = [make_job("failed"), make_job("failed")]
    tick_until(session, lambda: len(joblist.failed()) == 2)
    asked, other = ((job.id, session.refresh(job.id).updated) for job in jobs)
    bpy.ops.image_to_3d.retry_all(jobs=asked[0])
    assert session.refresh(asked[0]).updated != asked[1]
    assert session.refresh(other[0]).updated == other[1]


def test_a_job_of_another_file_is_shown_when_it_is_selected(make_job, session, shown, joblist):
    other, ours = make_job(file=CASTLE), make_job()
    session.tick()
    bpy.ops.image_to_3d.select_job(job=other.id)
    assert joblist.selected() == other.id and shown.other_files
    bpy.ops.image_to_3d.select_job()
    assert joblist.selected() == ours.id
