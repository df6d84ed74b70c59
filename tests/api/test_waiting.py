# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a task: which troubles are sat out, how long the pauses are, what a stream is good for. Only the clock is
ours."""

import pytest
from scripted import chunk, http

from image_to_3d import api
from image_to_3d.api import errors

PICTURE = {"image_url": "https://example.org/fox.png"}
GLB = "https://files.example.org/model.glb"


class Clock:
    """Goes on by what is waited for. `then` is called after each pause with its number, from 1 on."""

    def __init__(self, then=lambda number: None):
        self.seconds = 0.0
        self.pauses = []
        self.then = then

    def now(self):
        return self.seconds

    def sleep(self, seconds):
        assert seconds >= 0
        self.seconds += seconds
        if seconds:  # 0 asks whether to go on
            self.pauses.append(seconds)
            self.then(len(self.pauses))

    def wait(self, service, task_id, **options):
        return api.wait(service, task_id, sleep=self.sleep, now=self.now, **options)


@pytest.fixture
def no_stream():
    """Puts a service's stream out of the way."""

    def no_stream(server):
        server.play("stream", "status", times=10_000, status=404)

    return no_stream


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("status", {"status": 502}),
        ("drop", {}),
        ("garbage", {}),
        ("hang", {"seconds": 2.0}),
        ("rate_limit", {"seconds": 1}),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_three_failures_in_a_row_are_nothing_and_the_fourth_is_told(csm, server, fault, options):
    task_id = csm.create(PICTURE).id
    clock = Clock()
    times = 3 if fault != "hang" else 1
    server.play("get", fault, times=times, **options)
    assert clock.wait(csm, task_id).result.glb
    assert clock.pauses == [2.0, 10.0, 30.0][:times]
    server.play_nothing()
    if fault != "hang":
        server.play("get", fault, times=4, **options)
        with pytest.raises(errors.ImageTo3DError) as failure:
            clock.wait(csm, task_id)
        assert errors.is_transient(failure.value)


def test_failures_that_are_not_in_a_row_are_forgotten(connect, slow_server):
    csm = connect(slow_server, "csm")
    task_id = csm.create(PICTURE).id

    def then(number):
        if number == 24:
            slow_server.finish(task_id)
        elif number % 4 == 0:
            slow_server.play("get", "drop", times=3)

    clock = Clock(then)
    assert clock.wait(csm, task_id).result
    assert clock.pauses.count(30.0) >= 4


@pytest.mark.parametrize(
    ("fault", "options", "kind"),
    [
        ("status", {"status": 401}, errors.KeyRefusedError),
        ("status", {"status": 422}, errors.RefusedError),
        ("gone", {}, errors.RefusedError),
        ("status", {"status": 404}, errors.GoneError),
    ],
)
def test_what_does_not_pass_is_told_at_once(csm, server, fault, options, kind):
    task_id = csm.create(PICTURE).id
    server.play("get", fault, **options)
    clock = Clock()
    with pytest.raises(kind):
        clock.wait(csm, task_id)
    assert clock.pauses == []


@pytest.mark.parametrize(("asked", "waited"), [(45, 45.0), (1, 2.0)])
def test_a_busy_service_is_left_alone_as_long_as_it_asks_for(csm, server, asked, waited):
    task_id = csm.create(PICTURE).id
    server.play("get", "rate_limit", seconds=asked)
    clock = Clock()
    clock.wait(csm, task_id)
    assert clock.pauses == [waited]


@pytest.mark.parametrize("asked", [0, 86_400])
def test_the_time_limit_holds_whatever_the_service_asks_for(csm, server, is_sentence, asked):
    server.quirk("csm", unknown_status="polishing")
    task_id = csm.create(PICTURE).id
    server.play(
        "get", "rate_limit" if asked else "status", times=2, **({"seconds": asked} if asked else {"status": 500})
    )
    clock = Clock()
    if asked:
        with pytest.raises(errors.TimeLimitError) as over:
            clock.wait(csm, task_id, time_limit_s=600.0)
        assert clock.seconds == 600.0 and is_sentence(str(over.value)) and "10 minutes" in str(over.value)
    else:
        assert clock.wait(csm, task_id, time_limit_s=600.0).result


def test_after_the_time_limit_the_task_is_left_to_the_service(connect, slow_server):
    csm = connect(slow_server, "csm")
    task_id = csm.create(PICTURE).id
    clock = Clock()
    with pytest.raises(errors.TimeLimitError, match="nothing is paid twice"):
        clock.wait(csm, task_id)
    assert clock.seconds == 3600.0
    slow_server.finish(task_id)
    assert Clock().wait(csm, task_id).result


def test_the_pauses_grow_from_two_seconds_to_ten(connect, slow_server):
    csm = connect(slow_server, "csm")
    task_id = csm.create(PICTURE).id
    clock = Clock(lambda number: slow_server.finish(task_id) if number == 20 else None)
    clock.wait(csm, task_id)
    assert clock.pauses == sorted(clock.pauses) and 2.0 <= clock.pauses[0] < 3.0 and clock.pauses[-1] == 10.0


def test_near_the_end_the_pauses_are_short_again(connect, slow_server):
    csm = connect(slow_server, "csm")
    task_id = csm.create(PICTURE).id

    def then(number):
        slow_server.set_progress(task_id, 85)
        if number == 12:
            slow_server.finish(task_id)

    clock = Clock(then)
    clock.wait(csm, task_id)
    assert set(clock.pauses[1:]) == {2.0}


def test_the_pause_that_meshy_asks_for_is_kept(connect, slow_server, no_stream):
    no_stream(slow_server)
    meshy = connect(slow_server, "meshy")
    task_id = meshy.create(PICTURE).id
    clock = Clock(lambda number: slow_server.finish(task_id) if number == 4 else None)
    clock.wait(meshy, task_id)
    assert clock.pauses == [1.0, 5.0, 5.0, 5.0]


def test_every_change_is_told_and_what_is_told_may_end_it(connect, slow_server):
    csm = connect(slow_server, "csm")
    task_id = csm.create(PICTURE).id
    clock = Clock(lambda number: slow_server.set_progress(task_id, 20 * number))
    seen = []

    def on_progress(task):
        seen.append(task.progress)
        if len(seen) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clock.wait(csm, task_id, on_progress=on_progress)
    assert seen == [0.0, 0.2, 0.4, 0.6]


def test_a_failed_task_is_told_before_its_error_is_raised(csm, server):
    server.quirk("csm", final="failed", message="Blurry")
    task_id = csm.create(PICTURE).id
    told = []
    with pytest.raises(errors.TaskFailedError, match="Blurry"):
        Clock().wait(csm, task_id, on_progress=told.append)
    assert [task.status for task in told] == [api.Status.FAILED]


class Talkative:
    """A service that has always something to say. `told` is called before each news with the task's number of it and
    with `wait`."""

    pace_s = (1.0, 10.0)

    def __init__(self, told, **facts):
        self._told = told
        self._facts = facts

    def listen(self, task_id, wait):
        for number in range(10_000):
            self._told(number, wait)
            yield api.Task(task_id, api.Status.RUNNING, progress=number / 20_000, **self._facts)
        pytest.fail("nobody has looked at the clock")


@pytest.mark.parametrize("limit_s", [60.0, 900.0])
def test_a_stream_that_keeps_telling_does_not_outlast_the_time_limit(is_sentence, limit_s):
    clock = Clock()
    seen = []

    def told(number, wait):
        clock.seconds += 5.0

    with pytest.raises(errors.TimeLimitError) as over:
        clock.wait(Talkative(told), "T", time_limit_s=limit_s, on_progress=seen.append)
    assert clock.seconds == limit_s and len(seen) == limit_s / 5, "what came in time was told"
    assert is_sentence(str(over.value)) and clock.pauses == []


def test_nor_does_one_that_only_keeps_alive():
    clock = Clock()

    def told(number, wait):
        for _ in range(10_000 if number == 1 else 0):
            clock.seconds += 5.0
            wait(0.0)

    with pytest.raises(errors.TimeLimitError):
        clock.wait(Talkative(told), "T", time_limit_s=600.0)
    assert clock.seconds == 600.0


class Asked:
    """A service that tells nothing by itself: each look at the task gives what `looks` says next."""

    pace_s = (2.0, 10.0)

    def __init__(self, *looks):
        self._looks = list(looks)

    def listen(self, task_id, wait):
        look = self._looks.pop(0)
        if isinstance(look, Exception):
            raise look
        yield look


def running(**facts):
    return api.Task("T", api.Status.RUNNING, **facts)


DONE_TASK = api.Task("T", api.Status.SUCCEEDED, 1.0)


@pytest.mark.parametrize(
    ("facts", "pause"),
    [
        ({"retry_after_s": 0.0}, 1.0),  # whatever a service asks for
        ({"retry_after_s": 0.2}, 1.0),
        ({"retry_after_s": 40.0}, 40.0),
        ({"retry_after_s": 40.0, "progress": 0.8}, 2.0),  # near the end the shortest pause
        ({"progress": 0.79}, 2.4),
        ({}, 2.4),
    ],
    ids=str,
)
def test_the_pause_is_what_the_task_asks_for_within_reason(facts, pause):
    clock = Clock()
    assert clock.wait(Asked(running(**facts), DONE_TASK), "T") == DONE_TASK
    assert clock.pauses == [pytest.approx(pause)]


@pytest.mark.parametrize("asked", [0.0, 1.0, 50.0, None])
def test_a_pause_that_a_failure_asks_for_only_makes_it_longer(asked):
    clock = Clock()
    busy = errors.RateLimitError("Busy.", retry_after_s=asked)
    assert clock.wait(Asked(busy, busy, DONE_TASK), "T") == DONE_TASK
    assert clock.pauses == [max(asked or 0.0, 2.0), max(asked or 0.0, 10.0)]


def test_a_task_that_is_gone_or_has_failed_is_told_with_its_own_error():
    for status, kind in ((api.Status.GONE, errors.GoneError), (api.Status.FAILED, errors.TaskFailedError)):
        seen = []
        with pytest.raises(kind):
            Clock().wait(Asked(running(), api.Task("T", status, error=kind("Over."))), "T", on_progress=seen.append)
        assert [task.status for task in seen] == [api.Status.RUNNING, status]


# The stream of Meshy.


SOON_QUIET = {"quiet_s": 0.5}
"""A stream counts as silent after half a second, so that nobody has to sit through eight."""


def steps(server):
    return [request.step for request in server.requests if request.step in ("get", "stream")]


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("status", {"status": 404}),
        ("status", {"status": 500}),
        ("html", {}),
        ("redirect", {}),
        ("drop", {}),
        ("hang", {"seconds": 3.0}),
        ("cut_stream", {"events": 0}),
        ("cut_stream", {"events": 1}),
    ],
    ids=str,
)
def test_without_a_stream_that_works_the_task_is_asked_in_the_ordinary_way(connect, slow_server, fault, options):
    """However often it fails: something on the way may let no stream through."""
    meshy = connect(slow_server, "meshy")
    task_id = meshy.create(PICTURE).id
    slow_server.play("stream", fault, times=10_000, **options)
    clock = Clock(lambda number: slow_server.finish(task_id) if number == 7 else None)
    assert clock.wait(meshy, task_id).result.glb
    assert max(clock.pauses) <= 5.0, "it was taken for a failure"
    assert "get" in steps(slow_server)


def test_a_stream_that_is_cut_once_is_opened_again(connect, slow_server):
    meshy = connect(slow_server, "meshy")
    task_id = meshy.create(PICTURE).id
    slow_server.play("stream", "cut_stream", events=1)
    clock = Clock(lambda number: slow_server.finish(task_id))
    assert clock.wait(meshy, task_id).result.glb
    assert steps(slow_server)[:2] == ["get", "stream"] and clock.pauses == [1.0]


def test_a_stream_that_breaks_and_still_tells_something_is_opened_as_often(connect, slow_server):
    meshy = connect(slow_server, "meshy")
    task_id = meshy.create(PICTURE).id
    slow_server.play("stream", "cut_stream", events=1, times=10_000)
    clock = Clock(lambda number: slow_server.finish(task_id) if number == 6 else None)
    assert clock.wait(meshy, task_id).result.glb
    assert steps(slow_server).count("stream") == 6 and set(clock.pauses) == {1.0}


def test_a_stream_that_tells_nothing_three_times_is_not_opened_again(connect, slow_server):
    meshy = connect(slow_server, "meshy")
    task_id = meshy.create(PICTURE).id
    slow_server.play("stream", "cut_stream", events=0, times=10_000)
    clock = Clock(lambda number: slow_server.finish(task_id) if number == 6 else None)
    assert clock.wait(meshy, task_id).result.glb
    assert steps(slow_server).count("stream") == 3


def test_a_stream_that_falls_silent_is_left_for_the_ordinary_way(connect, slow_server):
    meshy = connect(slow_server, "meshy", network=SOON_QUIET)
    task_id = meshy.create(PICTURE).id
    clock = Clock(lambda number: slow_server.finish(task_id))
    assert clock.wait(meshy, task_id).result.glb
    assert steps(slow_server)[:2] == ["get", "stream"] and clock.pauses == [1.0]


def test_who_cancels_while_a_stream_is_silent_is_out_of_it_within_a_second(connect, slow_server):
    meshy = connect(slow_server, "meshy")
    task_id = meshy.create(PICTURE).id
    looks = []

    def sleep(seconds):
        assert seconds == 0.0, "the silence has come to its end, which takes eight seconds"
        looks.append(steps(slow_server)[-1])
        if looks[-3:] == ["stream"] * 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.wait(meshy, task_id, sleep=sleep)
    assert steps(slow_server) == ["get", "stream"]


AT_FIRST = {"id": "T", "progress": 0, "status": "PENDING"}


def event(data, kind="message", space=" "):
    import json

    return f"event:{space}{kind}\ndata:{space}{json.dumps(data)}\n\n".encode()


RUNNING = {"id": "T", "progress": 40, "status": "IN_PROGRESS"}
DONE = {"id": "T", "progress": 100, "status": "SUCCEEDED", "model_urls": {"glb": GLB}}
STREAM = {"Content_Type": "text/event-stream"}
CHUNKED = {**STREAM, "Transfer_Encoding": "chunked"}
END = chunk(b"")
COMMENTS = b": hello\n\nretry: 3\nid: 7\n\n"


@pytest.mark.parametrize(
    "pieces",
    [
        (http(chunk(event(RUNNING)) + chunk(event(DONE)) + END, **CHUNKED),),
        (http(chunk(event(RUNNING) + event(DONE)) + END, **CHUNKED),),
        (http(chunk(event(RUNNING) + event(DONE)), **CHUNKED), 0.2, END),
        (http(event(RUNNING) + event(DONE), **STREAM),),
        (http(event(RUNNING), **STREAM, Content_Length=None), 0.1, event(DONE)),
        (http(event(RUNNING) + event(DONE)[:20], **STREAM, Content_Length=None), 0.4, event(DONE)[20:]),
        (http((event(RUNNING) + event(DONE)).replace(b"\n", b"\r\n"), **STREAM),),
        (http(event(RUNNING, space="") + event(DONE, space=""), **STREAM),),
        (http(COMMENTS + event(RUNNING) + b"data: nonsense\n\ndata: []\n\n" + event(DONE), **STREAM),),
        (http(event(RUNNING) + event(DONE).replace(b", ", b",\ndata: "), **STREAM),),
    ],
    ids=[
        "a chunk each", "one chunk", "the end later", "with its length", "until the connection ends", "torn apart",
        "lines end with CR LF", "no space", "comments and nonsense", "data over several lines",
    ],
)  # fmt: skip
def test_events_are_understood_however_they_are_packed(connect, scripted, pieces):
    scripted.say(http(AT_FIRST))
    scripted.say(*pieces)
    seen = []
    task = api.wait(connect(scripted, "meshy"), "T", on_progress=lambda task: seen.append(task.progress))
    assert seen == [0.0, 0.4, 1.0] and task.result.glb == GLB
    assert scripted.connections == 2


@pytest.mark.parametrize(
    "last",
    [
        event({"status_code": 404, "message": "Task not found"}, kind="error"),
        event({"id": "T", "progress": 100, "status": "SUCCEEDED"}),
        event(DONE)[:-30],
        b"",
    ],
    ids=["error", "no whole task", "cut", "nothing"],
)
@pytest.mark.parametrize("whole", [True, False], ids=["ended", "broken off"])
def test_an_end_of_a_stream_that_says_too_little_is_looked_up(connect, scripted, last, whole):
    body = event(RUNNING) + last
    scripted.say(http(AT_FIRST))
    scripted.say(http(body, **STREAM, Content_Length=len(body) + (0 if whole else 50)))
    scripted.say(http(DONE))
    task = Clock().wait(connect(scripted, "meshy"), "T")
    assert task.result.glb == GLB and scripted.connections == 3
    assert ["/stream" in head for head, _ in scripted.requests] == [False, True, False]
