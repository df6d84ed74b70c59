# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of version 0.1.0, with the records that it wrote in each state: this version goes on with them, and pays for
nothing twice."""

import json
from pathlib import Path

import pytest
from paid_job import Paid
from service.cube import cube_glb

from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history
from image_to_3d.jobs.state import State

RECORDS = Path(__file__).parents[1] / "jobs" / "files" / "first_version"


@pytest.fixture
def left(tmp_path, star, stand_in):
    """Makes a job at Meshy as 0.1.0 has left it in this state; of its task, if it had one, the service knows."""
    made = []

    def left(state):
        model = tmp_path / "cube.glb"
        model.write_bytes(cube_glb())
        paid = Paid("meshy", tmp_path / "jobs", star, model, stand_in)
        made.append(paid)
        record = json.loads((RECORDS / f"meshy_{state}.json").read_text())
        if record["task_id"]:
            paid.run()
            (create,) = paid.stand_in.creates
            record["task_id"] = create.id
        now = paid.job
        record |= {"id": now.id, "sent": now.sent}
        if record["pictures"]:
            record["pictures"] = json.loads((paid.folder / folders.RECORD).read_text())["pictures"]
        for file in (folders.GLB, folders.BLEND):
            (paid.folder / file).unlink(missing_ok=True)
        (paid.folder / folders.RECORD).write_text(json.dumps(record))
        return paid

    yield left
    for paid in made:
        paid.close()


@pytest.mark.parametrize("state", ["waiting", "running", "downloading", "converting"])
def test_an_unfinished_job_goes_on_and_pays_once(left, state):
    paid = left(state)
    assert str(paid.job.state) == state
    paid.run()
    assert paid.job.state is State.READY, paid.job.message
    assert len(paid.stand_in.creates) == 1
    paid.check_secrets()


def test_a_cancelled_job_whose_service_was_not_told_is_taken_back_and_its_model_arrives(left):
    paid = left("cancelled")
    history.retry(paid.folder)
    paid.run()
    assert paid.job.state is State.READY, paid.job.message
    assert len(paid.stand_in.creates) == 1


@pytest.mark.parametrize("state", ["failed", "unconfirmed"])
def test_what_only_the_user_can_decide_waits_for_that(left, state):
    paid = left(state)
    made = len(paid.stand_in.creates)
    paid.run()
    assert str(paid.job.state) == state and len(paid.stand_in.creates) == made
