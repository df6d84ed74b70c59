# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of record, sync and deed: nothing leaves, and nothing is taken for done, before what it depends on is on
the disk."""

import json
import os
import sys

import pytest
from paid_job import PROGRAMS, Paid
from service.cube import cube_glb

from image_to_3d.jobs.folder import State

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the diary asks /proc which file is synced")


class Diary(list):
    """What the process of a job did, in order."""

    def at(self, *entry, start=0):
        """Where the first such entry stands, from `start`; its first words are compared."""
        for index, there in enumerate(self[start:], start):
            if tuple(there[: len(entry)]) == entry:
                return index
        raise AssertionError(f"{entry} is not in the diary from {start} on")

    def record(self, fits):
        """Where the first record that `fits` gets its name."""
        return next(i for i, there in enumerate(self) if there[0] == "rename" and there[3] and fits(there[3]))

    def sent(self, start, start_of_line=""):
        """Where the first request leaves, from `start`."""
        return next(
            i
            for i, there in enumerate(self[start:], start)
            if there[0] == "send" and there[1].startswith(start_of_line)
        )

    def require_durable(self, index, folder):
        """The record that gets its name at `index` was synced before it, and its name is synced before anything else is
        done."""
        assert self[index - 1] == ["sync", "job.json.part"], self[index - 1 : index + 2]
        assert self[index + 1] == ["sync", folder.name], self[index - 1 : index + 2]
        return index + 1


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "cube.glb"
    path.write_bytes(cube_glb(filler=200_000))
    return path


@pytest.fixture(scope="module", params=["meshy", "meshy views", "csm"])
def walked(request, tmp_path_factory, star, cube, stand_in):
    """A job that went its whole way, and its diary."""
    root = tmp_path_factory.mktemp("jobs")
    asked = {"enable_pbr": True} if "meshy" in request.param else {}
    paid = Paid(request.param, root, star, cube, stand_in, parameters=asked)
    paid.stand_in.play("map", "gone", times=99)  # so that there is something to be said of the model
    try:
        paid.run(PROGRAMS / "diary.py", root.parent / f"{request.param}.diary")
        assert paid.job.state is State.READY, paid.log
        assert bool(paid.job.service_note) is (paid.service == "meshy")
        lines = (root.parent / f"{request.param}.diary").read_text().splitlines()
        yield paid, Diary(map(json.loads, lines))
    finally:
        paid.close()


def test_picture_and_record_are_on_the_disk_before_anything_leaves(walked):
    paid, diary = walked
    first = diary.sent(0)
    named = diary.at("rename", "picture.png.part", "picture.png")
    assert diary.at("sync", "picture.png.part") < named < diary.at("sync", paid.folder.name, start=named) < first
    assert diary.at("sync", paid.root.name, start=named) < first  # which has the job's folder
    own = diary.record(lambda record: not record["pictures"])
    assert named < diary.require_durable(own, paid.folder) < first
    assert diary[own][3]["picture_sha256"]


def test_that_a_request_leaves_is_on_the_disk_before_it_does(walked):
    paid, diary = walked
    noted = diary.record(lambda record: record["sent"])
    assert diary.require_durable(noted, paid.folder) < diary.sent(0, "POST")
    assert diary[noted][3]["awaited"] and not diary[noted][3]["task_id"]


def test_the_id_of_a_paid_task_is_on_the_disk_before_the_next_request(walked):
    paid, diary = walked
    left = diary.sent(0, "POST")
    noted = diary.record(lambda record: record["task_id"])
    assert left < diary.require_durable(noted, paid.folder) < diary.sent(left + 1)
    assert diary[noted][3]["task_id"] == paid.stand_in.creates[0].id


def test_the_id_of_a_paid_task_is_in_the_log_before_it_is_written_down(walked):
    """A record that cannot be written must not hide it."""
    paid, diary = walked
    task_id = paid.stand_in.creates[0].id
    said = next(i for i, there in enumerate(diary) if there[0] == "say" and f"task {task_id}" in there[1])
    assert said < diary.record(lambda record: record["task_id"])


def test_the_model_gets_its_name_when_it_and_all_that_is_said_of_it_are_on_the_disk(walked):
    """Once it has its name, nobody asks the service again."""
    paid, diary = walked
    named = diary.at("rename", "fetched.glb", "result.glb")
    assert diary.at("sync", "fetched.glb") < named
    last = max(i for i in range(named) if diary[i][0] == "rename" and diary[i][2] == "job.json")
    assert diary.require_durable(last, paid.folder) < named
    assert diary[last][3]["service_note"] == paid.job.service_note
    assert all(diary[i][0] != "send" for i in range(last, len(diary)))


def test_what_was_fetched_is_synced_before_it_counts_as_whole(walked):
    _, diary = walked
    arrived = next(i for i, there in enumerate(diary) if there[0] == "rename" and there[2] == "fetched.glb.unchecked")
    assert diary.at("sync", diary[arrived][1]) < arrived


def test_all_files_are_on_the_disk_before_the_record_says_ready(walked):
    paid, diary = walked
    ready = diary.record(lambda record: record["state"] == "ready")
    converting = diary.record(lambda record: record["state"] == "converting")
    for name in ("result.glb", "result.blend"):
        assert converting < diary.at("sync", name, start=converting) < ready, name
    diary.require_durable(ready, paid.folder)


def test_every_state_is_on_the_disk_before_anything_is_done_in_it(walked):
    paid, diary = walked
    before = ""
    for index, there in enumerate(diary):
        if there[0] == "rename" and there[3] and there[3]["state"] != before:
            before = there[3]["state"]
            diary.require_durable(index, paid.folder)
    assert before == "ready"
    assert {os.path.basename(there[1]) for there in diary if there[0] == "sync"} >= {"job.json.part", paid.folder.name}
