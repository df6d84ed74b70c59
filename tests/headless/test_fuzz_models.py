# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hostile models of each kind: the small share of `dev.py fuzz models` that runs each time. It prints what repeats
one that fails. That the same seed makes the same models is tried, too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_models import CANARIES, KINDS, make
from once import once

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="process groups are ended by signals, which are not there"
)

TESTS = Path(__file__).parents[1]
FILES = 2
SEED = 20261127
HEAVY = frozenset({"many", "bombs", "bulky"})  # a minute and gigabytes for some: `dev.py fuzz` has them


@pytest.fixture(scope="module")
def lane(tmp_path_factory):
    """Background Blenders that prepare and append models, and a service that delivers them."""
    from fuzz_models import Lane, Tally

    lane = Lane(tmp_path_factory.mktemp("fuzz") / "lane", Tally(), seed=SEED)
    yield lane
    lane.close()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in HEAVY])
def test_a_hostile_model_ends_as_a_good_one_or_in_one_clean_sentence(lane, kind):
    from fuzz_models import told_of

    for number in range(FILES):
        faults = lane.run(kind, number)
        assert not faults, "\n" + told_of(faults, SEED)


@pytest.mark.parametrize("kind", ["good", "cut", "values", "escapes"])
def test_a_job_to_which_a_hostile_model_is_delivered_ends_well_and_leaves_nothing(lane, kind):
    from fuzz_models import JOB_SHARE, told_of

    faults = lane.run(kind, JOB_SHARE - 1)
    assert not faults, "\n" + told_of(faults, SEED)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who opens a file")
def test_it_is_noticed_where_a_file_outside_is_opened():
    from fuzz_models import canaries

    with canaries() as opened:
        (Path(CANARIES) / "link.png").read_bytes()
    assert opened == ["canary.png"]


@pytest.mark.parametrize(
    "sentence",
    [
        "Blender could not read the model (Location: /opt/blender/modules/bpy/ops.py:109): retry the job.",
        "Blender could not read the model (Error: the file is broken): retry the job.",
        "The model is damaged (IndexError: list index out of range): retry the job.",
        "The model is damaged: generate it again.",
        "The model in /mnt/models/result.glb is damaged: retry the job.",
    ],
)
def test_a_sentence_that_is_none_for_people_is_noticed(sentence):
    from fuzz_models import untruths

    assert list(untruths(sentence))
    assert not list(untruths("The model's file is damaged (it is cut off): retry the job, which costs nothing."))


@once
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"good", *HEAVY}])
def test_nearly_each_model_differs_from_the_good_ones_and_from_the_others(kind):
    good = {make(SEED, "good", 0).content, make(SEED, "good", 1).content}
    made = {make(SEED, kind, number).content for number in range(15)}
    assert len(made - good) >= 12


@once
def test_the_same_seed_makes_the_same_models_in_every_process():
    program = (
        "import hashlib, hostile_models as h\n"
        f"files = (h.make({SEED}, kind, 3).content for kind in h.KINDS if kind not in {set(HEAVY)!r})\n"
        "print(hashlib.sha256(b''.join(files)).hexdigest())"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(TESTS), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] and said[0].strip()
