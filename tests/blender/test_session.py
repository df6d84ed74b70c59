# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user is told about jobs: how serious it is, what goes on after a restart, and how large a job is."""

import shutil
import sys
import time

import bpy
import pytest
from ticking import listen_until, tick_until

pytestmark = pytest.mark.usefixtures("quick_models")


@pytest.fixture
def start(extension, no_jobs, settings, star):
    """Start a job as the button does with a window: it goes on without us."""
    start_job = extension.module("session.start").start_job
    return lambda path=star: start_job(bpy.context.scene, filepath=str(path))


def test_a_model_that_arrives_is_good_news(session, start):
    start()
    (said,) = listen_until(session, lambda: not session.is_busy())
    assert (
        said.severity == "INFO" and said.sentence.startswith("Red Star is in the scene: ") and said.service == "local"
    )


def test_a_job_that_fails_is_an_error(session, start, tmp_path):
    (tmp_path / "text.png").write_text("this is no picture")
    job = start(tmp_path / "text.png")
    (said,) = listen_until(session, lambda: not session.is_busy())
    assert said[:3] == ("ERROR", f"text: {session.job(job.id).message}", "local")


def cancelled(session, job):
    """All that is said until a job that was cancelled needs nothing more."""

    def is_over():
        known = session.job(job.id)
        return not session.is_busy() and known.state == "cancelled" and not known.untold

    session.cancel(job.id)
    return listen_until(session, is_over)


def test_a_job_that_was_cancelled_is_no_error(session, slow_account, start_web):
    job = start_web("meshy")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    slow_account.set_progress(job_task(session, job), -1)  # Meshy has not begun
    assert [said[:3] for said in cancelled(session, job)] == [("INFO", "Red Star: Cancelled", "meshy")]


def job_task(session, job):
    return session.refresh(job.id).task_id


@pytest.mark.parametrize("service", ["meshy", "csm"])
def test_a_task_that_goes_on_and_may_cost_is_a_warning(session, slow_account, start_web, service):
    job = start_web(service)
    tick_until(session, lambda: session.refresh(job.id).task_id)
    slow_account.set_progress(job_task(session, job), 40)
    (said,) = cancelled(session, job)
    assert said.severity == "WARNING" and "cannot be stopped: it goes on with the task" in said.sentence


def test_a_service_that_could_not_be_told_is_told_by_the_next_blender(session, slow_account, start_web, hurry):
    job = start_web("meshy")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    slow_account.set_progress(job_task(session, job), -1)
    slow_account.play("delete", "status", status=503, times=99)
    session.cancel(job.id)
    said = listen_until(session, lambda: not session.is_busy() and session.job(job.id).state == "cancelled")
    assert {entry.severity for entry in said} == {"WARNING"} and "has not been told yet" in said[0].sentence
    session.end()
    slow_account.play_nothing()
    said = tick_until(session, lambda: session.job(job.id) and not session.job(job.id).untold)
    assert said == ["Red Star: Cancelled"]
    assert (session.job(job.id).task_over, len(slow_account.creates)) == (True, 1)


def test_who_retries_while_the_service_is_told_gets_the_model(session, slow_account, start_web):
    job = start_web("meshy")
    tick_until(session, lambda: session.refresh(job.id).task_id)
    slow_account.set_progress(job_task(session, job), -1)
    slow_account.play("delete", "status", status=503, times=99)
    session.cancel(job.id)
    tick_until(session, lambda: "delete" in [request.step for request in slow_account.requests])
    session.retry(job.id, bpy.context.scene)
    tick_until(session, lambda: session.job(job.id).state == "running")
    slow_account.finish(job_task(session, job))
    tick_until(session, lambda: session.job(job.id).state == "imported")
    assert "Red Star" in bpy.data.objects and len(slow_account.creates) == 1


def test_a_service_that_is_back_is_told_by_the_same_blender(session, make_job, account, monkeypatch):
    """However often it could not be told."""
    session.queue.tell_pauses_s = (0.0,)
    monkeypatch.setenv("MESHY_API_KEY", "msy_wrong")
    job = make_job("cancelled", service="meshy", sent="2026-01-01T00:00:00Z", task_id="0193", untold=True)
    asked = account.requests
    said = listen_until(session, lambda: len(asked) >= 4 and "API key" in session.job(job.id).message)
    assert [entry.severity for entry in said] == ["WARNING"], "said once"
    monkeypatch.setenv("MESHY_API_KEY", account.meshy_key)
    tick_until(session, lambda: not session.job(job.id).untold)


def test_between_two_tries_to_tell_a_service_there_is_a_pause(session, make_job, account):
    account.close()
    job = make_job("cancelled", service="meshy", sent="2026-01-01T00:00:00Z", task_id="0193", untold=True)
    session.tick()
    session.kill(job.id)
    for _ in range(10):
        session.tick()
    assert not session.is_busy() and session.job(job.id).untold


def test_a_cancel_after_two_deaths_is_told_all_the_same(session, slow_account, start_web):
    job = start_web("meshy")
    for _ in range(2):
        tick_until(session, lambda: session.is_running(job.id) and session.refresh(job.id).task_id)
        session.kill(job.id)
    slow_account.set_progress(job_task(session, job), -1)
    session.cancel(job.id)
    tick_until(session, lambda: not session.job(job.id).untold)
    assert session.job(job.id).message == "Cancelled"


def test_what_tells_a_service_takes_no_place_of_a_job(extension, session, make_job, slow_account, start):
    slow_account.play("get", "hang", times=9)
    extension.preferences.jobs_at_once = 1
    make_job("cancelled", service="meshy", sent="2026-01-01T00:00:00Z", task_id="0193", untold=True)
    job = start()
    session.tick()
    assert session.is_running(job.id)


def test_a_job_that_cannot_be_worked_on_is_said_once(session, make_job, account):
    job = make_job("cancelled", service="meshy", sent="2026-01-01T00:00:00Z", task_id="0193", untold=True)
    (session.folder_of(job.id) / "lock").unlink()
    said = [entry for _ in range(5) for entry in session.tick()]
    assert len(said) == 1 and said[0].severity == "ERROR"


def test_a_model_that_another_blender_has_imported_is_said(session, start):
    job = start()
    session.tick()
    session.kill(job.id)
    folder = session.folder_of(job.id)
    record = session.folders.read(folder)
    record.state = session.State.IMPORTED
    session.folders.write(folder, record)
    (said,) = session.tick()
    assert said.sentence == "Red Star was imported by another Blender: import it again from the list of jobs"


def test_removing_what_a_service_may_still_charge_for_asks_first(extension, make_job):
    """And tidying up leaves it."""
    paid = {"service": "meshy", "sent": "2026-01-01T00:00:00.000Z", "task_id": "0193"}
    for fields in ({"untold": True}, {}):
        assert make_job("cancelled", **paid, **fields).has_unfetched_task
    for fields in ({"task_over": True}, {"gone": True}, {"task_id": ""}):
        assert not make_job("cancelled", **{**paid, **fields}).has_unfetched_task


def test_an_unconfirmed_job_can_be_recovered_and_is_a_warning(session, account, hurry, start_web):
    account.play("create", "drop_after", service="csm")
    account.quirk("csm", no_list=True)
    start_web("csm")
    (said,) = listen_until(session, lambda: not session.is_busy())
    assert said.severity == "WARNING" and "adopt its id" in said.sentence


def test_a_result_whose_scene_is_gone_is_a_warning(session, start):
    start()
    bpy.ops.wm.read_homefile(use_empty=True, app_template="")
    (said,) = listen_until(session, lambda: not session.is_busy())
    assert said.severity == "WARNING" and "import it from the list of jobs" in said.sentence


# What a model waits for


@pytest.fixture
def busy(extension):
    return extension.module("session.busy")


def tick_until_ready(session, job):
    return listen_until(session, lambda: session.job(job.id).state == "ready")


def test_nothing_is_in_the_way_of_a_model_in_a_blender_that_rests(busy):
    assert busy.reader() == "" and not busy.is_tool_held() and not busy.has_dead_handler()


@pytest.mark.parametrize("what", ["the render", "the bake", "Blender's task"])
def test_a_model_waits_for_whatever_reads_the_scene_without_a_limit(session, start, busy, monkeypatch, what):
    session.arrivals.hand_full_at_most_s = 0  # which is about tools
    monkeypatch.setattr(busy, "reader", lambda: what)
    job = start()
    assert session.waits_for(job) == ""
    assert tick_until_ready(session, job) == [] and session.tick() == [] and session.tick() == []
    assert session.is_busy() and not bpy.data.objects
    assert session.waits_for(session.job(job.id)) == what
    monkeypatch.setattr(busy, "reader", lambda: "")
    (said,) = listen_until(session, lambda: not session.is_busy())
    assert said.sentence.startswith("Red Star is in the scene: ")
    assert session.waits_for(session.job(job.id)) == ""
    tick_until(session, lambda: not session.is_busy())  # its process may still be ending


def test_a_model_waits_for_the_end_of_a_tool(session, start, busy, monkeypatch):
    monkeypatch.setattr(busy, "is_tool_held", lambda: True)
    job = start()
    assert tick_until_ready(session, job) == [] and session.tick() == []
    assert session.waits_for(session.job(job.id)) == "the tool in use"
    monkeypatch.setattr(busy, "is_tool_held", lambda: False)
    (said,) = listen_until(session, lambda: not session.is_busy())
    assert said.sentence.startswith("Red Star is in the scene: ")


def test_a_model_is_left_to_the_user_where_a_tool_does_not_end(session, start, busy, monkeypatch):
    monkeypatch.setattr(busy, "is_tool_held", lambda: True)
    session.arrivals.hand_full_at_most_s = 0
    job = start()
    (said,) = listen_until(session, lambda: not session.is_busy())
    assert said[:2] == ("WARNING", "Red Star is ready: import it from the list of jobs. A tool is in use")
    assert session.job(job.id).state == "ready" and session.waits_for(session.job(job.id)) == ""
    assert session.tick() == [] and not bpy.data.objects
    bpy.ops.image_to_3d.import_result(job=job.id)
    assert "Red Star" in bpy.data.objects and session.job(job.id).state == "imported"


def test_a_tool_has_its_time_anew_for_each_retry(session, start, busy, monkeypatch):
    monkeypatch.setattr(busy, "is_tool_held", lambda: True)
    session.arrivals.hand_full_at_most_s = 1e-9  # over with the second look
    job = start()
    assert tick_until_ready(session, job) == []
    bpy.ops.image_to_3d.import_result(job=job.id)
    session.retry(job.id, bpy.context.scene)
    assert tick_until_ready(session, job) == []
    assert session.is_busy()


# After a restart


def test_jobs_that_an_earlier_blender_has_left_go_on_and_it_is_said_once(
    session, make_job, extension, sign_in, patient
):
    sign_in(patient)
    make_job("imported")
    jobs = [make_job("waiting", service="csm", parameters={"image_url": "http://127.0.0.1:9/a.png"}) for _ in range(2)]
    (said,) = session.tick()
    assert said[:2] == ("INFO", "2 jobs from before go on")
    assert all(session.is_running(job.id) for job in jobs)
    assert not any("from before" in entry.sentence for entry in session.tick())


def test_a_single_job_goes_on_in_the_singular(session, make_job, extension, sign_in, patient):
    sign_in(patient)
    make_job("waiting", service="csm", parameters={"image_url": "http://127.0.0.1:9/a.png"})
    (said,) = session.tick()
    assert said.sentence == "1 job from before goes on"


def test_jobs_that_wait_for_online_access_say_what_to_do(session, make_job, extension):
    extension.preferences.meshy_key = "msy_1"
    for _ in range(2):
        make_job("running", service="meshy", task_id="0193")
    (said,) = session.tick()
    assert (said.severity, said.sentence) == (
        "WARNING",
        "2 jobs from before wait. Online access is off: turn on Allow Online Access in the preferences, under System",
    )
    assert session.tick() == [] and not session.is_busy()


def test_nothing_is_said_where_nothing_goes_on(session, make_job):
    for state in ("ready", "imported", "failed", "cancelled", "unconfirmed"):
        make_job(state)
    assert session.tick() == []


def test_a_job_that_was_just_asked_for_is_not_one_of_before(session, start):
    start()
    assert session.tick() == []


def test_nothing_is_said_before_all_records_were_read(session, make_job, extension, monkeypatch):
    extension.preferences.meshy_key = "msy_1"
    make_job("running", service="meshy", task_id="0193")
    for _ in range(3):
        make_job()
    session.queue.step_s = 0.0
    said = [session.tick() for _ in range(5)]
    assert [len(entries) for entries in said] == [0, 0, 0, 1, 0]
    assert "1 job from before waits." in said[3][0].sentence


def test_a_job_of_before_that_gets_ready_says_so(session, start):
    job = start()
    session.tick()
    session.end()
    said = listen_until(session, lambda: session.job(job.id) and session.job(job.id).state == "ready")
    assert [entry.severity for entry in said] == ["INFO", "INFO"]
    assert [entry.sentence for entry in said] == [
        "1 job from before goes on",
        "Red Star is ready: import it from the list of jobs",
    ]
    assert not bpy.data.objects
    tick_until(session, lambda: not session.is_busy())
    assert session.tick() == []


# Sizes and pictures


def bytes_in(folder):
    return sum(entry.stat().st_size for entry in folder.iterdir() if entry.is_file())


def test_the_size_of_a_job_is_that_of_its_files(session, make_job):
    job = make_job("imported")
    (session.folder_of(job.id) / "result.blend").write_bytes(bytes(100_000))
    assert session.size_of(job.id) == 0  # not read yet
    session.tick()
    assert session.size_of(job.id) == bytes_in(session.folder_of(job.id)) > 100_000
    session.remove(job.id)
    assert session.size_of(job.id) == 0


def test_the_size_of_a_job_is_known_when_it_has_ended(session, start):
    job = start()
    tick_until(session, lambda: not session.is_busy())
    held = bytes_in(session.folder_of(job.id))
    assert held > 10_000 and session.size_of(job.id) == pytest.approx(held, rel=0.05)


@pytest.mark.parametrize(
    ("state", "service", "source", "shown"),
    [
        ("running", "local", "picture.png", "picture.png"),
        ("failed", "meshy", "picture.jpg", "picture.jpg"),
        ("failed", "meshy", "https://example.org/a.png", ""),
        ("failed", "newer", "picture.png", ""),
        ("ready", "local", "picture.png", "thumbnail.png"),
        ("imported", "meshy", "https://example.org/a.png", "thumbnail.png"),
    ],
)
def test_a_job_is_shown_by_its_model_or_else_by_its_picture(session, make_job, state, service, source, shown):
    job = make_job(state, service=service, parameters={"image_url": source})
    assert session.picture_of(job) == (str(session.folder_of(job.id) / shown) if shown else "")


def test_a_model_that_cannot_be_placed_stays_ready(session, start, make_job):
    """And is tried by hand only."""
    job = make_job("ready")
    (session.folder_of(job.id) / "result.blend").write_bytes(b"BLENDER is what this is not")
    session.tick()
    session.arrivals.expect(job.id, bpy.context.scene)
    (said,) = session.tick()
    assert said.severity == "ERROR" and "retry the job" in said.sentence
    assert session.job(job.id).state == "ready" and not session.is_busy() and session.tick() == []


HOLDS_A_MOMENT = """
import fcntl, sys, time
lock = open(sys.argv[-1] + "/lock", "r+b")
fcntl.flock(lock, fcntl.LOCK_EX)
time.sleep(0.5)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="locks files as Linux and macOS do")
def test_a_model_whose_process_is_just_ending_is_imported_all_the_same(session, make_job, model):
    """It has written that the job is ready, and still holds the job."""
    done = session.folder_of(model["image_to_3d_job"])
    job = make_job("waiting")
    folder = session.folder_of(job.id)
    session.queue.python = [sys.executable, "-IS", "-c", HOLDS_A_MOMENT]
    session.tick()
    until = time.monotonic() + 30
    while not session.folders.is_locked(folder):
        assert time.monotonic() < until
        time.sleep(0.01)
    shutil.copyfile(done / "result.blend", folder / "result.blend")
    record = session.folders.read(folder)
    record.state = session.State.READY
    session.folders.write(folder, record)
    assert bpy.ops.image_to_3d.import_result(job=job.id) == {"FINISHED"}
    assert session.job(job.id).state == "imported"


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script of the shell")
def test_a_thumbnail_that_is_drawn_after_the_model_has_arrived_is_shown(session, start, quick_blender, tmp_path):
    go_on, blender = tmp_path / "go on", tmp_path / "blender"
    blender.write_text(f'#!/bin/sh\nexec "{quick_blender}" --draws-with "{go_on}" "$@"\n')
    blender.chmod(0o755)
    session.configure(lambda config: {**config, "blender": str(blender)})
    job = start()
    tick_until(session, lambda: session.job(job.id).state == "imported")
    picture = session.folder_of(job.id) / "thumbnail.png"
    assert session.queue.is_running(job.id) and not picture.exists()
    assert not session.previews.is_there(session.picture_of(session.job(job.id)))
    updated = session.job(job.id).updated
    go_on.write_text("")
    tick_until(session, lambda: not session.queue.is_running(job.id))
    session.tick()
    assert session.job(job.id).updated > updated  # so that the list is drawn again
    assert session.job(job.id).state == "imported" and picture.exists()
    assert session.previews.is_there(session.picture_of(session.job(job.id)))
