# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue as whoever has jobs done uses it: what is started, in which order and how often, what is said, and what a
look costs."""

import contextlib
import os
import shutil
import sys
import time

import pytest

from image_to_3d.api.errors import BusyError, JobError
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import history
from image_to_3d.jobs.folder import State
from image_to_3d.jobs.queue import Queue

DEADLINE_S = 30  # against a hang; nothing is measured with it

SLEEPS = [sys.executable, "-IS", "-c", "import sys; sys.stdin.buffer.read()"]
"""A process that works until it is told to end."""
HOLDS = [
    sys.executable,
    "-IS",
    "-c",
    "import fcntl, sys, time; lock = open(sys.argv[-1] + '/lock', 'r+b'); fcntl.flock(lock, fcntl.LOCK_EX); "
    "time.sleep(600)",
]
"""A process that has its job and heeds nothing."""
DIES = [sys.executable, "-IS", "-c", ""]


class Clock:
    """A clock that a test turns on."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "jobs"
    folder.mkdir()
    return folder


@pytest.fixture
def make_queue(root, clock):
    """Queues on the same folder, as of several Blenders."""
    made = []

    def make_queue(python=SLEEPS, at_once=5, **options):
        options = {
            "config_of": lambda job: {"blender": ""},
            "reason_to_wait": lambda job: "",
            "at_once": lambda: at_once,
            "clock": clock,
            **options,
        }
        made.append(Queue(lambda: root, python=python, **options))
        return made[-1]

    yield make_queue
    for queue in made:
        queue.close()
        for process in queue.processes.values():
            process.wait(DEADLINE_S)


@pytest.fixture
def queue(make_queue):
    return make_queue()


@pytest.fixture
def begin(star):
    """Have a queue note down a job."""
    return lambda queue, **fields: queue.create(
        **{"service": "local", "parameters": {"image_url": str(star)}, "name": "Red Star", **fields}
    )


def change(root, job, **fields):
    """What another process writes into the record."""
    found = folders.read(root / job.id)
    for name, value in fields.items():
        setattr(found, name, value)
    folders.write(root / job.id, found)


def end_of(queue, job):
    queue.processes[job.id].kill()
    queue.processes[job.id].wait(DEADLINE_S)


def until_held(queue, job):
    """Wait until the job's process has the job."""
    until = time.monotonic() + DEADLINE_S
    while not folders.is_locked(queue.root / job.id):
        assert time.monotonic() < until
        time.sleep(0.01)


def sentences(news):
    return [said.sentence for said in news]


# Which run


def test_the_first_that_came_is_the_first_that_runs(make_queue, begin):
    queue = make_queue(at_once=1)
    jobs = [begin(queue) for _ in range(3)]
    for expected in jobs:
        queue.look()
        assert list(queue.processes) == [expected.id]
        queue.cancel(expected.id)
        end_of(queue, expected)
        queue.look()


def test_no_more_run_than_may(make_queue, begin):
    queue = make_queue(at_once=2)
    for _ in range(4):
        begin(queue)
    for _ in range(5):
        queue.look()
    assert len(queue.processes) == 2


def test_those_that_tell_a_service_take_no_place(make_queue, begin):
    queue = make_queue(at_once=1)
    told = begin(queue, service="meshy")
    change(queue.root, told, state=State.CANCELLED, untold=True, sent=folders.now(), task_id="T")
    job = begin(queue)
    for _ in range(3):
        queue.look()
    assert set(queue.processes) == {told.id, job.id}


def test_a_process_that_dies_twice_is_not_started_a_third_time(make_queue, begin):
    queue = make_queue(DIES)
    job = begin(queue)
    said = []
    until = time.monotonic() + DEADLINE_S
    while not said and time.monotonic() < until:
        said += queue.look()
        for process in queue.processes.values():
            process.wait(DEADLINE_S)
    assert "stopped unexpectedly, twice" in said[0].sentence and said[0].severity == "ERROR"
    assert folders.read(queue.root / job.id).state is State.FAILED and queue.look() == []


def test_a_retry_counts_the_deaths_anew(make_queue, begin):
    queue = make_queue(DIES)
    job = begin(queue)
    for _ in range(8):
        queue.look()
        for process in queue.processes.values():
            process.wait(DEADLINE_S)
    assert queue.job(job.id).state is State.FAILED
    queue.retry(job.id)
    queue.look()
    assert queue.is_busy()


def test_a_python_that_cannot_be_started_says_so_and_not_the_disk(make_queue, begin):
    queue = make_queue(["/nowhere/python"])
    begin(queue)
    (said,) = queue.look()
    assert said.severity == "ERROR" and "Python could not be started" in said.sentence and "disk" not in said.sentence
    assert queue.look() == []


def test_a_job_that_has_to_wait_gives_its_process_back_and_goes_on_later(make_queue, begin):
    reasons = [""]
    queue = make_queue(reason_to_wait=lambda job: reasons[0])
    job = begin(queue)
    queue.look()
    process = queue.processes[job.id]
    reasons[0] = "Online access is off"
    queue.look()
    process.wait(DEADLINE_S)
    for _ in range(4):
        queue.look()
    assert not queue.is_busy() and queue.reason_to_wait(queue.job(job.id)) == "Online access is off"
    reasons[0] = ""
    queue.look()
    assert queue.is_running(job.id)


def test_a_bug_with_one_job_stops_no_other(make_queue, begin, capfd):
    def config_of(job):
        if job.name == "Bad":
            raise ValueError("a bug of ours")
        return {"blender": ""}

    queue = make_queue(config_of=config_of)
    bad, good = begin(queue, name="Bad"), begin(queue, name="Good")
    said = [entry for _ in range(4) for entry in queue.look()]
    assert [entry.severity for entry in said] == ["ERROR"] and said[0].sentence.startswith("Bad: Something went wrong")
    assert "a bug of ours" in capfd.readouterr().err
    assert queue.is_running(good.id) and not queue.is_running(bad.id)


def test_a_process_of_another_blender_is_left_alone(make_queue, begin):
    ours, theirs = make_queue(), make_queue()
    job = begin(theirs)
    with folders.lock(ours.root / job.id):
        for _ in range(3):
            ours.look()
        assert not ours.is_busy() and ours.job(job.id).state is State.WAITING


# Cancelling


def test_a_process_that_does_not_heed_a_cancel_is_killed_and_the_job_is_cancelled(make_queue, begin, clock):
    queue = make_queue(HOLDS)
    job = begin(queue)
    queue.look()
    process = queue.processes[job.id]
    until_held(queue, job)
    queue.cancel(job.id)
    clock.now += 1.9
    queue.look()
    assert process.poll() is None, "too early"
    clock.now += 0.2
    queue.look()
    assert process.wait(DEADLINE_S) != 0
    said = queue.look()
    assert sentences(said) == ["Red Star: Cancelled"] and folders.read(queue.root / job.id).state is State.CANCELLED


def test_a_process_that_awaits_the_id_of_a_paid_task_has_the_time_for_it(make_queue, begin, clock):
    queue = make_queue(HOLDS)
    job = begin(queue, service="meshy")
    queue.look()
    process = queue.processes[job.id]
    until_held(queue, job)
    change(queue.root, job, state=State.SUBMITTING, sent=folders.now(), awaited=True)
    queue.cancel(job.id)
    clock.now += 189
    queue.look()
    assert process.poll() is None
    clock.now += 2
    queue.look()
    assert process.wait(DEADLINE_S) != 0


def test_between_two_tries_to_tell_a_service_there_is_a_longer_and_longer_pause(make_queue, begin, clock):
    queue = make_queue(DIES)
    job = begin(queue, service="meshy")
    change(queue.root, job, state=State.CANCELLED, untold=True, sent=folders.now(), task_id="T")
    for pause in (60, 300, 900, 900):
        queue.look()
        queue.processes[job.id].wait(DEADLINE_S)
        clock.now += pause - 1
        for _ in range(3):
            queue.look()
        assert not queue.is_busy(), pause
        clock.now += 2


# What another Blender does


def test_what_another_queue_makes_changes_and_removes_is_seen(make_queue, begin):
    ours, theirs = make_queue(reason_to_wait=lambda job: "later"), make_queue()
    ours.look()
    first, second = begin(theirs), begin(theirs)
    ours.look()
    assert ours.ids() == [second.id, first.id]
    change(ours.root, first, state=State.IMPORTED, note="Theirs")
    ours.look()
    assert ours.job(first.id).note == "Theirs"
    theirs.remove(first.id)
    ours.look()
    assert ours.ids() == [second.id] and ours.job(first.id) is None


def test_a_record_is_read_again_although_its_file_looks_the_same(make_queue, begin, clock):
    """Two changes within one step of the file system's clock, of which the first was read."""
    queue = make_queue(reason_to_wait=lambda job: "later")
    job = begin(queue)
    queue.look()
    record = queue.root / job.id / "job.json"
    before = record.stat()
    text = record.read_text().replace('"Red Star"', '"Red Moon"')
    record.write_text(text)
    os.utime(record, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert record.stat().st_size == before.st_size
    queue.look()
    clock.now += 2.1
    queue.look()
    assert queue.job(job.id).name == "Red Moon"


def test_a_job_that_comes_while_the_folder_is_listed_is_not_lost(make_queue, begin):
    queue = make_queue(reason_to_wait=lambda job: "later")
    queue.step_s = 0.0
    made = [begin(queue) for _ in range(3)]
    queue.look()
    made.append(begin(queue))
    for _ in range(10):
        queue.look()
    assert queue.ids() == [job.id for job in reversed(made)]


def test_a_folder_that_was_taken_away_is_made_again(make_queue, root, begin):
    made = []

    def make_root():
        made.append(root)
        root.mkdir(exist_ok=True)
        return root

    queue = Queue(
        make_root,
        python=SLEEPS,
        config_of=lambda job: {"blender": ""},
        reason_to_wait=lambda job: "later",
        at_once=lambda: 1,
    )
    begin(queue)
    queue.look()
    shutil.rmtree(root)
    assert queue.look() == [] and queue.jobs() == [] and root.is_dir() and len(made) == 2


def test_where_there_can_be_no_folder_it_is_said_once(make_queue):
    def refuse():
        raise JobError("There is no folder: make one.")

    queue = Queue(refuse, python=SLEEPS, config_of=dict, reason_to_wait=str, at_once=lambda: 1)
    assert sentences(queue.look()) == ["There is no folder: make one."]
    assert queue.look() == [] and queue.trouble and queue.jobs() == [] and not queue.is_behind()


# Removing


def test_what_was_removed_is_deleted_with_the_next_looks(queue, begin):
    job = begin(queue)
    queue.look()
    queue.cancel(job.id)
    end_of(queue, job)
    queue.look()
    queue.remove(job.id)
    assert queue.jobs() == [] and queue.size_of(job.id) == queue.total_bytes == 0
    queue.look()
    assert list(queue.root.iterdir()) == []


def test_a_folder_that_cannot_be_deleted_now_is_tried_again_later(queue, begin, clock, monkeypatch):
    """Windows keeps a folder while a thumbnail of it is drawn."""
    job = begin(queue)
    queue.cancel(job.id)
    queue.remove(job.id)
    remove_folder = os.rmdir

    def in_use(path, *arguments, **options):
        error = PermissionError(13, "in use", str(path))
        error.winerror = 32
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", in_use)
        for _ in range(3):
            queue.look()
            time.sleep(0.1)  # a folder that has just changed is listed once more
    assert len(list(queue.root.iterdir())) == 1 and os.rmdir is remove_folder
    queue.look()
    assert len(list(queue.root.iterdir())) == 1, "too early"
    clock.now += 61
    for _ in range(2):
        queue.look()
    assert list(queue.root.iterdir()) == []


def test_a_running_job_is_not_removed(queue, begin):
    job = begin(queue)
    queue.look()
    with contextlib.ExitStack() as stack:
        stack.enter_context(folders.lock(queue.root / job.id))
        with pytest.raises(BusyError):
            queue.remove(job.id)
    assert queue.job(job.id) is not None


# The cost of a look


@pytest.fixture
def opened():
    """The files that this process opens, by Python's own audit of that."""
    names = []
    is_on = [True]

    def note(event, arguments):
        if is_on[0] and event == "open" and isinstance(arguments[0], (str, bytes)):
            names.append(os.fsdecode(arguments[0]))

    sys.addaudithook(note)
    yield names
    is_on[0] = False


def test_a_look_at_jobs_that_rest_opens_nothing_however_many_there_are(make_queue, begin, opened):
    queue = make_queue(reason_to_wait=lambda job: "later")
    job = begin(queue)
    change(queue.root, job, state=State.IMPORTED)
    for number in range(300):
        shutil.copytree(queue.root / job.id, queue.root / f"20250101-{number:06}-000000-0000")
        record = queue.root / f"20250101-{number:06}-000000-0000" / "job.json"
        record.write_text(record.read_text().replace(job.id, record.parent.name))
    while not queue.was_read or queue.is_behind():
        queue.look()
    assert len(queue.jobs()) == 301
    time.sleep(0.1)  # a folder that has just changed is listed once more
    queue.look()
    queue.look()
    opened.clear()
    for _ in range(5):
        queue.look()
    assert opened == []


def test_a_look_at_a_job_that_runs_reads_its_record_only_when_that_has_changed(queue, begin, opened):
    job = begin(queue)
    queue.look()
    queue.look()
    opened.clear()
    for _ in range(5):
        queue.look()
    assert opened == []
    change(queue.root, job, progress=0.5)
    opened.clear()
    queue.look()
    assert [name for name in opened if name.endswith("job.json")] and queue.job(job.id).progress == 0.5


def test_of_a_long_list_each_look_reads_a_little(make_queue, begin):
    queue = make_queue(reason_to_wait=lambda job: "later")
    for _ in range(20):
        begin(queue)
    later = make_queue(reason_to_wait=lambda job: "later")
    later.step_s = 0.0
    counts = []
    while not later.was_read or later.is_behind():
        later.look()
        counts.append(len(later))
    assert counts == list(range(1, 21)), "the newest first, one a look"
    assert later.ids() == queue.ids()


# Greeting


def test_jobs_of_before_are_counted_once_all_are_known(make_queue, begin):
    earlier = make_queue()
    for _ in range(2):
        begin(earlier)
    queue = make_queue(reason_to_wait=lambda job: "Online access is off")
    assert sentences(queue.look()) == ["2 jobs from before wait. Online access is off"]
    assert queue.look() == []


def test_what_was_asked_for_in_this_session_is_not_from_before(queue, begin):
    begin(queue)
    assert queue.look() == []


def test_a_job_of_before_that_was_retried_here_is_not_greeted(make_queue, begin):
    earlier = make_queue()
    job = begin(earlier)
    history.fail(earlier.root / job.id, "It failed")
    queue = make_queue()
    queue.retry(job.id)
    assert queue.look() == []


# Thumbnails that were left


def undrawn(queue, begin, root, state=State.READY):
    """A job of before whose thumbnail an earlier Blender has left."""
    job = begin(queue)
    change(root, job, state=state, undrawn=True)
    return job


@pytest.mark.parametrize("state", [State.READY, State.IMPORTED])
def test_what_was_left_undrawn_is_drawn_beside_the_jobs_and_nothing_is_said(make_queue, begin, root, state):
    job = undrawn(make_queue(), begin, root, state)
    queue = make_queue(at_once=1)
    waiting = begin(queue)
    assert queue.look() == [] and set(queue.processes) == {job.id, waiting.id}
    assert not history.retry(root / job.id) and queue.refresh(job.id).state is State.WAITING


@pytest.mark.parametrize("state", [State.READY, State.IMPORTED])
def test_no_process_is_started_for_a_job_that_has_a_model_and_nothing_left(make_queue, begin, root, state):
    job = begin(make_queue())
    change(root, job, state=state)
    queue = make_queue()
    queue.look()
    assert queue.processes == {}


def test_a_process_that_cannot_draw_is_started_twice_and_nothing_is_said(make_queue, begin, root):
    job = undrawn(make_queue(), begin, root)
    queue = make_queue(python=DIES)
    started = set()
    for _ in range(4):
        assert queue.look() == []
        for process in queue.processes.values():
            started.add(process.pid)
            process.wait(DEADLINE_S)
    assert len(started) == 2 and queue.job(job.id).state is State.READY


def test_what_another_blender_draws_is_left_to_it(make_queue, begin, root):
    job = undrawn(make_queue(), begin, root)
    first, second = make_queue(python=HOLDS), make_queue()
    first.look()
    until_held(first, job)
    second.look()
    assert second.processes == {}
    first.processes[job.id].kill()


@pytest.mark.parametrize("wish", ["remove", "retry"])
def test_whoever_has_other_wishes_does_not_wait_for_a_drawing(make_queue, begin, root, wish):
    queue = make_queue()
    job = begin(queue)
    queue.look()
    drawing = queue.processes[job.id]
    change(root, job, state=State.READY)
    queue.look()
    getattr(queue, wish)(job.id)
    assert drawing.poll() is not None
    queue.look()
    assert (root / job.id).exists() == (wish == "retry") == (job.id in queue.processes)


def test_a_thumbnail_that_comes_after_its_model_is_news_for_what_draws(make_queue, begin, root):
    queue = make_queue()
    job = begin(queue)
    queue.look()
    change(root, job, state=State.READY)
    queue.look()
    queue.take_changes()
    (root / job.id / "thumbnail.png").write_bytes(b"PNG")
    change(root, job)
    end_of(queue, job)
    queue.look()
    assert queue.take_changes() == {job.id} and not queue.is_busy()
