# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators for jobs, what a timer's tick does, and jobs that an earlier Blender has left."""

import shutil

import bpy
import pytest
from once import once
from ticking import tick_until

pytestmark = pytest.mark.usefixtures("no_jobs", "quick_models")


@pytest.fixture
def start(extension, star):
    """Start a job as the button does with a window: it goes on without us."""
    return lambda: extension.module("session.start").start_job(bpy.context.scene, filepath=str(star))


def test_a_result_arrives_by_itself_in_the_scene_it_was_asked_for(settings, start, session):
    asked = bpy.context.scene
    job = start()
    bpy.context.window.scene = other = bpy.data.scenes.new("Other")
    said = tick_until(session, lambda: not session.is_busy())
    assert asked.collection.children.get("Red Star") and not other.collection.children
    assert said == [f"Red Star is in the scene: {session.jobs()[0].note}"]
    assert session.jobs()[0].id == job.id and session.jobs()[0].state == "imported"


def test_a_result_whose_scene_is_gone_waits_to_be_imported(settings, start, session):
    job = start()
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    said = tick_until(session, lambda: not session.is_busy())
    assert "its scene is not open" in said[0] and not bpy.data.objects
    bpy.context.scene.cursor.location = (0, 5, 0)
    assert bpy.ops.image_to_3d.import_result(job=job.id) == {"FINISHED"}
    assert list(bpy.data.objects["Red Star"].location) == [0, 5, 0]
    bpy.ops.image_to_3d.import_result(job=job.id)
    assert "Red Star.001" in bpy.data.objects


def test_a_running_job_can_be_cancelled_tried_again_and_removed(extension, settings, start, session):
    JobError = extension.module("api.errors").JobError
    job = start()
    session.tick()
    session.cancel(job.id)
    tick_until(session, lambda: session.jobs()[0].state == "cancelled" and not session.is_busy())
    with pytest.raises(RuntimeError, match="has no model yet"):
        bpy.ops.image_to_3d.import_result(job=job.id)
    session.retry(job.id, bpy.context.scene)
    with pytest.raises(JobError, match="only a job that has ended"):
        session.retry(job.id, bpy.context.scene)
    tick_until(session, lambda: session.jobs()[0].state == "imported")
    tick_until(session, lambda: not session.is_running(job.id))
    bpy.ops.image_to_3d.remove(job=job.id)
    assert job.id not in [job.id for job in session.jobs()] and not session.folder_of(job.id).exists()
    assert "Red Star" in bpy.data.objects


OF_A_JOB = (
    "import_result",
    "cancel",
    "retry",
    "adopt",
    "send_again",
    "forget",
    "use_settings",
    "open_folder",
    "copy_task_id",
    "remove",
)
"""The operators that are about one job."""


@pytest.mark.parametrize("job", ["..", "../../etc", ".new-1", "20260101-000000-000000"])
@pytest.mark.parametrize("operator", OF_A_JOB)
def test_an_id_that_is_none_is_refused(session, make_job, operator, job):
    kept = make_job()
    session.tick()
    arguments = {"task_id": "0193"} if operator == "adopt" else {}
    with pytest.raises(RuntimeError, match="There is no job"):
        getattr(bpy.ops.image_to_3d, operator)(job=job, **arguments)
    assert session.folder_of(kept.id).exists()


@pytest.mark.parametrize("operator", OF_A_JOB)
def test_without_jobs_the_operators_say_so(session, operator):
    session.tick()
    with pytest.raises(RuntimeError, match="There are no jobs yet"):
        getattr(bpy.ops.image_to_3d, operator)()


def test_without_an_id_the_selected_job_is_meant(session, make_job):
    older, newer = make_job("failed"), make_job("waiting")
    session.tick()
    shown = bpy.context.window_manager.image_to_3d
    assert bpy.ops.image_to_3d.cancel() == {"FINISHED"}
    assert [session.job(job.id).state for job in (older, newer)] == ["failed", "cancelled"]
    shown.index = 1
    assert bpy.ops.image_to_3d.remove() == {"FINISHED"}
    assert [job.id for job in session.jobs()] == [newer.id]


def test_where_none_is_selected_the_operators_say_so(session, make_job):
    make_job()
    session.tick()
    bpy.context.window_manager.image_to_3d.index = -1
    with pytest.raises(RuntimeError, match="No job is selected: select one"):
        bpy.ops.image_to_3d.cancel()


def test_the_id_of_a_task_can_be_copied_where_there_is_one(session, make_job, capfd):
    with_task, without = make_job("running", service="csm", task_id="SESSION_12"), make_job("failed")
    assert bpy.ops.image_to_3d.copy_task_id(job=with_task.id) == {"FINISHED"}
    assert "Copied SESSION_12" in capfd.readouterr().out
    with pytest.raises(RuntimeError, match="Red Star has no task at a service yet"):
        bpy.ops.image_to_3d.copy_task_id(job=without.id)


def test_more_jobs_than_may_run_at_once_wait_for_their_turn(extension, settings, start, session):
    extension.preferences.jobs_at_once = 1
    try:
        ids = {start().id for _ in range(2)}
        session.tick()
        states = sorted(
            job.state == "waiting" for job in session.jobs() if job.id in ids and not session.is_running(job.id)
        )
        assert states == [True]
        tick_until(session, lambda: not session.is_busy())
        assert {job.state for job in session.jobs() if job.id in ids} == {"imported"}
    finally:
        extension.preferences.jobs_at_once = 5


def test_a_job_of_an_earlier_blender_is_finished_and_waits(settings, start, session):
    job = start()
    session.tick()
    session.leave()  # what the end of Blender does: the process sees the end of its standard input
    session.tick()  # the next start
    # As long as its process lives, the job is in its hands.
    tick_until(session, lambda: session.refresh(job.id).state == "ready" and not session.is_busy())
    assert not bpy.data.objects
    bpy.ops.image_to_3d.import_result(job=job.id)
    assert "Red Star" in bpy.data.objects


def test_a_process_that_keeps_dying_is_given_up_with_a_sentence(settings, start, session):
    job = start()
    for _ in range(2):
        tick_until(session, lambda: session.is_running(job.id))
        session.kill(job.id)
    said = tick_until(session, lambda: session.jobs()[0].state == "failed")
    assert "stopped unexpectedly, twice" in said[-1] and not session.is_busy()


def test_a_job_of_a_later_version_is_left_alone_and_stops_nothing(settings, start, session):
    later = start()
    record = session.folder_of(later.id) / "job.json"
    record.write_text(record.read_text().replace('"service": "local"', '"service": "newer"'))
    job = start()
    tick_until(session, lambda: session.refresh(job.id).state == "imported")
    assert session.refresh(later.id).state == "waiting"
    session.cancel(later.id)


def test_a_job_that_another_blender_has_removed_is_not_waited_for(start, session):
    shutil.rmtree(session.folder_of(start().id))
    session.tick()
    assert not session.is_busy()


@once
@pytest.mark.parametrize("state", ["imported", "failed"])
def test_cancel_of_what_has_ended_says_so_and_changes_nothing(make_job, session, capfd, state):
    job = make_job(state)
    assert bpy.ops.image_to_3d.cancel(job=job.id) == {"FINISHED"}
    assert f"There is nothing to cancel: Red Star is {state}" in capfd.readouterr().out
    assert session.refresh(job.id).state == state


@once
def test_in_the_background_too_there_are_no_jobs_yet(no_jobs, session):
    """Nobody has looked there: the disk is asked."""
    session.end()
    for name in ("cancel", "tidy_up", "retry_all", "select_job"):
        with pytest.raises(RuntimeError, match="There are no jobs yet"):
            getattr(bpy.ops.image_to_3d, name)()
