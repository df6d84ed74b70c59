# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of one connection, each by itself, with a clock of the test; and real sockets that never connect."""

import contextlib
import socket

import pytest

from image_to_3d.api.watch import LOOK_S, SLOWEST_BYTES_S, STEP_BYTES, Watch, open_socket


class Clock:
    seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def watch(clock):
    return watched(clock)


def watched(clock, check_cancelled=lambda: None, **limits):
    limits = {"connect_s": 1.0, "send_s": 20.0, "sending_s": 60.0, "silence_s": 20.0, "answer_s": 60.0, **limits}
    return Watch(check_cancelled, **limits, clock=clock)


class Stop(Exception):
    pass


def test_a_silence_ends_an_answer_when_it_has_been_long_enough(watch):
    for silent_s in (0.0, 19.9):
        watch.check_reading(silent_s)
    assert not watch.is_silent and watch.trouble == ""
    with pytest.raises(TimeoutError):
        watch.check_reading(20.0)
    assert watch.is_silent and watch.trouble == "does not answer"


def test_an_answer_that_comes_and_comes_ends_when_it_has_taken_too_long(watch, clock):
    watch.check_reading(0.0)
    for _ in range(60):
        clock.seconds += 1.0
        watch.check_reading(0.0)
    clock.seconds += 0.1
    with pytest.raises(TimeoutError):
        watch.check_reading(0.0)
    assert watch.trouble == "answers too slowly" and not watch.is_silent


def test_the_time_of_an_answer_begins_when_all_is_sent(watch, clock):
    watch.check_reading(0.0)  # a proxy's
    clock.seconds += 59.0
    watch.check_sending(0.0)
    clock.seconds += 59.0
    watch.check_reading(0.0)
    clock.seconds += 59.0
    watch.check_reading(0.0)
    clock.seconds += 2.0
    with pytest.raises(TimeoutError):
        watch.check_reading(0.0)


@pytest.mark.parametrize(("stalled_s", "passed_s"), [(20.0, 0.0), (0.0, 60.1)], ids=["stalled", "slow"])
def test_what_is_taken_too_slowly_is_not_sent_for_ever(watch, clock, stalled_s, passed_s):
    watch.check_sending(19.9)
    clock.seconds += passed_s
    with pytest.raises(TimeoutError):
        watch.check_sending(stalled_s)
    assert watch.trouble == "takes what is sent too slowly"


def test_a_file_may_take_long_if_it_comes_steadily_and_no_longer_than_it_may(watch, clock):
    watch.expect_file(3600.0, 60.0)
    for _ in range(3601):
        watch.check_reading(0.0)
        watch.count(SLOWEST_BYTES_S + 20)
        watch.next_step()
        clock.seconds += 1.0
    with pytest.raises(TimeoutError):
        watch.check_reading(0.0)
    assert watch.trouble == "answers too slowly"


def test_a_file_that_drips_is_given_up_after_one_window(watch, clock):
    watch.expect_file(3600.0, 60.0)
    with pytest.raises(TimeoutError):
        for _ in range(200):
            watch.check_reading(0.0)
            watch.count(SLOWEST_BYTES_S - 20)
            watch.next_step()
            clock.seconds += 1.0
    assert clock.seconds == 1061.0 and watch.trouble == "sends too slowly"


def test_what_came_quickly_at_first_does_not_excuse_a_drip(watch, clock):
    watch.expect_file(3600.0, 60.0)
    watch.count(1 << 20)
    watch.next_step()
    with pytest.raises(TimeoutError):
        for _ in range(200):
            watch.check_reading(0.0)
            clock.seconds += 1.0
    assert clock.seconds == 1122.0


def test_a_stream_may_last_and_be_silent_for_as_long_as_was_said(watch, clock):
    watch.check_reading(0.0)
    watch.expect_stream(8.0)
    clock.seconds += 1e6
    watch.check_reading(7.9)
    with pytest.raises(TimeoutError):
        watch.check_reading(8.0)
    assert watch.is_silent


def test_a_stream_may_be_answered_however_long_it_has_lasted(watch, clock):
    watch.expect_stream(8.0)
    for _ in range(3):
        clock.seconds += 1e6
        watch.check_sending(19.9)
        watch.check_reading(7.9)
    with pytest.raises(TimeoutError):
        watch.check_sending(20.0)


def test_more_than_a_step_can_use_is_no_answer(watch):
    watch.count(STEP_BYTES)
    watch.next_step()
    watch.count(STEP_BYTES)
    with pytest.raises(OSError, match="more came"):
        watch.count(1)
    assert watch.trouble == "sends what is no answer"


def test_one_who_said_something_and_broke_off_gave_no_whole_answer(watch):
    assert watch.trouble == ""
    watch.count(1)
    assert watch.trouble == "gave no whole answer"


@pytest.mark.parametrize("check", ["check_reading", "check_sending"])
def test_whoever_may_end_it_is_asked_several_times_a_second_and_no_more(clock, check):
    asked = []
    watch = watched(clock, lambda: asked.append(clock.seconds))
    for _ in range(1000):
        clock.seconds += 0.01
        getattr(watch, check)(0.0)
    assert 30 <= len(asked) <= 40, "ten seconds"
    assert all(b - a >= LOOK_S for a, b in zip(asked, asked[1:], strict=False))


@pytest.mark.parametrize("check", ["check_reading", "check_sending"])
def test_what_they_raise_comes_out(clock, check):
    def stop():
        raise Stop

    watch = watched(clock, stop)
    clock.seconds += 1.0
    with pytest.raises(Stop):
        getattr(watch, check)(0.0)


@pytest.fixture
def full():
    """The port of a host that takes no further connection: its queue is full, so the system lets every new one wait."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


LINUX_ALONE = pytest.mark.skipif(
    not hasattr(socket, "SO_BINDTODEVICE"), reason="other systems refuse what is too much for the queue"
)


@LINUX_ALONE
@pytest.mark.timeout(20)  # the system itself would try for two minutes
def test_a_host_that_takes_no_connection_is_given_up(full):
    with pytest.raises(TimeoutError, match="no connection in time"):
        open_socket("127.0.0.1", full, Watch(lambda: None, **LIMITS))


LIMITS = {"connect_s": 0.5, "send_s": 60.0, "sending_s": 60.0, "silence_s": 60.0, "answer_s": 60.0}


@LINUX_ALONE
@pytest.mark.timeout(20)
def test_who_cancels_meanwhile_is_heard(full):
    def stop():
        raise Stop

    with pytest.raises(Stop):
        open_socket("127.0.0.1", full, Watch(stop, **{**LIMITS, "connect_s": 60.0}))


@pytest.mark.timeout(20)
def test_a_refused_connection_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        open_socket("127.0.0.1", port, Watch(lambda: None, **LIMITS))
