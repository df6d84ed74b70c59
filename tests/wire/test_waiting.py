# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a task: which troubles are sat out, how often is asked, when it ends. The clock is given, the HTTP is real."""

import time

import pytest

from image_to_3d import api
from image_to_3d.api import errors
from image_to_3d.api.waiting import FAILURE_PAUSES_S


class Clock:
    """A clock that only pauses move; what they were is kept. `at` is called before each pause with how many there were."""

    def __init__(self, at=lambda number: None):
        self.time = 0.0
        self.pauses = []
        self.at = at

    def pause(self, seconds):
        if seconds:
            self.at(len(self.pauses))
            self.pauses.append(seconds)
            self.time += seconds

    def wait(self, service, task_id, **options):
        seen = []
        done = api.wait(service, task_id, tell=seen.append, pause=self.pause, now=lambda: self.time, **options)
        return done, seen


def test_three_failures_in_a_row_are_nothing_and_the_fourth_is_told(csm, stand_in, picture):
    task = csm.create(picture)
    stand_in.play("get", "drop", times=3)
    clock = Clock()
    done, _ = clock.wait(csm, task.id)
    assert done.status is api.Status.SUCCEEDED and clock.pauses == list(FAILURE_PAUSES_S)
    stand_in.play("get", "status", times=4, status=502)
    with pytest.raises(errors.UnavailableError):
        Clock().wait(csm, task.id)


def test_a_busy_service_is_given_the_time_it_asks_for(csm, stand_in, picture):
    task = csm.create(picture)
    stand_in.play("get", "rate_limit", seconds=17)
    clock = Clock()
    clock.wait(csm, task.id)
    assert clock.pauses == [17]


def test_a_refused_key_is_told_at_once(csm, stand_in, picture):
    task = csm.create(picture)
    stand_in.play("get", "status", status=401)
    with pytest.raises(errors.KeyRefusedError):
        Clock().wait(csm, task.id)


def test_the_pauses_grow_and_are_short_near_the_end(patient, connect, picture):
    csm = connect(patient, "csm")
    task = csm.create(picture)
    patient.set_progress(task.id, 10)

    def at(number):
        if number == 14:
            patient.set_progress(task.id, 90)
        if number == 18:
            patient.finish(task.id)

    clock = Clock(at)
    clock.wait(csm, task.id)
    first, near = clock.pauses[:14], clock.pauses[15:]
    assert 2 <= first[0] < 3 and first == sorted(first) and first[-1] == 10
    assert near and set(near) == {2}


def test_after_the_time_limit_the_task_goes_on_at_the_service(patient, connect, picture):
    csm = connect(patient, "csm")
    task = csm.create(picture)
    clock = Clock()
    with pytest.raises(errors.TimeLimitError, match="longer than 10 minutes"):
        clock.wait(csm, task.id, time_limit_s=600)
    assert 600 <= clock.time < 620
    patient.finish(task.id)
    assert clock.wait(csm, task.id)[0].status is api.Status.SUCCEEDED


def steps(stand_in):
    return [request.step for request in stand_in.requests[1:]]


def test_the_stream_tells_all_and_nothing_else_is_asked(cube, connect, picture):
    from service.stand_in import StandIn

    with StandIn(model=cube, seconds=1.0) as stand_in:
        meshy = connect(stand_in, "meshy")
        task = meshy.create(picture)
        done, seen = Clock().wait(meshy, task.id)
        assert done.result and len({task.progress for task in seen}) > 5
        assert steps(stand_in) == ["stream"]


@pytest.mark.parametrize(
    ("action", "options"),
    [
        ("status", {"status": 404}),
        ("status", {"status": 500}),
        ("html", {}),
        ("drop", {}),
    ],
)
def test_without_a_stream_the_task_is_asked_for(meshy, stand_in, picture, action, options):
    task = meshy.create(picture)
    stand_in.play("stream", action, times=5, **options)
    done, _ = Clock().wait(meshy, task.id)
    assert done.result and "get" in steps(stand_in)


def test_a_stream_that_says_only_that_it_is_over_is_not_the_whole_task(patient, connect, picture):
    meshy = connect(patient, "meshy")
    task = meshy.create(picture)
    patient.forget(task.id)
    with pytest.raises(errors.GoneError):
        Clock().wait(meshy, task.id)
    assert steps(patient) == ["stream", "get"]


class Stop(Exception):
    pass


def test_a_silent_stream_can_be_left_within_a_second(patient, connect, picture):
    meshy = connect(patient, "meshy")
    task = meshy.create(picture)
    heard, left = [], []

    def pause(seconds):
        if heard:
            left.append(time.monotonic())
            raise Stop

    with pytest.raises(Stop):
        api.wait(meshy, task.id, tell=lambda task: heard.append(time.monotonic()), pause=pause)
    assert left[0] - heard[0] < 1
