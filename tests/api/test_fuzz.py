# SPDX-License-Identifier: GPL-3.0-or-later
"""A few spoiled answers for each call: the small share of `dev.py fuzz` that runs each time. It prints what repeats one
that fails."""

import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="process groups are ended by signals, which are not there"
)

ANSWERS = 8
JOBS = 2
SEED = 20261127


@pytest.fixture(scope="module")
def lane(tmp_path_factory):
    """A worker that makes the calls, with the servers that answer them."""
    from fuzz_services import Lane

    lane = Lane(tmp_path_factory.mktemp("fuzz") / "lane", seed=SEED)
    yield lane
    lane.close()


def calls():
    from fuzz_services import CALLS, JOBS

    return [*CALLS, *JOBS]


@pytest.mark.parametrize("call", calls())
def test_spoiled_answers_end_in_time_with_a_clean_sentence_and_nothing_left(lane, call):
    from fuzz_services import told_of

    faults = []
    for number in range(JOBS if call.endswith(".job") else ANSWERS):
        faults += lane.run(call, number)
    assert not faults, "\n".join(["", *(told_of(fault, SEED) for fault in faults)])
