# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C while a task is asked for, with real signals to a real process: whatever was paid for is known afterwards."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from scripted import http
from service.stand_in import StandIn

import image_to_3d
from image_to_3d import api

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signal for one process alone")

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "generate_from_a_script.py"

SCRIPT = """
import sys, time
from image_to_3d import api

service = api.connect("meshy", key=sys.argv[1], url=sys.argv[2])
parameters = {"image_url": sys.argv[3]}
def before():
    print("before", flush=True)
    if len(sys.argv) > 4:
        time.sleep(30)
try:
    print("task", service.create(parameters, before).id)
except api.CreateInterrupted as error:
    print("made", error.task.id if error.task else service.find(error.parameters, error.age_s), type(error.__cause__))
    print(error)
except KeyboardInterrupt as error:
    print("nothing", type(error.__cause__))
"""


class Once:
    """A server that reads one request, as far as `reads` bytes or whole, then waits for `say`."""

    def __init__(self, reads=None):
        self.has_read, self._answer = threading.Event(), threading.Event()
        self._reads, self._words = reads, b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection:
            request = b""
            while not self._is_enough(request):
                request += connection.recv(1000)
            self.has_read.set()
            self._answer.wait(60)
            connection.sendall(self._words)

    def _is_enough(self, request):
        if self._reads:
            return len(request) >= self._reads
        head, end, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        return bool(end) and length is not None and len(body) >= int(length[1])

    def say(self, words):
        self._words = words
        self._answer.set()

    def close(self):
        self._answer.set()
        self._listener.close()


@pytest.fixture
def once():
    made = []

    def once(**options):
        made.append(Once(**options))
        return made[-1]

    yield once
    for server in made:
        server.close()


@pytest.fixture
def start():
    """Start a script of a user's, of which everything is read as it comes."""
    running = []

    def start(*command):
        environment = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_API_URL"))}
        environment |= {"PYTHONPATH": str(Path(image_to_3d.__path__[0]).parent), "MESHY_API_KEY": StandIn.meshy_key}
        running.append(
            subprocess.Popen(
                [sys.executable, "-P", *command],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,  # nobody else hears of its interrupts
            )
        )
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def script(start, server, *more, picture="https://example.org/fox.png", key=StandIn.meshy_key, url=None):
    return start("-c", SCRIPT, key, url or server.url, picture, *more)


def interrupted(process):
    process.send_signal(signal.SIGINT)
    return process


def ended(process):
    said, trouble = process.communicate(timeout=30)
    assert "Traceback" not in trouble, trouble
    return said, trouble


def test_before_it_leaves_nothing_is_sent(start, once):
    server = once()
    process = script(start, server, "wait")
    assert process.stdout.readline() == "before\n"
    said, _ = ended(interrupted(process))
    assert said.startswith("nothing") and not server.has_read.is_set()


def test_in_the_middle_of_the_upload_it_ends_at_once_and_nothing_was_made(start, once, star, tmp_path):
    large = tmp_path / "large.png"
    large.write_bytes(star.read_bytes() + bytes(12_000_000))
    server = once(reads=100_000)
    process = script(start, server, picture=str(large))
    assert server.has_read.wait(30)
    said, _ = ended(interrupted(process))
    assert "nothing" in said


def test_the_answer_is_awaited_and_has_the_id(start, once):
    server = once()
    process = script(start, server)
    assert server.has_read.wait(30)
    interrupted(process)
    assert "its answer is awaited" in process.stderr.readline()
    server.say(http({"result": "task-1"}, "202 Accepted"))
    said, _ = ended(process)
    assert "made task-1 <class 'NoneType'>" in said
    assert "Meshy has made the task task-1: go on with that, and ask for no other." in said


def test_a_refusal_that_was_awaited_is_a_plain_interrupt(start, once):
    server = once()
    process = script(start, server)
    assert server.has_read.wait(30)
    interrupted(process)
    process.stderr.readline()
    server.say(http({"message": "no"}, "402 Payment Required"))
    said, _ = ended(process)
    assert "nothing <class 'image_to_3d.api.errors.NoCreditsError'>" in said


@pytest.mark.parametrize("again", [True, False], ids=["a second one", "lost"])
def test_where_the_answer_is_not_heard_the_task_is_found(start, cube, again):
    with StandIn(model=cube) as server:
        server.play("create", "hang_after", seconds=60.0 if again else 1.0)
        process = script(start, server, url=server.meshy_url)
        while not server.creates:
            assert process.poll() is None
        interrupted(process)
        assert "Interrupt once more" in process.stderr.readline()
        if again:
            interrupted(process)
        said, _ = ended(process)
        assert f"made ['{server.creates[0].id}']" in said and len(server.creates) == 1
        assert ("AnswerLostError" in said) is not again


def test_uncaught_it_tells_the_task_in_its_last_line(start, once):
    server = once()
    process = start(
        "-c",
        "import sys; from image_to_3d import api\n"
        'api.connect("meshy", url=sys.argv[1]).create({"image_url": "https://example.org/fox.png"})',
        server.url,
    )
    assert server.has_read.wait(30)
    interrupted(process)
    process.stderr.readline()
    server.say(http({"result": "task-1"}, "202 Accepted"))
    _, trouble = process.communicate(timeout=30)
    assert process.returncode != 0
    assert trouble.splitlines()[-1].endswith(
        "CreateInterrupted: Meshy has made the task task-1: go on with that, and ask for no other."
    )
    assert "During handling" not in trouble


def test_a_handler_of_somebody_s_own_is_left_alone_and_ours_is_taken_back(service):
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def own(number, frame):
        raise AssertionError

    try:
        for handler in (signal.default_int_handler, own):
            signal.signal(signal.SIGINT, handler)
            service.create(
                {"image_url": "https://example.org/fox.png"},
                before_sending=lambda: seen.append(signal.getsignal(signal.SIGINT)),
            )
            assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen[0] is not signal.default_int_handler and seen[1] is own


def test_in_another_thread_it_works_as_ever(service):
    made = []
    thread = threading.Thread(target=lambda: made.append(service.create({"image_url": "https://example.org/fox.png"})))
    thread.start()
    thread.join()
    assert isinstance(made[0], api.Task)


# The example in docs/


def example(start, server, tmp_path, *more, service="meshy", url=None):
    picture = tmp_path / "fox.png"
    picture.write_bytes((ROOT / "docs" / "penguin.png").read_bytes())
    return start(str(EXAMPLE), service, str(picture), str(tmp_path / "fox.glb"), f"--url={url or server.url}", *more)


def test_the_example_tells_the_task_that_was_made_nevertheless(start, once, tmp_path):
    server = once()
    process = example(start, server, tmp_path)
    assert server.has_read.wait(60)
    interrupted(process)
    process.stderr.readline()
    server.say(http({"result": "task-1"}, "202 Accepted"))
    _, trouble = ended(process)
    assert process.returncode == 130 and "--task task-1" in trouble


def test_the_example_goes_on_with_the_task_that_it_was_interrupted_at(start, cube, tmp_path):
    with StandIn(model=cube, seconds=None) as server:
        process = example(start, server, tmp_path, url=server.meshy_url)
        line = process.stdout.readline()
        made = server.creates[0].id
        assert f"--task {made}" in line
        _, trouble = ended(interrupted(process))
        assert process.returncode == 130 and f"--task {made}" in trouble
        server.finish(made)
        said, trouble = ended(example(start, server, tmp_path, "--task", made, url=server.meshy_url))
        assert "Saved" in said and not trouble and len(server.creates) == 1
