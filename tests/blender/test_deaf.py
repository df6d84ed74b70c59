# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancelling where the service has fallen silent: nobody waits for it, and what may have been paid for is not forgotten."""

import time

import bpy
import pytest
from ticking import tick_until

PATIENCE_S = 8  # the job's own time limit for a silent server is 20 s


@pytest.mark.parametrize(("service", "step"), [("csm", "get"), ("meshy", "download")])
def test_a_job_whose_service_is_silent_is_cancelled_all_the_same(session, account, start_web, service, step):
    account.play(step, "hang", times=9)
    job = start_web(service)
    tick_until(session, lambda: any(request.step == step for request in account.requests))
    began = time.monotonic()
    session.cancel(job.id)
    tick_until(session, lambda: not session.is_busy())
    assert time.monotonic() - began < PATIENCE_S
    (cancelled,) = session.jobs()
    assert cancelled.state == "cancelled" and cancelled.task_id == account.creates[0].id
    account.play_nothing()
    session.retry(job.id, bpy.context.scene)
    tick_until(session, lambda: session.jobs()[0].state == "imported")
    assert len(account.creates) == 1


def test_a_request_in_hand_is_not_cut_off(session, account, start_web, hurry):
    account.play("create", "slow", seconds=4)
    job = start_web("csm")
    tick_until(session, lambda: any(request.size for request in account.requests))  # it has arrived whole
    session.cancel(job.id)
    tick_until(session, lambda: not session.is_busy())
    (cancelled,) = session.jobs()
    assert cancelled.state == "cancelled" and cancelled.task_id == account.creates[0].id
