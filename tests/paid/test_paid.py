# SPDX-License-Identifier: GPL-3.0-or-later
"""Never lost, never twice: a paid job meets every fault at every step of its life, and the service counts what was
made.

Each test walks through many combinations at once, and says at which of them something went wrong.
"""

import itertools
import json
import os
import signal
import struct
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from paid_job import PROGRAMS, Paid
from service.cube import cube_glb
from thorough import IS_THOROUGH

from image_to_3d.api.errors import JobError
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history
from image_to_3d.jobs.folder import State
from image_to_3d.programs import process

AT_ONCE = 2 * (os.cpu_count() or 1)  # a combination mostly waits for its processes to start

SERVICES = ("meshy", "csm")
KINDS = (*SERVICES, "meshy views")  # the last one's task is of another path, which its id does not tell


NO_SUCH_MOMENT = 3  # the exit code of mortal.py where nothing was left to strike


@pytest.fixture(scope="session")
def cube(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "cube.glb"
    path.write_bytes(cube_glb(filler=200_000))
    return path


@pytest.fixture
def all_of(tmp_path, star, cube, stand_in):
    """Runs a function with a fresh job for each combination, several at once; fails with all that went wrong.

    A combination is the service and the function's further arguments. Returns what the function returned.
    """

    def one(combination, action):
        root = Path(tempfile.mkdtemp(dir=tmp_path))
        paid = Paid(combination[0], root, star, cube, stand_in)
        try:
            return action(paid, *combination[1:])
        except Exception as error:
            return f"{combination}: {type(error).__name__} {error}"
        finally:
            paid.close()

    def walk(combinations, action):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(lambda combination: one(combination, action), combinations))
        wrong = [result for result in results if isinstance(result, str)]
        assert not wrong, "\n".join(wrong)
        return results

    return walk


def struck(paid, fault, moment, *wire):
    """Let the fault strike at that moment, and the service play what `wire` says besides; then all must end well."""
    if wire:
        paid.stand_in.play(*wire)
    code = paid.run(PROGRAMS / "mortal.py", fault, moment)
    assert code in (0, 1, NO_SUCH_MOMENT, -signal.SIGKILL), paid.log
    paid.check()
    job = paid.job
    if fault == "kill":
        assert job.state in folders.UNFINISHED | {State.READY}, f"{job.state}: {job.message}"
    elif job.state is State.FAILED:
        assert fault != "cut" and job.message.startswith("The disk is full"), job.message
    elif (
        fault != "cut" and job.state is State.UNCONFIRMED
    ):  # no look for the task could be written down: a retry has one
        paid.stand_in.play_nothing()
        history.retry(paid.folder)
        paid.run()
        require_promised(paid, {State.READY})
    else:
        require_promised(paid, folders.UNFINISHED | {State.READY})
    starts_again(paid)
    paid.go_on()
    return code


def require_promised(paid, states):
    """The job is as was promised; in doubt about a task only where none was made, as one that was made is found."""
    job = paid.job
    is_in_doubt = job.state is State.UNCONFIRMED and not paid.stand_in.creates
    assert job.state in states or is_in_doubt, f"{job.state}: {job.message}\n{paid.log}"


def starts_again(paid):
    """Blender is started again, and nothing is in the way any more: what was left unfinished gets ready by itself."""
    paid.stand_in.play_nothing()
    if paid.job.state in folders.UNFINISHED:
        paid.run()
        paid.check()
        require_promised(paid, {State.READY})


BATCH = 8
FAULTS = ("kill", "full", "full-once", "cut")
STEP = 1 if IS_THOROUGH else 6
"""From one moment that is struck to the next. Where some are left out, they are others with each service and fault."""


def at_every_moment(all_of, service, fault, *wire):
    """Strike at the first moment, the second, and so on until there are no more; return how many there were."""
    first = (2 * KINDS.index(service) + FAULTS.index(fault) + bool(wire)) % STEP
    moments = itertools.count(first, STEP)
    while True:
        batch = list(itertools.islice(moments, BATCH))
        assert batch[0] < 400, "it never ends"
        codes = all_of([(service, fault, moment, *wire) for moment in batch], struck)
        if NO_SUCH_MOMENT in codes:
            return batch[codes.index(NO_SUCH_MOMENT)]


LONG = pytest.mark.timeout(300)  # against a hang: it is some hundred processes, and the machine may have other work


@LONG
@pytest.mark.parametrize(
    "service, fault",
    # What happens to the disk happens in what both services share.
    [*(("meshy", fault) for fault in FAULTS), ("csm", "kill"), ("csm", "cut"), ("meshy views", "kill")],
)
def test_a_fault_at_any_moment(all_of, service, fault):
    assert at_every_moment(all_of, service, fault) >= 6


@LONG
@pytest.mark.parametrize("kind, fault", [*(("meshy", fault) for fault in FAULTS), ("meshy views", "kill")])
def test_a_fault_at_any_moment_of_a_job_whose_answer_was_lost(all_of, kind, fault):
    assert at_every_moment(all_of, kind, fault, "create", "drop_after") >= 6


READY, FAILED, UNCONFIRMED = State.READY, State.FAILED, State.UNCONFIRMED
REFUSALS = [
    ("create", "rate_limit", {"seconds": 3}, READY, READY),
    ("create", "queue_full", {}, READY, READY),
    ("create", "status", {"status": 503, "headers": {"Retry-After": "5"}}, READY, READY),
    ("create", "drop", {}, UNCONFIRMED, None),
    ("create", "drop_after", {}, READY, None),
    ("create", "hang_after", {"seconds": 3}, READY, None),
    ("create", "hang", {"seconds": 3}, UNCONFIRMED, None),
    ("create", "garbage", {}, READY, None),
    ("create", "no_id", {}, READY, None),
    ("create", "html", {}, UNCONFIRMED, None),
    ("create", "gone", {}, FAILED, None),
    ("create", "status", {"status": 500}, UNCONFIRMED, None),
    ("create", "status_after", {"status": 502}, READY, None),
    ("create", "status", {"status": 400}, FAILED, None),
    ("create", "status", {"status": 402}, FAILED, None),
    ("create", "slow", {"seconds": 0.5}, READY, None),
    ("get", "status", {"status": 500}, READY, FAILED),
    ("get", "drop", {}, READY, FAILED),
    ("get", "garbage", {}, READY, FAILED),
    ("get", "rate_limit", {"seconds": 1}, READY, FAILED),
    ("get", "hang", {"seconds": 3}, READY, FAILED),
    ("get", "html", {}, READY, FAILED),
    ("get", "gone", {}, FAILED, FAILED),
    ("stream", "drop", {}, READY, READY),
    ("stream", "cut_stream", {"events": 1}, READY, READY),
    ("stream", "status", {"status": 500}, READY, READY),
    ("stream", "html", {}, READY, READY),
    ("download", "drop", {}, READY, FAILED),
    ("download", "cut", {"bytes": 70_000}, READY, READY),
    ("download", "html", {}, READY, FAILED),
    ("download", "expired", {}, READY, FAILED),
    ("download", "gone", {}, READY, FAILED),
    ("download", "redirect", {}, READY, READY),
    ("download", "status", {"status": 503}, READY, FAILED),
    ("download", "no_length", {}, READY, READY),
    ("map", "expired", {}, READY, READY),
    ("map", "drop", {}, READY, READY),
]
"""Step, action and options of each fault on the wire, and how the job ends by itself where it is met once, and nine
times; None where nothing is asked a second time.
"""

LEFT_OUT = {
    "csm": ("stream", "map"),  # it has neither
    "meshy views": ("download", "map"),  # which are the same as with one picture
}
CSM_FAILS = ("create", "html")  # as a web page is what is left of it: certainly no task


def met(paid, step, action, options, promised, times):
    paid.stand_in.play(step, action, times=times, **options)
    paid.run()
    paid.check()
    job = paid.job
    assert job.state is promised, f"{job.state} instead of {promised}: {job.message}"
    assert bool(paid.stand_in.creates) is (step != "create" or promised is READY)
    paid.go_on()


def _promise(kind, step, action, promised):
    return FAILED if promised and kind == "csm" and (step, action) == CSM_FAILS else promised


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", [1, 9])
def test_a_fault_on_the_wire_once_and_for_long(all_of, kind, times):
    combinations = [
        (kind, step, action, options, _promise(kind, step, action, once if times == 1 else for_long), times)
        for step, action, options, once, for_long in REFUSALS
        if step not in LEFT_OUT.get(kind, ())
    ]
    all_of([combination for combination in combinations if combination[4]], met)


DEEDS = ("kill", "starter gone", "cancel")
STEPS = [
    ("create", "hang", {"seconds": 30}),
    ("create", "hang_after", {"seconds": 30}),
    ("create", "slow", {"seconds": 0.4}),
    ("get", "hang", {"seconds": 30}),
    ("stream", "hang", {"seconds": 30}),
    ("download", "hang", {"seconds": 30}),
    ("map", "hang", {"seconds": 30}),
]


def interrupted(paid, step, action, options, deed):
    """Something happens to the process while the service has a request of it in hand."""
    if step == "get" and paid.service == "meshy":
        paid.stand_in.play("stream", "status", status=404)
    paid.stand_in.play(step, action, **options)
    started = paid.start()
    marks = {"create": "POST", "download": "model.glb", "map": "texture_"}
    marks |= {"get": "GET", "stream": "/stream"}
    if paid.service == "csm":
        marks["download"] = "mesh.glb"

    def is_in_hand():
        return any(marks[step] in f"{request.method} {request.path}" for request in paid.stand_in.requests)

    if step == "get" and paid.service == "meshy":
        paid.stand_in.play("stream", "status", status=404)
    paid.wait_until(lambda: is_in_hand() or started.poll() is not None)
    if step != "create" and started.poll() is None:
        assert paid.job.task_id, "asked about a task before its id was on the disk"
    if deed == "kill":
        started.kill()
    elif deed == "cancel":
        history.cancel(paid.folder)
    else:
        started.stdin.close()
    started.wait(60)
    job = paid.job
    if deed == "cancel":
        assert job.state in (State.CANCELLED, State.UNCONFIRMED, State.READY), job.state
    paid.stand_in.play_nothing()
    if deed == "cancel" and paid.deleted:  # the user gave the task up, and the service was told
        history.retry(paid.folder)
        paid.run()
        assert paid.job.state is State.READY and len(paid.stand_in.creates) == 2
        return
    paid.check()
    if deed != "cancel":
        require_promised(paid, folders.UNFINISHED | {State.READY})
        starts_again(paid)
    paid.go_on()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("deed", DEEDS)
def test_an_end_while_the_service_has_a_request_in_hand(all_of, kind, deed):
    steps = [step for step in STEPS if step[0] not in LEFT_OUT.get(kind, ())]
    all_of([(kind, *step, deed) for step in steps], interrupted)


def two_at_once(paid):
    first, second = paid.start(), paid.start()
    first.wait(60)
    second.wait(60)
    assert paid.job.state is State.READY, paid.log
    assert len(paid.stand_in.creates) == 1


def test_two_processes_for_one_job_make_one_task(all_of):
    all_of(list(itertools.product(SERVICES)), two_at_once)


def nobody_lists(paid):
    """Answer lost, and a list that does not help: unconfirmed, and nothing is sent until the user says so."""
    paid.stand_in.quirk(paid.service, no_list=True)
    paid.stand_in.play("create", "drop_after")
    paid.run()
    assert paid.job.state is State.UNCONFIRMED and "did not answer" in paid.job.message
    history.retry(paid.folder)  # looks again, and sends nothing
    paid.run()
    assert paid.job.state is State.UNCONFIRMED and len(paid.stand_in.creates) == 1
    history.forget(paid.folder)
    assert paid.job.state is State.CANCELLED
    paid.run()
    assert len(paid.stand_in.creates) == 1
    history.retry(paid.folder)  # the user has decided
    paid.run()
    assert paid.job.state is State.READY and len(paid.stand_in.creates) == 2


def listed_later(paid):
    """Answer lost while the service's list is away: a later look finds the task."""
    paid.stand_in.play("create", "drop_after")
    paid.stand_in.play("list", "status", status=503, times=9)
    paid.run()
    assert paid.job.state is State.UNCONFIRMED
    paid.stand_in.play_nothing()
    history.retry(paid.folder)
    paid.run()
    assert paid.job.state is State.READY and len(paid.stand_in.creates) == 1


def mistyped(paid):
    """An id that the service does not know leads back to where the user was, and nothing is paid again."""
    paid.stand_in.quirk(paid.service, no_list=True)
    paid.stand_in.play("create", "drop_after")
    paid.run()
    for bad in ("", "..", "a/b", "a b"):
        with pytest.raises(JobError, match="not the id of a task"):
            history.adopt(paid.folder, bad)
    history.adopt(paid.folder, "SESSION_1_1")
    paid.run()
    assert paid.job.state is State.UNCONFIRMED, paid.job.message
    history.adopt(paid.folder, paid.stand_in.creates[0].id)
    paid.run()
    assert paid.job.state is State.READY and len(paid.stand_in.creates) == 1


def test_an_id_that_the_service_does_not_know_leaves_the_job_unconfirmed(all_of):
    all_of(list(itertools.product(KINDS)), mistyped)


def not_known_for_a_while(paid):
    """A wrong address or key answers 404 as well: only a second look, on retry, gives a task up."""
    for step in ("get", "stream"):
        paid.stand_in.play(step, "status", status=404, times=9)
    paid.run()
    assert paid.job.state is State.FAILED and len(paid.stand_in.creates) == 1
    paid.go_on()


def at_another_address(paid):
    """A 404 that only means a wrong address: nothing is given up, and the task is there once the address is right."""
    no_route = {"status": 404, "message": "NoMatchingRoute: No matching route found"}
    for step in ("get", "stream", "list"):
        paid.stand_in.play(step, "status", times=99, **no_route)
    for _ in range(2):
        paid.run()
        job = paid.job
        assert job.state is State.FAILED and "is not at this address" in job.message, job.message
        assert job.task_id == paid.stand_in.creates[0].id and not (job.gone or job.task_over)
        history.retry(paid.folder)
    paid.go_on()


def test_a_wrong_address_gives_no_task_up(all_of):
    all_of([("meshy",), ("meshy views",)], at_another_address)


def gone_for_good(paid):
    """A task that the service has forgotten is made anew, on retry only."""
    paid.stand_in.play("get", "hang", seconds=30)
    paid.stand_in.play("stream", "hang", seconds=30)
    started = paid.start()
    paid.wait_until(lambda: paid.job.task_id)
    started.kill()
    started.wait()
    paid.stand_in.play_nothing()
    paid.stand_in.forget(paid.job.task_id)
    paid.run()
    assert paid.job.state is State.FAILED and len(paid.stand_in.creates) == 1
    history.retry(paid.folder)
    paid.run()
    assert paid.job.state is State.READY and len(paid.stand_in.creates) == 2
    assert paid.job.task_id == paid.stand_in.creates[1].id


def no_address_at_first(paid):
    """A task that has succeeded without naming its model is asked again, not made again."""
    paid.stand_in.quirk(paid.service, no_glb=True)
    paid.run()
    assert paid.job.state is State.FAILED and "names no GLB" in paid.job.message
    paid.stand_in.quirk(paid.service, no_glb=False)
    paid.go_on()


@pytest.mark.parametrize("story", [not_known_for_a_while, gone_for_good, no_address_at_first])
def test_a_task_is_given_up_only_when_it_is_really_over(all_of, story):
    all_of(list(itertools.product(KINDS)), story)


def fetched_and_then_gone(paid):
    """The model was here when the service forgot it: it is used, without what belongs to it."""
    paid.stand_in.play("map", "hang", seconds=30)
    started = paid.start()
    paid.wait_until(lambda: any(request.step == "map" for request in paid.stand_in.requests))
    started.kill()
    started.wait()
    paid.stand_in.play_nothing()
    paid.stand_in.forget(paid.job.task_id)
    paid.run()
    assert paid.job.state is State.READY and "separate maps were left out" in paid.job.note
    assert len(paid.stand_in.creates) == 1


def test_a_model_that_was_fetched_outlives_its_task(all_of):
    all_of([("meshy",)], fetched_and_then_gone)


def test_a_job_that_was_given_up_still_counts_as_an_owner(tmp_path, star, cube, stand_in):
    first = Paid("meshy", tmp_path, star, cube, stand_in)
    second = Paid("meshy", tmp_path, star, cube, stand_in)
    second.stand_in.close()
    second.stand_in = first.stand_in
    try:
        first.stand_in.quirk("meshy", no_list=True)
        first.stand_in.play("create", "drop_after")
        first.run()
        first.stand_in.play("create", "drop")
        second.run()
        history.forget(first.folder)
        first.stand_in.quirk("meshy", no_list=False)
        history.retry(second.folder)
        second.run()
        assert second.job.state is State.UNCONFIRMED, "took the other job's task"
        assert second.job.candidates == (first.stand_in.creates[0].id,)
    finally:
        first.close()
        second.close()


def test_lost_tasks_of_one_picture_and_of_several_views_are_told_apart(tmp_path, star, cube, stand_in):
    """Both answers are lost at once, and each job finds nothing but its own."""
    jobs = [Paid(kind, tmp_path, star, cube, stand_in) for kind in ("meshy", "meshy views")]
    jobs[1].stand_in.close()
    service = jobs[1].stand_in = jobs[0].stand_in
    try:
        for number, paid in enumerate(jobs):
            service.play("create", "hang_after")
            started = paid.start()
            paid.wait_until(lambda number=number: len(service.creates) > number)
            process.kill(started)
        for paid in jobs:
            paid.run()
        assert [paid.job.candidates for paid in jobs] == [(made.id,) for made in service.creates]
    finally:
        for paid in jobs:
            paid.close()


def test_a_task_that_was_lost_is_found_when_the_list_is_back(all_of):
    all_of(list(itertools.product(KINDS)), listed_later)


def test_where_the_list_does_not_help_the_user_decides(all_of):
    all_of(list(itertools.product(KINDS)), nobody_lists)


def test_the_tasks_of_two_jobs_are_not_mixed_up(tmp_path, star, cube, stand_in):
    """Both answers are lost and only one task was made: nobody takes the other's."""
    first = Paid("meshy", tmp_path, star, cube, stand_in)
    second = Paid("meshy", tmp_path, star, cube, stand_in)
    second.stand_in.close()
    second.stand_in = first.stand_in
    try:
        # Both send their request before either looks what became of it.
        service = first.stand_in
        for paid, fault, is_sent in (
            (first, "hang_after", lambda: service.creates),
            (second, "hang", lambda: sum(request.step == "create" for request in service.requests) == 2),
        ):
            service.play("create", fault)
            started = paid.start()
            paid.wait_until(is_sent)
            process.kill(started)
        for paid in (first, second):
            paid.run()
        states = {first.job.state, second.job.state}
        assert len(first.stand_in.creates) == 1
        assert states == {State.UNCONFIRMED}, states
    finally:
        first.close()
        second.close()


def failing(paid):
    """A task that the service could not finish is not asked for again before the user says so, and then anew."""
    paid.stand_in.quirk(paid.service, final="FAILED", message="Too blurry")
    paid.run()
    assert paid.job.state is State.FAILED and "Too blurry" in paid.job.message
    paid.run()
    assert len(paid.stand_in.creates) == 1
    paid.stand_in.quirk(paid.service, final="")
    history.retry(paid.folder)
    paid.run()
    assert paid.job.state is State.READY and len(paid.stand_in.creates) == 2


def test_a_task_that_failed_at_the_service_is_made_anew_on_retry_only(all_of):
    all_of(list(itertools.product(KINDS)), failing)


def what_was_delivered(paid):
    """The files that were kept because they could not be used."""
    return sorted(file.name for file in paid.folder.glob("*-kept-*"))


def delivered_and_refused(paid, action, options):
    """A file that is no model is kept, and said; the task is asked again on retry, and nothing is paid again."""
    paid.stand_in.play("download", action, times=9, **options)
    paid.run()
    assert paid.job.state is State.FAILED and len(paid.stand_in.creates) == 1
    (kept,) = what_was_delivered(paid)  # the same file was fetched twice
    assert f"The delivered file is kept as {kept} in the job's folder." in paid.job.message, paid.job.message
    content = (paid.folder / kept).read_bytes()
    assert content and not (paid.folder / "result.glb").exists()
    paid.go_on()
    assert (paid.folder / kept).read_bytes() == content


@pytest.mark.parametrize("service", SERVICES)
def test_a_file_that_is_refused_is_kept(all_of, service):
    all_of([(service, "garbage", {})], delivered_and_refused)


def refused_and_then_a_web_page(paid):
    """What was kept is said, whatever came after it."""
    paid.stand_in.play("download", "garbage")
    paid.stand_in.play("download", "html", times=9)
    paid.run()
    assert paid.job.message.endswith("The delivered file is kept as fetched-kept-1.glb in the job's folder.")
    history.retry(paid.folder)
    paid.run()
    assert paid.job.message.endswith("led to a web page and not to the model: retry, which costs nothing.")


def web_page(paid):
    """Nobody has paid for the page of a hotel's network."""
    paid.stand_in.play("download", "html", times=9)
    paid.run()
    assert paid.job.state is State.FAILED and "led to a web page" in paid.job.message and "kept" not in paid.job.message
    assert what_was_delivered(paid) == []
    paid.go_on()


def test_a_web_page_is_no_model(all_of):
    all_of(list(itertools.product(SERVICES)), web_page)
    all_of(list(itertools.product(SERVICES)), refused_and_then_a_web_page)


def refused_for_what_it_says(paid):
    """A whole GLB that refers to files of the user's: never opened, and kept, also when the job is tried anew."""
    paid.run()
    assert paid.job.state is State.FAILED and "outside itself" in paid.job.message
    for _ in range(2):
        assert what_was_delivered(paid) == ["fetched-kept-1.glb"]
        history.retry(paid.folder)
        paid.run()
    assert paid.job.state is State.FAILED and len(paid.stand_in.creates) == 1
    assert b"passwd" in (paid.folder / "fetched-kept-1.glb").read_bytes()


def test_a_model_that_refers_to_files_is_kept_and_not_opened(tmp_path, star, cube, stand_in):
    whole = cube.read_bytes()
    (length,) = struct.unpack_from("<I", whole, 12)
    document = json.loads(whole[20 : 20 + length]) | {"images": [{"uri": "data:/../../../../etc/passwd"}]}
    content = json.dumps(document).encode()
    content += b" " * (-len(content) % 4)
    rest = whole[20 + length :]
    model = tmp_path / "hostile.glb"
    model.write_bytes(
        struct.pack("<4sIII4s", b"glTF", 2, 20 + len(content) + len(rest), len(content), b"JSON") + content + rest
    )
    paid = Paid("csm", tmp_path, star, model, stand_in)
    try:
        refused_for_what_it_says(paid)
    finally:
        paid.close()


def test_a_model_that_was_damaged_on_the_disk_is_kept_and_fetched_again(tmp_path, star, cube, stand_in):
    paid = Paid("meshy", tmp_path, star, cube, stand_in)
    try:
        paid.run()
        (paid.folder / "result.glb").write_bytes(b"bit rot")
        history.retry(paid.folder)
        paid.go_on()
        assert (paid.folder / "result-kept-1.glb").read_bytes() == b"bit rot"
    finally:
        paid.close()
