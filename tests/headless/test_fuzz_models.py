# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hostile models of each kind: the small share of `dev.py fuzz models` that runs each time. It prints what repeats
one that fails. That the same seed makes the same models is tried, too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_models import KINDS
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
    from fuzz_models import Canaries, Lane, Tally

    canaries = Canaries()
    lane = Lane(tmp_path_factory.mktemp("fuzz") / "lane", canaries, Tally(), seed=SEED)
    yield lane
    lane.close()
    canaries.close()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in HEAVY])
def test_a_hostile_model_ends_as_a_good_one_or_in_one_clean_sentence(lane, kind):
    from fuzz_models import told_of

    for number in range(FILES):
        faults = lane.run(kind, number)
        assert not faults, "\n" + told_of(faults, SEED)


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
