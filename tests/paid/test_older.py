# SPDX-License-Identifier: GPL-3.0-or-later
"""Paid jobs whose record an earlier version has written, whose table knew less of what goes together: they go on where
they can, say why where not, and are found again, so that nothing is paid for twice."""

import json

import pytest
from paid_job import Paid
from service.cube import cube_glb

from image_to_3d.api.parameters import check
from image_to_3d.api.services import SERVICES
from image_to_3d.jobs import assets, history
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs.folder import State

NEWER = ("back_image_url", "left_image_url", "right_image_url", "texture_model")


@pytest.fixture
def older(tmp_path, star, stand_in):
    """Makes a job at Meshy as an earlier version would have written it, with these values of then."""
    made = []

    def make(**values):
        model = tmp_path / "cube.glb"
        model.write_bytes(cube_glb())
        paid = Paid("meshy", tmp_path / f"jobs{len(made)}", star, model, stand_in)
        made.append(paid)
        record = json.loads((paid.folder / folders.RECORD).read_text())
        record["parameters"] = {name: value for name, value in record["parameters"].items() if name not in NEWER}
        record["parameters"] |= values
        (paid.folder / folders.RECORD).write_text(json.dumps(record))
        return paid

    yield make
    for paid in made:
        paid.close()


SMART = {"model_type": "smart-topology", "target_polycount": 30_000}  # the default of then, which nobody asked for


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (SMART, {"model_type": "smart-topology", "enable_pbr": True}),
        ({**SMART, "geometry_resolution": "4k"}, {"model_type": "smart-topology", "enable_pbr": True}),
        ({"remove_lighting": False}, {"enable_pbr": True}),
        (
            {"should_remesh": True, "decimation_mode": 2, "target_polycount": 500},
            {"enable_pbr": True, "should_remesh": True, "decimation_mode": 2},
        ),
    ],
    ids=str,
)
def test_what_meshy_would_refuse_or_ignore_is_left_out_and_the_record_says_what_was_sent(older, values, told):
    paid = older(**values)
    paid.run()
    assert paid.job.state is State.READY, paid.job.message
    (create,) = paid.stand_in.creates
    assert {name: value for name, value in create.parameters.items() if name != "image_url"} == {
        **told,
        "target_formats": ["glb"],
    }
    left = {name: value for name, value in paid.job.parameters.items() if name in values}
    assert left == {name: value for name, value in values.items() if name in told}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"model_type": "lowpoly"}, "model_type cannot be 'lowpoly': use one of standard, smart-topology."),
        ({"ai_model": "meshy-5"}, "ai_model 'meshy-5' has ended: use meshy-6-lite."),
        ({**SMART, "target_polycount": 20_000}, "use a whole number from 100 to 15,000."),
    ],
    ids=str,
)
def test_what_meshy_does_not_take_any_more_is_said_and_nothing_is_sent(older, values, sentence):
    paid = older(**values)
    for _ in range(2):  # a retry says so again
        paid.run()
        assert paid.job.state is State.FAILED and paid.job.message.endswith(sentence)
        assert not paid.stand_in.creates
        history.retry(paid.folder)
    assert assets.facts_of(paid.job)["description"]  # whatever is shown of it


@pytest.mark.parametrize("values", [{}, SMART], ids=str)
def test_it_is_found_again_by_who_asks_for_the_same_today(older, star, tmp_path, values):
    paid = older(**values)
    asked = {name: value for name, value in values.items() if name != "target_polycount"}
    asked = check(SERVICES["meshy"].parameters, {"image_url": str(star), **asked})
    assert history.find_paid(paid.root, "meshy", asked, tmp_path).id == paid.job.id
    other = check(SERVICES["meshy"].parameters, {"image_url": str(star), "ai_model": "meshy-6"})
    assert history.find_paid(paid.root, "meshy", other, tmp_path) is None


def test_it_is_found_again_although_a_later_version_has_written_more_into_it(older, star, tmp_path):
    paid = older(invented_later=7)
    asked = check(SERVICES["meshy"].parameters, {"image_url": str(star)})
    assert history.find_paid(paid.root, "meshy", asked, tmp_path).id == paid.job.id
