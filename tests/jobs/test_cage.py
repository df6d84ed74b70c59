# SPDX-License-Identifier: GPL-3.0-or-later
"""What a background Blender can do to the machine while it opens a stranger's file: what it knows, takes, reaches and
leaves behind. Real processes, shut in as in a job; a real Blender where its own words count."""

import ctypes
import errno
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from service.cube import cube_glb

import image_to_3d
from image_to_3d.jobs import folder as folders
from image_to_3d.jobs import worker
from image_to_3d.jobs.folder import State
from image_to_3d.programs import group
from image_to_3d.programs.bounds import GB, Bounds
from image_to_3d.programs.program import CONVERT, Program, blender_command

ROOT = Path(__file__).resolve().parents[2]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux holds it")
NOT_WINDOWS = pytest.mark.skipif(os.name == "nt", reason="there are no process groups")

SHUT_IN = """
import json, os, runpy, socket, subprocess, sys, time
runpy.run_path(LAUNCH)["load_package"]()
from image_to_3d.headless.report import Report, wait_for_request
from image_to_3d.programs import cage, process
process.end_with_starter()
cage.close()
request = wait_for_request()
from pathlib import Path
report = Report(Path(request["report"]))
def outcome(action):
    try:
        action()
    except BaseException as error:
        return type(error).__name__
    return "done"
def sleeping_child():
    child = os.fork()
    if not child:
        import signal
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        try:
            os.setsid()
        except OSError:
            pass
        time.sleep(600)
    return child
"""


@pytest.fixture
def run(tmp_path):
    """Starts a program of these lines as a job starts Blender; the first lines of each are those of `launch.py`."""
    programs = []

    def run(lines, request=None, *, bounds=None, warm=False):
        code = SHUT_IN.replace("LAUNCH", repr(str(ROOT / "programs" / "launch.py"))) + lines
        given = None if warm else request or {}
        command = [sys.executable, "-I", "-c", code]
        # With "-c", the request file is the second argument, as `launch.py` makes it the first.
        command[3] = code.replace("request = wait", "sys.argv[1:2] = []\nrequest = wait")
        programs.append(Program(command, "headless.nothing", given, tmp_path, tmp_path / "log.txt", bounds))
        return programs[-1]

    yield run
    for program in programs:
        program.stop()


def last_word(program, seconds=60):
    until = time.monotonic() + seconds
    while True:
        report = program.poll()
        if report.done is not None or report.error:
            return report
        assert time.monotonic() < until, "it has said nothing"
        time.sleep(0.01)


def wait_until(condition, seconds=30):
    until = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)
    return result


def is_alive(pid):
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_program_works_in_a_folder_of_its_own_with_nothing_but_its_request(run, tmp_path):
    (tmp_path / "beside.txt").write_text("not for it")
    program = run("""report.done(here=os.getcwd(), holds=sorted(os.listdir()))""")
    done = last_word(program).done
    assert Path(done["here"]).parent == tmp_path and Path(done["here"]).name.startswith("tmp-nothing-")
    assert done["holds"] == ["request.json"]


def test_two_programs_in_one_folder_do_not_meet(run):
    first, second = run("report.done(n=request['n'])", {"n": 1}), run("report.done(n=request['n'])", {"n": 2})
    assert (last_word(first).done["n"], last_word(second).done["n"]) == (1, 2)


def test_a_program_gets_to_know_no_keys_no_proxies_and_no_home(run, monkeypatch, tmp_path):
    secrets = {
        "MESHY_API_KEY": "a-key-0123456789",
        "GITHUB_TOKEN": "a-token-0123456789",
        "https_proxy": "http://user:word@proxy",
        "SSH_AUTH_SOCK": "/run/agent",
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/bus",
        "BLENDER_USER_SCRIPTS": "/home/me/scripts",
        "DISPLAY": ":0",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BLENDER_SYSTEM_SCRIPTS", "/opt/blender/scripts")
    seen = last_word(run("report.done(seen=dict(os.environ), home=os.path.expanduser('~'))")).done
    assert not set(secrets) & set(seen["seen"])
    assert not any(value in content for value in secrets.values() for content in seen["seen"].values())
    assert seen["seen"]["BLENDER_SYSTEM_SCRIPTS"] == "/opt/blender/scripts"
    assert Path(seen["home"]).parent == tmp_path and Path(seen["seen"]["TMPDIR"]).parent == tmp_path


@LINUX
def test_no_program_reaches_the_network_or_another_program(run):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        done = last_word(
            run(
                """
report.done(
    connect=outcome(lambda: socket.create_connection(("127.0.0.1", request["port"]), 5)),
    datagram=outcome(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    local=outcome(lambda: socket.socket(socket.AF_UNIX)),
    program=outcome(lambda: subprocess.run(["true"])),
    replaced=outcome(lambda: os.execv("/bin/true", ["true"])),
    session=outcome(os.setsid),
    group=outcome(lambda: os.setpgid(0, 0)),
)""",
                {"port": server.getsockname()[1]},
            )
        ).done
        assert {done.pop(name) for name in list(done) if name != "note"} == {"PermissionError"}
        with pytest.raises(TimeoutError):
            server.accept()


REFUSED = {  # of x86-64, from asm/unistd_64.h; the last is of no call, and of the numbers of x32
    "socket": 41,
    "execve": 59,
    "ptrace": 101,
    "setpgid": 109,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "execveat": 322,
    "io_uring_setup": 425,
    "pidfd_getfd": 438,
    "any of x32": 0x40000000 | 1000,
}


@LINUX
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are of x86-64")
def test_each_way_out_is_refused_by_the_kernel_itself(run):
    lines = """
import ctypes
system = ctypes.CDLL(None, use_errno=True)
def number_of_error(call):
    ctypes.set_errno(0)
    system.syscall(*map(ctypes.c_long, (call, -1, 0, 0, 0, 0, 0)))
    return ctypes.get_errno()
report.done(errors={name: number_of_error(call) for name, call in request["calls"].items()})
"""
    done = last_word(run(lines, {"calls": REFUSED})).done
    assert done["errors"] == dict.fromkeys(REFUSED, errno.EPERM)


@LINUX
def test_threads_that_were_there_before_are_shut_in_too(run):
    """A Blender has some when `launch.py` begins."""
    lines = SHUT_IN.partition("cage.close()")[0]
    code = f"""{lines.replace("LAUNCH", repr(str(ROOT / "programs" / "launch.py")))}
import threading
go, answers = threading.Event(), []
def later():
    go.wait(30)
    try:
        socket.socket()
        answers.append("done")
    except OSError as error:
        answers.append(type(error).__name__)
thread = threading.Thread(target=later)
thread.start()
cage.close()
go.set()
thread.join(30)
print(answers[0])
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "PermissionError\n", done.stderr


def test_a_server_on_this_machine_can_be_reached_by_who_is_not_shut_in():
    """So that the test above could fail."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), 5).close()


@LINUX
def test_memory_beyond_the_bound_is_refused_and_the_sentence_says_so(run):
    program = run("bytearray(3 << 30)", bounds=Bounds(1 * GB, 600))
    error = last_word(program).error
    assert error.startswith("The model needs more than 1 GB of memory to be prepared:") and "retry" in error
    assert "Model Memory" in error and "then retry" in error


@LINUX
def test_a_crash_with_the_memory_full_is_told_as_that(run):
    lines = """
report.progress(0.1, "Full")
kept = [bytearray(32 << 20) for _ in range(31)]
report.progress(0.2, "Crashing")
time.sleep(0.3)
os.kill(os.getpid(), 11)
"""
    assert "more than 1 GB of memory" in last_word(run(lines, bounds=Bounds(1 * GB, 600))).error


@pytest.mark.parametrize(
    ("says", "is_memory"),
    [
        ("Malloc returns null: len=1600000000 in imb_addrect, total 1234", True),
        ("Calloc returns null: len=16 in a b, total 1", True),
        ("terminate called after throwing an instance of 'std::bad_alloc'", True),
        ("numpy.core._exceptions._ArrayMemoryError: Unable to allocate 5.96 GiB", True),
        ("MemoryError", True),
        ("WARN: material MemoryErrorful", False),
        ("Segmentation fault", False),
    ],
)
def test_only_a_program_that_was_refused_memory_is_said_to_want_more(run, says, is_memory):
    program = run(f"print({says!r}, flush=True)\nos._exit(1)", bounds=Bounds(3 * GB, 600))
    assert ("more than 3 GB of memory" in last_word(program).error) == is_memory


def test_what_an_earlier_program_printed_is_not_taken_for_this_ones(run, tmp_path):
    (tmp_path / "log.txt").write_text("MemoryError\n")
    assert "unexpectedly" in last_word(run("os._exit(1)", bounds=Bounds(3 * GB, 600))).error


def test_time_beyond_the_bound_ends_the_program_and_the_sentence_says_so(run):
    program = run("""report.progress(0.5, "At it")\ntime.sleep(600)""", bounds=Bounds(3 * GB, 1.5))
    report = last_word(program)
    assert report.error.startswith("The model needs longer than 0.025 minutes to be prepared:")
    assert "Model Time" in report.error and "then retry" in report.error
    assert program.has_ended and program.poll().error == report.error


def test_the_time_runs_only_from_when_there_is_work(run):
    program = run("report.done(n=request['n'])", bounds=Bounds(3 * GB, 5.0), warm=True)
    until = time.monotonic() + 6
    while time.monotonic() < until:
        report = program.poll()
        assert not report.error and report.done is None
        time.sleep(0.05)
    program.give({"n": 7})
    assert last_word(program).done["n"] == 7


def test_a_program_that_dies_while_it_waits_says_so(tmp_path):
    dying = [sys.executable, "-I", "-c", "raise SystemExit(3)"]
    program = Program(dying, "headless.nothing", None, tmp_path, tmp_path / "log.txt", Bounds())
    assert "stopped unexpectedly (exit code 3) at: starting" in last_word(program).error
    program.stop()


@pytest.mark.skipif(sys.maxsize < 2**32, reason="the structure of 64 bits")
def test_the_limits_of_a_job_object_lie_where_windows_reads_them():
    # JOBOBJECT_EXTENDED_LIMIT_INFORMATION in winnt.h, of 64 bits; this is all of it that can be tried elsewhere
    at = {name: getattr(group.Limits, name).offset for name, *_ in group.Limits._fields_}
    assert ctypes.sizeof(group.Limits) == 144
    assert [at[name] for name in ("LimitFlags", "ActiveProcessLimit", "Affinity", "IoInfo")] == [16, 40, 48, 64]
    assert at["ProcessMemoryLimit"] == 112


@LINUX
@pytest.mark.parametrize("how", ["stopped", "too long", "crashed", "done"])
def test_what_a_program_has_started_ends_with_it(run, how):
    last = {"crashed": "os.kill(os.getpid(), 9)", "done": "report.done()\nos._exit(0)"}.get(how, "time.sleep(600)")
    lines = f"""report.progress(0.5, str(sleeping_child()))\ntime.sleep(0.5)\n{last}"""
    program = run(lines, bounds=Bounds(3 * GB, 2.0 if how == "too long" else 600))
    child = int(wait_until(lambda: program.poll().message))
    assert is_alive(child)
    if how == "stopped":
        program.stop()
    else:
        wait_until(lambda: (program.poll(), program.has_ended)[1])
    wait_until(lambda: not is_alive(child))


STARTER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from image_to_3d.programs.program import Program
program = Program([sys.executable, "-I", "-c", sys.argv[3]], "headless.nothing", {}, Path(sys.argv[2]), None)
while not program.poll().message:
    time.sleep(0.01)
print(program.poll().message, flush=True)
time.sleep(600)
"""


@LINUX
def test_a_program_and_what_it_has_started_end_when_their_starter_is_killed(tmp_path):
    """The child ignores SIGIO, and would leave the group if it could."""
    code = SHUT_IN.replace("LAUNCH", repr(str(ROOT / "programs" / "launch.py")))
    code = code.replace("request = wait", "sys.argv[1:2] = []\nrequest = wait")
    code += """report.progress(0.5, f"{os.getpid()} {sleeping_child()}")\ntime.sleep(600)"""
    where = str(Path(image_to_3d.__path__[0]).parent)
    command = [sys.executable, "-P", "-c", STARTER, where, str(tmp_path), code]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        pids = [int(word) for word in starter.stdout.readline().split()]
        assert len(pids) == 2 and all(map(is_alive, pids))
        starter.send_signal(signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, pids)))
    finally:
        starter.kill()
        starter.wait()
        starter.stdout.close()


def converting(tmp_path, glb):
    (tmp_path / "result.glb").write_bytes(glb)
    names = {"glb": "result.glb", "blend": "result.blend", "thumbnail": "thumbnail.png"}
    return {name: str(tmp_path / file) for name, file in names.items()} | {"name": "Cube", "quads": False}


def test_a_real_blender_converts_within_the_usual_bounds_and_ready_made(tmp_path):
    request = converting(tmp_path, cube_glb())
    program = Program(blender_command(""), CONVERT, None, tmp_path, tmp_path / "log.txt", Bounds())
    try:
        time.sleep(1.0)
        assert not program.poll().error
        program.give(request)
        assert last_word(program).done["faces"] == 12, (tmp_path / "log.txt").read_text()
    finally:
        program.stop()
    assert (tmp_path / "result.blend").exists() and "not shut off" not in (tmp_path / "log.txt").read_text()


@LINUX
def test_a_real_blender_without_room_is_told_as_that(tmp_path):
    request = converting(tmp_path, cube_glb())
    program = Program(blender_command(""), CONVERT, request, tmp_path, tmp_path / "log.txt", Bounds(GB // 2, 60))
    try:
        assert "more than 0.5 GB of memory" in last_word(program).error, (tmp_path / "log.txt").read_text()
    finally:
        program.stop()


SLOW = """#!/bin/sh
exec '{python}' -IS -c "
import json, sys, time
if sys.argv[-2] == 'headless.convert':
    time.sleep(600)
sys.argv[0] = {stand_in!r}
exec(open({stand_in!r}).read())
" "$@"
"""


@NOT_WINDOWS
def test_a_job_whose_model_takes_too_long_fails_and_keeps_it(jobs, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text(SLOW.format(python=sys.executable, stand_in=str(ROOT / "tests/programs/stand_in_blender.py")))
    slow.chmod(0o755)
    folder = jobs.create()
    config = {"blender": str(slow), "model_bounds": {"memory_bytes": 3 * GB, "seconds": 1.2}}
    started = worker.start(folder, python=[sys.executable, "-I"], config=config)
    jobs.started.append(started)
    started.wait(60)
    job = folders.read(folder)
    assert job.state is State.FAILED, job.message
    assert "longer than 0.02 minutes" in job.message and "kept as result.glb in the job's folder" in job.message
    assert (folder / "result.glb").exists()
