# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancelling a paid job: "Cancelled" alone stands there only where nothing more can come, or be charged; the wish
outlives every fault."""

import pytest
from paid_job import Paid
from service.cube import cube_glb

from image_to_3d.jobs import history
from image_to_3d.jobs.folder import State

KINDS = ("meshy", "meshy views")  # whose tasks are of different paths, which their ids do not tell
RUNNING, PENDING = 40, -1  # in per cent, as `StandIn.set_progress` takes them


@pytest.fixture(scope="session")
def cube(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "cube.glb"
    path.write_bytes(cube_glb())
    return path


@pytest.fixture
def make(tmp_path, star, cube, stand_in):
    """Makes a job whose task the service has in hand, with its process."""
    made = []

    def make(service="meshy", percent=PENDING):
        paid = Paid(service, tmp_path / str(len(made)), star, cube, stand_in, seconds=None)
        made.append(paid)
        started = paid.start()
        paid.wait_until(lambda: paid.job.task_id)
        paid.stand_in.set_progress(paid.job.task_id, percent)
        return paid, started

    yield make
    for paid in made:
        paid.close()


def cancelled(paid, started):
    """The record when the process that was asked to cancel has ended."""
    history.cancel(paid.folder)
    started.wait(60)
    assert paid.job.state is State.CANCELLED, paid.log
    paid.check_secrets()
    return paid.job


def goes_on(paid):
    """The job is tried again: it gets the model of the one task there was."""
    paid.stand_in.play_nothing()
    paid.stand_in.finish(paid.job.task_id)
    history.retry(paid.folder)
    paid.run()
    assert paid.job.state is State.READY and len(paid.stand_in.creates) == 1, paid.log


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_that_waits_is_given_up_and_paid_back(make, kind):
    paid, started = make(kind, percent=PENDING)
    before = paid.stand_in.credits
    job = cancelled(paid, started)
    assert (job.message, job.untold, job.task_over) == ("Cancelled", False, True)
    assert paid.deleted == 1 and paid.stand_in.credits > before
    history.retry(paid.folder)  # which asks for a new one
    started = paid.start()
    paid.wait_until(lambda: len(paid.stand_in.creates) == 2 and paid.job.task_id == paid.stand_in.creates[1].id)


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_that_cannot_be_stopped_is_said_and_kept(make, kind):
    paid, started = make(kind, percent=RUNNING)
    job = cancelled(paid, started)
    assert "Meshy cannot be stopped: it goes on with the task, which is paid for." in job.message
    assert (job.untold, job.task_over) == (False, False) and paid.deleted == 1
    goes_on(paid)


def test_a_task_that_has_just_succeeded_is_not_deleted(make):
    """Meshy would delete the model, and pay nothing back."""
    paid, started = make(percent=RUNNING)
    for step in ("stream", "get"):
        paid.stand_in.play(step, "hang", times=1, seconds=1)
    history.cancel(paid.folder)
    paid.stand_in.finish(paid.job.task_id)
    started.wait(60)
    assert paid.deleted == 0 and paid.job.state in (State.CANCELLED, State.READY)
    if paid.job.state is State.CANCELLED:
        assert "Meshy had finished the model already" in paid.job.message
        goes_on(paid)


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_that_was_cancelled_between_two_starts_leaves_a_model_that_is_there(make, kind):
    paid, started = make(kind, percent=RUNNING)
    started.kill()
    started.wait()
    history.cancel(paid.folder)
    assert paid.job.untold and "has not been told yet" in paid.job.message
    paid.stand_in.finish(paid.job.task_id)
    paid.run()
    assert paid.deleted == 0 and "had finished the model already" in paid.job.message and not paid.job.untold
    goes_on(paid)


@pytest.mark.parametrize(
    ("action", "options"),
    [("status", {"status": 500}), ("drop", {}), ("hang", {"seconds": 2}), ("rate_limit", {"seconds": 1})],
)
@pytest.mark.parametrize("step", ["get", "delete"])
def test_where_the_service_cannot_be_told_the_wish_is_kept_and_carried_out_later(make, step, action, options):
    paid, started = make(percent=PENDING)
    if step == "get":
        paid.stand_in.play("stream", "drop", times=99)
    paid.stand_in.play(step, action, times=99, **options)
    job = cancelled(paid, started)
    assert job.untold and "Meshy has not been told yet" in job.message and "may go on" in job.message
    paid.stand_in.play_nothing()
    paid.run()  # as the next start of Blender does
    job = paid.job
    assert (job.state, job.message, job.untold, job.task_over) == (State.CANCELLED, "Cancelled", False, True)
    assert len(paid.stand_in.creates) == 1


def test_a_trouble_that_passes_is_sat_out(make):
    paid, started = make(percent=PENDING)
    paid.stand_in.play("delete", "status", times=3, status=503)
    job = cancelled(paid, started)
    assert (job.message, job.untold) == ("Cancelled", False) and paid.deleted == 4


@pytest.mark.parametrize(
    "kind, moment",
    [("meshy", "before it has heard"), ("meshy", "while it tells"), ("meshy views", "while it tells")],
)
def test_a_process_that_is_killed_before_it_has_told_the_service(make, kind, moment):
    paid, started = make(kind, percent=PENDING)
    if moment == "while it tells":
        paid.stand_in.play("delete", "hang", seconds=30)
        history.cancel(paid.folder)
        paid.wait_until(lambda: paid.deleted)
        assert paid.job.untold and paid.job.message != "Cancelled"
        started.kill()
    else:
        paid.stand_in.play("get", "hang", seconds=30)
        paid.stand_in.play("stream", "drop", times=9)
        paid.wait_until(lambda: [request.step for request in paid.stand_in.requests].count("get") >= 2)
        started.kill()
        history.cancel(paid.folder)
    started.wait()
    history.cancel(paid.folder)  # as Blender does when it sees that the process is gone
    assert paid.job.state is State.CANCELLED and paid.job.untold
    paid.stand_in.play_nothing()
    paid.run()
    assert (paid.job.message, paid.job.untold, paid.job.task_over) == ("Cancelled", False, True)


def test_the_end_of_blender_keeps_the_wish(make):
    paid, started = make(percent=PENDING)
    paid.stand_in.play("delete", "status", times=99, status=503)
    history.cancel(paid.folder)
    paid.wait_until(lambda: paid.deleted)
    started.stdin.close()
    started.wait(60)
    assert paid.job.state is State.CANCELLED and paid.job.untold
    paid.stand_in.play_nothing()
    paid.run()
    assert paid.job.message == "Cancelled" and not paid.job.untold


def test_who_wants_the_model_after_all_takes_the_wish_back(make):
    paid, started = make(percent=PENDING)
    paid.stand_in.play("delete", "drop", times=99)
    assert cancelled(paid, started).untold
    told = paid.deleted
    goes_on(paid)
    assert paid.deleted == told and not paid.job.untold


def test_csm_cannot_be_told_and_nothing_is_asked(make):
    paid, started = make("csm", percent=RUNNING)
    asked = len(paid.stand_in.requests)
    job = cancelled(paid, started)
    assert "CSM cannot be stopped: it goes on with the task and may charge" in job.message
    assert not job.untold and not job.task_over and len(paid.stand_in.requests) <= asked + 1
    goes_on(paid)


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_that_the_service_does_not_know_is_asked_for_once_more(make, kind):
    paid, started = make(kind, percent=PENDING)
    for step in ("get", "stream"):
        paid.stand_in.play(step, "status", status=404, times=99)
    started.kill()
    started.wait()
    history.cancel(paid.folder)
    paid.run()
    assert paid.job.gone and not paid.job.task_over and not paid.deleted
    assert paid.job.message == "Cancelled here. Meshy does not know the task any more."
    goes_on(paid)


def test_a_wrong_address_is_not_told_and_the_wish_is_kept(make):
    paid, started = make(percent=PENDING)
    started.kill()
    started.wait()
    history.cancel(paid.folder)
    paid.stand_in.play("get", "status", status=404, message="NoMatchingRoute", times=2)
    paid.run()
    job = paid.job
    assert job.untold and not (job.gone or job.task_over) and not paid.deleted
    assert "Meshy has not been told yet" in job.message and "is not at this address" in job.message
    paid.run()
    assert (paid.job.message, paid.job.untold, paid.deleted) == ("Cancelled", False, 1)


def test_what_was_never_sent_is_simply_cancelled(tmp_path, star, cube, stand_in):
    paid = Paid("meshy", tmp_path, star, cube, stand_in)
    history.cancel(paid.folder)
    assert (paid.job.message, paid.job.untold) == ("Cancelled", False)
    paid.run()
    assert not paid.stand_in.requests
    paid.close()


def test_a_task_that_succeeds_between_two_tries_is_not_deleted(make):
    paid, started = make(percent=PENDING)
    paid.stand_in.play("delete", "status", status=503)
    history.cancel(paid.folder)
    paid.wait_until(lambda: paid.deleted)
    paid.stand_in.finish(paid.job.task_id)
    started.wait(60)
    assert paid.deleted == 1 and "had finished the model already" in paid.job.message and not paid.job.untold
    goes_on(paid)


@pytest.mark.parametrize("action", ["drop_after", "hang_after"])
def test_a_deletion_whose_answer_was_lost_was_carried_out(make, action):
    paid, started = make(percent=PENDING)
    paid.stand_in.play("delete", action, **({"seconds": 2} if action == "hang_after" else {}))
    job = cancelled(paid, started)
    assert (job.message, job.untold, job.task_over, job.gone) == ("Cancelled", False, True, False)


def test_who_wants_the_model_while_the_service_is_being_told_takes_the_wish_back(make):
    paid, started = make(percent=PENDING)
    paid.stand_in.play("delete", "status", status=503, times=99)
    history.cancel(paid.folder)
    paid.wait_until(lambda: paid.deleted and paid.job.untold)
    history.retry(paid.folder)
    started.wait(60)
    told = paid.deleted
    assert paid.job.state is State.WAITING and not paid.job.untold, paid.log
    paid.stand_in.play_nothing()
    paid.stand_in.finish(paid.job.task_id)
    paid.run()
    assert paid.job.state is State.READY and paid.deleted == told and len(paid.stand_in.creates) == 1


def test_a_mistyped_id_and_a_cancel_hide_no_request(tmp_path, star, cube, stand_in):
    paid = Paid("meshy", tmp_path, star, cube, stand_in)
    try:
        paid.stand_in.quirk("meshy", no_list=True)
        paid.stand_in.play("create", "drop_after")
        paid.run()
        history.adopt(paid.folder, "0193-mistyped")
        history.cancel(paid.folder)
        paid.run()
        assert paid.job.state is State.UNCONFIRMED and not paid.job.untold and "adopt its id" in paid.job.message
        paid.go_on()
    finally:
        paid.close()


@pytest.mark.parametrize("service", ["meshy", "csm"])
def test_a_job_that_has_its_model_already_says_so(tmp_path, star, cube, stand_in, service):
    paid = Paid(service, tmp_path, star, cube, stand_in)
    try:
        paid.run()
        history.retry(paid.folder)
        asked = len(paid.stand_in.requests)
        history.cancel(paid.folder)
        assert "had finished the model already" in paid.job.message and not paid.job.untold
        paid.run()
        assert len(paid.stand_in.requests) == asked
        paid.go_on()
    finally:
        paid.close()


def test_cancelling_what_has_ended_changes_nothing(tmp_path, star, cube, stand_in):
    paid = Paid("meshy", tmp_path, star, cube, stand_in)
    try:
        paid.run()
        before = paid.job
        history.cancel(paid.folder)
        assert paid.job == before and not (paid.folder / "cancel").exists()
    finally:
        paid.close()
