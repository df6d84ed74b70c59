# SPDX-License-Identifier: GPL-3.0-or-later
"""A create request whose answer was lost: found again where it can be, else unconfirmed, and never paid twice by
itself."""

import bpy
import pytest
from once import once
from ticking import tick_until

pytestmark = pytest.mark.usefixtures("quick_models")

WAYS_OUT = ("retry to look for it", "adopt its id", "send the request again", "forget it")


@pytest.fixture
def lose(account, hurry, session, star):
    """Generate at a service whose answer is lost and whose list cannot be had; the job."""

    def lose(service):
        account.play("create", "drop_after", service=service)
        account.quirk(service, no_list=True)
        with pytest.raises(RuntimeError) as failure:
            bpy.ops.image_to_3d.generate(filepath=str(star), service=service.upper())
        (job,) = session.jobs()
        assert job.state == "unconfirmed" and job.message in str(failure.value)
        assert all(way in job.message for way in WAYS_OUT)
        account.quirk(service, no_list=False)
        assert len(account.creates) == 1 and not job.task_id
        return job

    return lose


def imported_root(session, job):
    tick_until(session, lambda: not session.is_busy())
    job = session.refresh(job.id)
    assert job.state == "imported", job.message
    (root,) = [obj for obj in bpy.data.objects if "image_to_3d_job" in obj]
    return root


def refused(operator, **options):
    """The sentence with which an operator refuses."""
    with pytest.raises(RuntimeError) as failure:
        getattr(bpy.ops.image_to_3d, operator)(**options)
    return str(failure.value)


@once
@pytest.mark.parametrize("service", ["meshy", "csm"])
def test_a_task_whose_answer_was_lost_is_found_in_the_list(session, account, hurry, star, service):
    account.play("create", "drop_after")
    bpy.ops.image_to_3d.generate(filepath=str(star), service=service.upper())
    (create,) = account.creates
    assert imported_root(session, session.jobs()[0])["image_to_3d_task"] == create.id


@once
@pytest.mark.parametrize("service", ["meshy", "csm"])
def test_an_adopted_task_is_fetched_without_paying_again(session, account, lose, service):
    job = lose(service)
    assert "has no model yet: it is unconfirmed" in refused("import_result", job=job.id)
    assert "not the id of a task" in refused("adopt", job=job.id, task_id=" ")
    assert session.refresh(job.id).state == "unconfirmed"
    (create,) = account.creates
    assert bpy.ops.image_to_3d.adopt(job=job.id, task_id=f" {create.id}\n") == {"FINISHED"}
    assert imported_root(session, job)["image_to_3d_task"] == create.id
    assert len(account.creates) == 1


@once
def test_retrying_looks_for_the_task_again_and_sends_nothing(session, account, lose):
    job = lose("meshy")
    account.quirk(no_list=True)
    session.retry(job.id, bpy.context.scene)
    (said,) = tick_until(session, lambda: not session.is_busy())
    assert session.refresh(job.id).state == "unconfirmed" and "adopt its id" in said
    assert "adopt its id" in refused("retry", job=job.id)
    account.quirk(no_list=False)
    bpy.ops.image_to_3d.retry(job=job.id)
    (create,) = account.creates
    assert imported_root(session, job)["image_to_3d_task"] == create.id
    assert len(account.creates) == 1


@once
def test_sending_again_makes_exactly_one_more(session, account, lose):
    job = lose("meshy")
    bpy.ops.image_to_3d.send_again(job=job.id)
    tick_until(session, lambda: session.refresh(job.id).task_id)
    _, second = account.creates
    assert session.refresh(job.id).task_id == second.id
    tick_until(session, lambda: not session.is_busy())
    assert session.refresh(job.id).state == "imported"
    for operator in ("send_again", "forget"):
        assert "this is for unconfirmed jobs only" in refused(operator, job=job.id)
    assert "this is for unconfirmed jobs only" in refused("adopt", job=job.id, task_id=second.id)


@once
def test_a_forgotten_job_is_cancelled_and_stays_so(session, account, lose):
    job = lose("csm")
    asked = len(account.requests)
    bpy.ops.image_to_3d.forget(job=job.id)
    for _ in range(5):
        session.tick()
    assert session.refresh(job.id).state == "cancelled" and not session.is_busy()
    assert len(account.requests) == asked
    bpy.ops.image_to_3d.retry(job=job.id)
    tick_until(session, lambda: session.refresh(job.id).task_id)
    assert len(account.creates) == 2


@once
def test_cancelling_does_not_hide_a_task_that_may_be_paid_for(session, slow_account, start_web):
    slow_account.play("create", "hang_after")
    job = start_web("meshy")
    tick_until(session, lambda: slow_account.creates)
    session.kill(job.id)
    bpy.ops.image_to_3d.cancel(job=job.id)
    tick_until(session, lambda: not session.is_running(job.id))
    assert session.refresh(job.id).state == "unconfirmed" and "adopt its id" in session.jobs()[0].message
    assert len(slow_account.creates) == 1


@once
def test_a_process_killed_before_the_answer_is_followed_by_one_that_finds_the_task(session, account, hurry, start_web):
    account.play("create", "hang_after")
    job = start_web("csm")
    tick_until(session, lambda: account.creates)
    session.processes[job.id].kill()
    imported_root(session, job)
    assert len(account.creates) == 1


@once
def test_jobs_that_lost_their_answers_together_are_not_mixed_up(session, account, hurry, start_web):
    account.play("create", "drop_after", times=2)
    jobs = [start_web("meshy") for _ in range(2)]
    tick_until(session, lambda: not session.is_busy())
    jobs = [session.refresh(job.id) for job in jobs]
    known = [job.task_id for job in jobs if job.task_id]
    assert len(set(known)) == len(known) and len(account.creates) == 2
    assert {job.state for job in jobs} <= {"imported", "unconfirmed"}
