# SPDX-License-Identifier: GPL-3.0-or-later
"""Without windows nothing goes on by itself: the operators do their work before they return, take up what was left, and
pay once."""

import os
import re
import signal
import threading
import time

import bpy
import addon_utils
import pytest
from once import once
from ticking import tick_until

pytestmark = pytest.mark.usefixtures("quick_models")

PATIENCE_S = 30  # against a hang; nothing is measured with it


def roots():
    return [obj for obj in bpy.data.objects if "image_to_3d_job" in obj]


def tasks():
    return sorted(root["image_to_3d_task"] for root in roots())


@pytest.fixture
def leave(session, slow_account, start_web):
    """Leave a job as a Blender does that ends while the service works on it; return its id."""

    def leave(service="meshy", finished=True, **options):
        job = start_web(service, **options)
        tick_until(session, lambda: session.refresh(job.id).task_id)
        session.end()
        if finished:
            slow_account.finish(slow_account.creates[-1].id)
        return job.id

    return leave


def change(session, job_id, **fields):
    """What else may stand in the record."""
    folder = session.folder_of(job_id)
    job = session.folders.read(folder)
    for name, value in fields.items():
        setattr(job, name, value)
    session.folders.write(folder, job)


# Never paid twice


@pytest.mark.parametrize("service", ["meshy", "csm"])
def test_a_script_that_is_run_again_takes_up_what_it_has_paid_for(leave, session, slow_account, star, capfd, service):
    job = leave(service)
    assert bpy.ops.image_to_3d.generate(filepath=str(star), service=service.upper()) == {"FINISHED"}
    assert tasks() == [slow_account.creates[0].id] and len(slow_account.creates) == 1
    assert "as it asked for the same. Nothing is paid again" in capfd.readouterr().out
    assert [job.id for job in session.jobs()] == [job] and session.job(job).state == "imported"


def test_a_model_that_was_never_imported_is_taken(leave, session, slow_account, star):
    job = leave()
    tick_until(session, lambda: session.job(job) and session.job(job).state == "ready" and not session.is_busy())
    session.end()
    bpy.context.scene.cursor.location = (1, 2, 3)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert len(slow_account.creates) == 1
    assert list(roots()[0].location) == [1, 2, 3], "where it is asked for now"


@once
def test_what_was_never_sent_is_sent_once(session, slow_account, start_web, star):
    start_web("meshy")
    session.end()
    slow_account.play("create", "slow", seconds=0.1)
    finish_soon(slow_account)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert len(slow_account.creates) == 1 and len(session.jobs()) == 1


def finish_soon(stand_in):
    """Let the next task finish as soon as it is made."""
    made = len(stand_in.creates)

    def finish():
        until = time.monotonic() + PATIENCE_S
        while len(stand_in.creates) == made and time.monotonic() < until:
            time.sleep(0.02)
        stand_in.finish(stand_in.creates[made].id)

    threading.Thread(target=finish, daemon=True).start()


@once
@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_task_that_was_paid_for_and_not_fetched_is_fetched(leave, session, slow_account, star, state):
    job = leave()
    change(session, job, state=session.State(state))
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert tasks() == [slow_account.creates[0].id] and len(slow_account.creates) == 1


@once
def test_a_paid_model_that_cannot_be_used_has_a_way_out(leave, session, slow_account, star):
    job = leave()
    slow_account.play("download", "garbage", times=99)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=f"is kept as .* remove the job {job}"):
            bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert len(slow_account.creates) == 1
    bpy.ops.image_to_3d.remove(job=job)
    slow_account.play_nothing()
    finish_soon(slow_account)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert len(slow_account.creates) == 2


@once
def test_what_the_service_has_forgotten_is_paid_again_and_not_said_to_be_free(
    leave, session, slow_account, star, capfd
):
    job = leave()
    slow_account.forget(slow_account.creates[0].id)
    change(session, job, state=session.State.FAILED, gone=True)
    finish_soon(slow_account)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert len(slow_account.creates) == 2
    output = capfd.readouterr().out
    assert "goes on, as it asked for the same" in output and "Nothing is paid again" not in output


def test_a_ready_model_that_cannot_be_read_is_made_anew_of_its_glb(leave, session, slow_account, star):
    job = leave()
    tick_until(session, lambda: session.job(job) and session.job(job).state == "ready" and not session.is_busy())
    session.end()
    (session.folder_of(job) / "result.blend").write_bytes(b"damaged")
    assert bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY") == {"FINISHED"}
    assert tasks() == [slow_account.creates[0].id] and len(slow_account.creates) == 1


@once
def test_a_record_that_is_not_ours_stops_no_other(make_job, account, star):
    make_job("running", service="meshy", sent="2026-01-01T00:00:00Z", task_id="0193", parameters=None)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert len(account.creates) == 1


@once
def test_a_job_that_was_being_cancelled_is_wanted_after_all(leave, session, slow_account, star):
    job = leave()
    (session.folder_of(job) / "cancel").touch()
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert tasks() == [slow_account.creates[0].id] and len(slow_account.creates) == 1


@once
def test_an_unconfirmed_job_is_looked_for_and_never_sent_again(session, account, star, hurry):
    account.play("create", "drop_after")
    account.quirk("meshy", no_list=True)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="adopt its id"):
            bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert len(account.creates) == 1
    account.quirk("meshy", no_list=False)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert tasks() == [account.creates[0].id] and len(account.creates) == 1


@pytest.fixture
def other(star, tmp_path):
    """Another picture, which is called the same."""
    from drawing import star_png

    path = tmp_path / star.name
    path.write_bytes(star_png(97))
    return path


@once
def test_what_is_not_the_same_is_asked_for_anew(leave, session, settings, slow_account, star, other, sign_in):
    leave()
    finish_soon(slow_account)
    bpy.ops.image_to_3d.generate(filepath=str(other), service="MESHY")
    assert len(slow_account.creates) == 2
    settings.meshy.texture_prompt = "shiny"
    finish_soon(slow_account)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert len(slow_account.creates) == 3
    settings.meshy.texture_prompt = ""
    finish_soon(slow_account)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="CSM")
    assert [create.service for create in slow_account.creates] == ["meshy", "meshy", "meshy", "csm"]


@once
def test_what_was_imported_is_asked_for_anew(session, account, star):
    for _ in range(2):
        bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert len(account.creates) == 2 and len(roots()) == 2


@once
def test_the_same_picture_under_another_name_is_the_same(leave, slow_account, star, tmp_path):
    leave()
    copy = tmp_path / "Copy.png"
    copy.write_bytes(star.read_bytes())
    bpy.ops.image_to_3d.generate(filepath=str(copy), service="MESHY")
    assert len(slow_account.creates) == 1


@once
def test_a_second_picture_counts_too(leave, settings, slow_account, star, other):
    settings.meshy.texture_image_url = str(star)
    leave()
    settings.meshy.texture_image_url = str(other)
    finish_soon(slow_account)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert len(slow_account.creates) == 2
    settings.meshy.texture_image_url = str(star)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert tasks() == sorted(create.id for create in slow_account.creates) and len(slow_account.creates) == 2


def test_several_files_take_up_what_was_left(leave, slow_account, star):
    leave()
    bpy.context.scene.image_to_3d.service = "MESHY"
    bpy.ops.image_to_3d.generate_from_files(filepath=str(star))
    assert tasks() == [slow_account.creates[0].id] and len(slow_account.creates) == 1


# The operators about a job


def test_retry_takes_up_what_was_interrupted(leave, slow_account):
    job = leave()
    assert bpy.ops.image_to_3d.retry(job=job) == {"FINISHED"}
    assert tasks() == [slow_account.creates[0].id] and len(slow_account.creates) == 1


def test_import_takes_up_what_was_interrupted(leave, slow_account):
    job = leave()
    assert bpy.ops.image_to_3d.import_result(job=job) == {"FINISHED"}
    assert tasks() == [slow_account.creates[0].id] and len(slow_account.creates) == 1


def test_retry_of_an_imported_job_brings_its_model_again(session, account, star):
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    (job,) = session.jobs()
    assert bpy.ops.image_to_3d.retry(job=job.id) == {"FINISHED"}
    assert session.refresh(job.id).state == "imported" and len(roots()) == 2 and len(account.creates) == 1


@once
def test_retry_that_fails_raises_its_sentence(session, settings, tmp_path):
    (tmp_path / "text.png").write_text("this is no picture")
    with pytest.raises(RuntimeError):
        bpy.ops.image_to_3d.generate(filepath=str(tmp_path / "text.png"))
    with pytest.raises(RuntimeError, match="The stand-in takes no text for a picture"):
        bpy.ops.image_to_3d.retry(job=session.jobs()[0].id)


def test_a_job_that_must_wait_for_the_user_says_so_at_once(leave, slow_account, session, star, monkeypatch):
    job = leave()
    monkeypatch.setenv("MESHY_API_URL", "https://api.example.org")
    for again in (
        lambda: bpy.ops.image_to_3d.retry(job=job),
        lambda: bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY"),
    ):
        with pytest.raises(RuntimeError, match="turn on Allow Online Access"):
            again()
    assert session.refresh(job).task_id == slow_account.creates[0].id


def lost(account, session, star):
    account.play("create", "drop_after")
    account.quirk("meshy", no_list=True)
    with pytest.raises(RuntimeError, match="adopt its id"):
        bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    return session.jobs()[0].id


def test_adopt_brings_the_model(session, account, star, hurry):
    job = lost(account, session, star)
    assert bpy.ops.image_to_3d.adopt(job=job, task_id=account.creates[0].id) == {"FINISHED"}
    assert tasks() == [account.creates[0].id] and len(account.creates) == 1


@once
def test_send_again_brings_the_model(session, account, star, hurry):
    job = lost(account, session, star)
    assert bpy.ops.image_to_3d.send_again(job=job) == {"FINISHED"}
    assert tasks() == [account.creates[1].id] and len(account.creates) == 2


@pytest.mark.parametrize(
    ("percent", "words"), [(-1, "Info: Red Star: Cancelled\n"), (40, "Warning: Red Star: .* cannot be stopped")]
)
def test_cancel_tells_the_service_before_it_returns(leave, session, slow_account, capfd, percent, words):
    job = leave(finished=False)
    slow_account.set_progress(slow_account.creates[0].id, percent)
    assert bpy.ops.image_to_3d.cancel(job=job) == {"FINISHED"}
    assert [request.step for request in slow_account.requests].count("delete") == 1
    assert re.search(words, capfd.readouterr().out)
    assert session.job(job).state == "cancelled" and session.job(job).task_over == (percent < 0)


@once
def test_cancel_returns_although_the_service_cannot_be_told(leave, session, slow_account, hurry, capfd):
    job = leave(finished=False)
    slow_account.play("get", "status", status=503, times=99)
    slow_account.play("stream", "status", status=503, times=99)
    assert bpy.ops.image_to_3d.cancel(job=job) == {"FINISHED"}
    assert "Warning: Red Star: Cancelled here. Meshy has not been told yet" in capfd.readouterr().out
    slow_account.play_nothing()
    slow_account.set_progress(slow_account.creates[0].id, -1)
    assert bpy.ops.image_to_3d.cancel(job=job) == {"FINISHED"}  # and so it is told again
    assert session.job(job).message == "Cancelled"


def test_cancel_returns_offline(leave, session, monkeypatch, capfd):
    job = leave(finished=False)
    monkeypatch.setenv("MESHY_API_URL", "https://api.example.org")
    assert bpy.ops.image_to_3d.cancel(job=job) == {"FINISHED"}
    assert "has not been told yet" in capfd.readouterr().out and session.job(job).untold


def test_a_second_job_is_known_after_the_first_was_removed(session, make_job):
    first, second = make_job("imported"), make_job("waiting")
    bpy.ops.image_to_3d.remove(job=first.id)
    assert bpy.ops.image_to_3d.cancel(job=second.id) == {"FINISHED"}
    assert bpy.ops.image_to_3d.tidy_up(days=0) == {"FINISHED"}


def test_remove_and_tidy_up_delete_before_they_return(session, make_job):
    jobs = [make_job("imported", updated="2026-01-01T00:00:00Z") for _ in range(3)]
    assert bpy.ops.image_to_3d.remove(job=jobs[0].id) == {"FINISHED"}
    assert len(list(session.root().iterdir())) == 2
    assert bpy.ops.image_to_3d.tidy_up(days=0) == {"FINISHED"}
    assert list(session.root().iterdir()) == []


# Ctrl+C


def interrupt_when(condition):
    """Press Ctrl+C as soon as something is so."""

    def wait():
        until = time.monotonic() + PATIENCE_S
        while not condition() and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=wait, daemon=True).start()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C cannot be pressed for one process there")
def test_ctrl_c_reaches_the_script_and_no_other_picture_is_paid(session, slow_account, star, other):
    interrupt_when(lambda: slow_account.creates and session.jobs() and session.jobs()[0].task_id)
    reached = []
    with pytest.raises(KeyboardInterrupt):
        for path in (star, other, star):
            try:
                reached.append(path)
                bpy.ops.image_to_3d.generate(filepath=str(path), service="MESHY")
            except RuntimeError:  # as careful scripts have it, so that one picture does not stop the others
                pass
    assert reached == [star] and len(slow_account.creates) == 1
    (job,) = session.jobs()
    assert session.refresh(job.id).state == "running" and not session.is_running(job.id)
    slow_account.finish(slow_account.creates[0].id)
    bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert tasks() == [slow_account.creates[0].id] and len(slow_account.creates) == 1


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C cannot be pressed for one process there")
def test_ctrl_c_before_anything_is_sent_leaves_nothing_to_be_paid(session, slow_account, star, monkeypatch):
    create = session.queue.create

    def create_and_press(*arguments, **options):
        os.kill(os.getpid(), signal.SIGINT)
        return create(*arguments, **options)

    monkeypatch.setattr(session.queue, "create", create_and_press)
    with pytest.raises(KeyboardInterrupt):
        bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    (job,) = session.jobs()
    assert job.state == "cancelled" and not slow_account.requests
    session.end()
    for _ in range(3):
        assert session.tick() == []
    assert not slow_account.requests


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C cannot be pressed for one process there")
def test_ctrl_c_ends_several_files(session, slow_account, star, other, tmp_path):
    bpy.context.scene.image_to_3d.service = "MESHY"
    interrupt_when(lambda: slow_account.creates)
    (tmp_path / "A.png").write_bytes(star.read_bytes())
    with pytest.raises(KeyboardInterrupt):
        bpy.ops.image_to_3d.generate_from_files(
            directory=str(tmp_path), files=[{"name": "A.png"}, {"name": other.name}]
        )
    assert len(slow_account.creates) == 1


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C cannot be pressed for one process there")
def test_ctrl_c_ends_all_variants_and_what_was_not_sent_is_given_up(session, settings, slow_account, star):
    settings.service, settings.variants = "MESHY", 3
    interrupt_when(lambda: slow_account.creates and any(job.task_id for job in session.jobs()))
    with pytest.raises(KeyboardInterrupt):
        bpy.ops.image_to_3d.generate(filepath=str(star))
    assert len(slow_account.creates) == 1
    assert [session.refresh(job.id).state for job in session.jobs()[::-1]] == ["running", "cancelled", "cancelled"]
    slow_account.finish(slow_account.creates[0].id)
    settings.variants = 1
    bpy.ops.image_to_3d.generate(filepath=str(star))
    assert tasks() == [slow_account.creates[0].id] and len(slow_account.creates) == 1


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C cannot be pressed for one process there")
def test_a_scripts_own_handler_is_called_once_and_stays(session, slow_account, star):
    heard = []

    def handler(number, frame):
        heard.append(number)

    before = signal.signal(signal.SIGINT, handler)
    try:
        interrupt_when(lambda: slow_account.creates)
        bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
        assert heard == [signal.SIGINT] and signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


# Without an entry in the preferences


@pytest.fixture
def without_preferences(extension):
    """Enabled as `blender --addons` and some scripts do it."""
    extension.disable()
    addon_utils.enable(extension.name)
    assert extension.name not in bpy.context.preferences.addons
    yield
    addon_utils.disable(extension.name)
    extension.enable()


def test_without_preferences_their_defaults_count(without_preferences, session, account, star):
    bpy.context.scene.image_to_3d.local.resolution = "LOW_POLY"
    for service in ("LOCAL", "MESHY"):
        assert bpy.ops.image_to_3d.generate(filepath=str(star), service=service) == {"FINISHED"}
    assert len(roots()) == 2 and {job.state for job in session.jobs()} == {"imported"}
    session.tick()
    assert bpy.ops.image_to_3d.check_account(service="MESHY") == {"FINISHED"}


def test_without_preferences_there_is_no_key(without_preferences, session, star):
    before = list(session.root().iterdir())
    with pytest.raises(RuntimeError, match="Meshy needs an API key"):
        bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert list(session.root().iterdir()) == before
