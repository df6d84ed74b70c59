# SPDX-License-Identifier: GPL-3.0-or-later
"""A call that is interrupted, killed or doubled, at any moment: the next one goes on, and nothing is paid twice."""

import contextlib
import json

import pytest
from once import once
from service.stand_in import StandIn

pytestmark = once


@pytest.fixture
def records(tmp_path):
    """The records of the jobs in the output folder, as they are now."""

    def records():
        found = []
        for path in sorted(tmp_path.glob("made/.image_to_3d/jobs/*/job.json")):
            with contextlib.suppress(OSError, ValueError):  # it is just being replaced, on Windows
                found.append(json.loads(path.read_text()))
        return found

    return records


def states(records):
    return [record["state"] for record in records()]


def asked(services):
    """How often a task was asked for, also where there is no answer yet."""
    return sum(request.step == "create" for request in services.requests)


WORDS = ("pictures", "--service", "meshy", "--output", "made", "--format", "blend,glb")


def is_all_there(tmp_path, number):
    return all(len(list((tmp_path / "made").glob(f"*.{word}"))) == number for word in ("blend", "glb"))


MOMENTS = {
    "before its job has begun": ([], lambda stand_in, records: records()),
    "while the answer is awaited": (
        [("create", "slow", {"seconds": 2.0})],
        lambda stand_in, records: any(record["awaited"] for record in records()),
    ),
    "while the task runs": ([], lambda stand_in, records: stand_in.creates),
    "while the model is fetched": (
        [("download", "slow", {"seconds": 2.0})],
        lambda stand_in, records: "downloading" in states(records),
    ),
    "when the model is made and not delivered": ([], lambda stand_in, records: "ready" in states(records)),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_call_that_is_killed_goes_on_with_the_next(
    call, cube, make_pictures, stand_in_that, records, until, tmp_path, moment
):
    make_pictures(1)
    faults, has_come = MOMENTS[moment]
    never = tmp_path / "drawn later"
    with StandIn(model=cube, seconds=0.3) as services:
        for step, action, options in faults:
            services.play(step, action, **options)
        # Its thumbnails take as long as there is no such file: so a model is made and not yet delivered.
        first = call(*WORDS, services=services, blender=stand_in_that("--draws-with", never))
        until(lambda: has_come(services, records))
        first.kill()
        again = call(*WORDS, services=services).end()
        assert again.code == 0, again.output + again.errors
        assert is_all_there(tmp_path, 1)
        assert len(services.creates) == 1
        assert [record["task_id"] for record in records() if record["sent"]] == [services.creates[0].id]


def test_ctrl_c_starts_nothing_more_and_the_next_call_goes_on(call, cube, make_pictures, records, until, tmp_path):
    make_pictures(3)
    with StandIn(model=cube, seconds=2) as services:
        first = call(*WORDS, "--jobs", "1", services=services)
        until(lambda: any(record["task_id"] for record in records()))
        first.interrupt().end()
        assert first.code == 130
        assert "The same call again goes on" in first.output
        assert len(services.creates) == 1 and states(records) == ["running"]
        again = call(*WORDS, services=services).end()
        assert again.code == 0, again.output + again.errors
        assert is_all_there(tmp_path, 3)
        assert len(services.creates) == 3


def test_ctrl_c_waits_for_the_id_of_what_is_paid_for_and_a_second_one_does_not(
    call, services, make_pictures, records, until, tmp_path
):
    make_pictures(1)
    services.play("create", "slow", seconds=3.0)
    first = call(*WORDS, services=services)
    until(lambda: asked(services) == 1)
    first.interrupt().end()
    assert first.code == 130
    (record,) = records()
    assert record["task_id"] == services.creates[0].id

    make_pictures(2)
    services.play("create", "slow", seconds=6.0)
    second = call(*WORDS, services=services)
    until(lambda: asked(services) == 2)
    second.interrupt().read_until("Stopping")
    second.interrupt().end()
    assert second.code == 130
    assert len(services.creates) == 1  # the service has not even answered yet
    third = call(*WORDS, services=services).end()
    assert third.code == 0, third.output + third.errors
    assert is_all_there(tmp_path, 2)
    assert len(services.creates) == 2


def test_two_calls_at_once_share_the_work(call, cube, make_pictures, tmp_path):
    make_pictures(2)
    with StandIn(model=cube, seconds=1) as services:
        both = [call(*WORDS, services=services) for _ in range(2)]
        for each in both:
            assert each.end().code == 0, each.output + each.errors
        assert is_all_there(tmp_path, 2)
        assert len(services.creates) == 2


def test_what_may_be_paid_already_is_never_sent_again_by_itself(call, services, make_pictures, tmp_path):
    make_pictures(1)
    services.play("create", "drop_after")
    services.quirk("meshy", no_list=True)
    call(*WORDS, services=services).end()
    plain = call(*WORDS, services=services).end()
    assert plain.code == 1 and "--send-again" in plain.output
    searched = call(*WORDS, "--retry-failed", services=services).end()
    assert searched.code == 1
    assert len(services.creates) == 1
    services.quirk("meshy", no_list=False)
    found = call(*WORDS, "--retry-failed", services=services).end()
    assert found.code == 0, found.output
    assert len(services.creates) == 1 and is_all_there(tmp_path, 1)
