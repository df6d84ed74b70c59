# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a job will still take: guessed from its own pace, and said only when it can be told."""

import pytest


@pytest.fixture
def pace(extension):
    return extension.module("session.pace").Pace()


@pytest.fixture
def words(extension):
    return extension.module("session.pace").words


@pytest.fixture
def least(extension):
    """Less progress, and less time in seconds, say nothing."""
    module = extension.module("session.pace")
    return module.LEAST_PROGRESS, module.LEAST_S


def test_the_rest_takes_as_long_as_the_beginning_did(pace):
    pace.note("job", 0.1, 100.0)
    pace.note("job", 0.5, 140.0)  # 0.01 a second
    assert pace.seconds_left("job", 140.0) == pytest.approx(50)
    assert pace.seconds_left("job", 160.0) == pytest.approx(30)  # nothing was heard meanwhile
    assert pace.seconds_left("job", 999.0) == 0  # never less


def test_waiting_does_not_count(pace):
    for now in (0.0, 500.0, 1000.0):
        pace.note("job", 0.0, now)
    pace.note("job", 0.5, 1010.0)
    assert pace.seconds_left("job", 1010.0) == pytest.approx(10)


def test_too_little_progress_says_nothing(pace, least):
    assert pace.seconds_left("job", 0.0) is None
    pace.note("job", 0.0, 0.0)
    assert pace.seconds_left("job", 50.0) is None
    pace.note("job", least[0] / 2, 100.0)
    assert pace.seconds_left("job", 100.0) is None
    pace.note("job", 0.5, 100.0)
    assert pace.seconds_left("job", 100.0) == pytest.approx(100)


def test_too_little_time_says_nothing(pace, least):
    pace.note("job", 0.0, 0.0)
    pace.note("job", 0.9, least[1] / 2)
    assert pace.seconds_left("job", 1.0) is None


def test_a_job_that_is_tried_again_begins_anew(pace):
    pace.note("job", 0.0, 0.0)
    pace.note("job", 0.9, 9000.0)
    pace.note("job", 0.0, 9001.0)
    assert pace.seconds_left("job", 9001.0) is None
    pace.note("job", 0.5, 9011.0)
    assert pace.seconds_left("job", 9011.0) == pytest.approx(10)


def test_a_forgotten_job_says_nothing(pace):
    pace.note("job", 0.0, 0.0)
    pace.note("job", 0.5, 10.0)
    pace.forget("job")
    assert pace.seconds_left("job", 10.0) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0.0, "less than 1 min left"),
        (59.9, "less than 1 min left"),
        (60.0, "about 1 min left"),
        (600.0, "about 10 min left"),
    ],
)
def test_the_time_is_said_in_words(words, seconds, said):
    assert words(seconds) == said
