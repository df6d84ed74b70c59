# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancelling where the service has fallen silent, or the process does not heed it: nobody waits for that, and what may
have been paid for is not forgotten."""

import os
import signal
import subprocess

import bpy
import pytest
from once import once
from ticking import tick_until

pytestmark = pytest.mark.usefixtures("quick_models")


@pytest.fixture
def patient(session):
    """The jobs' processes wait for a silent server for longer than any test does: only who heeds the user ends."""

    def wait_long(config):
        connection = config["connection"]
        return {**config, "connection": {**connection, "network": {**connection["network"], "read_s": 600.0}}}

    session.configure(wait_long)


@once
@pytest.mark.parametrize(("service", "step"), [("csm", "get"), ("meshy", "download")])
def test_a_job_whose_service_is_silent_is_cancelled_all_the_same(session, account, start_web, patient, service, step):
    account.play(step, "hang", times=9)
    job = start_web(service)
    tick_until(session, lambda: any(request.step == step for request in account.requests))
    session.cancel(job.id)
    tick_until(session, lambda: not session.is_busy())
    (cancelled,) = session.jobs()
    assert cancelled.state == "cancelled" and cancelled.task_id == account.creates[0].id
    account.play_nothing()
    session.retry(job.id, bpy.context.scene)
    tick_until(session, lambda: session.jobs()[0].state == "imported")
    assert len(account.creates) == 1


@once
def test_a_request_in_hand_is_not_cut_off(session, account, start_web, hurry):
    account.play("create", "slow", seconds=4)
    job = start_web("csm")
    tick_until(session, lambda: any(request.size for request in account.requests))  # it has arrived whole
    session.cancel(job.id)
    tick_until(session, lambda: not session.is_busy())
    (cancelled,) = session.jobs()
    assert cancelled.state == "cancelled" and cancelled.task_id == account.creates[0].id


def hold(job):
    """Keep the job's process from doing anything, as a system that looks a name up may."""
    found = subprocess.run(["pgrep", "-f", f"jobs.run .*{job.id}"], capture_output=True, text=True)
    for pid in map(int, found.stdout.split()):
        os.kill(pid, signal.SIGSTOP)


def held_while_it_waits(session, account, start_web):
    """A job whose process is held up while it waits for its task."""
    account.play("get", "hang", times=9)
    job = start_web("csm")
    tick_until(session, lambda: any(request.step == "get" for request in account.requests))
    hold(job)
    return job


@once
@pytest.mark.skipif(os.name == "nt", reason="no process can be held up there from outside")
def test_a_process_that_heeds_nothing_is_ended(session, account, start_web):
    job = held_while_it_waits(session, account, start_web)
    session.cancel(job.id)
    tick_until(session, lambda: not session.is_busy())
    (cancelled,) = session.jobs()
    assert cancelled.state == "cancelled" and cancelled.task_id == account.creates[0].id


@once
@pytest.mark.skipif(os.name == "nt", reason="no process can be held up there from outside")
def test_a_script_that_stops_a_job_leaves_no_process_that_heeds_nothing(session, account, start_web):
    job = held_while_it_waits(session, account, start_web)
    session.stop(job.id)
    assert not session.is_running(job.id)
    account.play_nothing()
    tick_until(session, lambda: session.jobs()[0].state == "imported")
    assert len(account.creates) == 1


@once
@pytest.mark.skipif(os.name == "nt", reason="no process can be held up there from outside")
def test_one_that_only_looks_for_a_lost_task_is_ended_as_soon(session, account, start_web):
    account.play("create", "drop_after")
    account.play("list", "hang", times=9)
    job = start_web("csm")
    tick_until(session, lambda: any(request.step == "list" for request in account.requests))
    hold(job)
    session.cancel(job.id)
    tick_until(session, lambda: not session.is_busy())
    assert session.jobs()[0].state == "unconfirmed" and len(account.creates) == 1
