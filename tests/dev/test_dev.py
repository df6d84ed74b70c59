# SPDX-License-Identifier: GPL-3.0-or-later
"""What dev.py says when something is missing, and that it tells a failing, crashing or hanging suite apart. Fetches
nothing."""

import ast
import importlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / "dev.py"


def load(name):
    """Import one of dev.py's modules, without putting the checkout on the search path: its rooms have everyday
    names."""
    if "tools" not in sys.modules:
        spec = importlib.util.spec_from_file_location("tools", ROOT / "tools" / "__init__.py")
        sys.modules["tools"] = importlib.util.module_from_spec(spec)
        sys.modules["tools"].__path__ = [str(ROOT / "tools")]
    return importlib.import_module(f"tools.{name}")


checks, common, environments, suites = map(load, ("checks", "common", "environments", "suites"))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(DEV), *arguments], capture_output=True, text=True, timeout=60)


def is_one_sentence(text: str) -> bool:
    return len(text.strip().splitlines()) == 1 and text.strip().endswith(".")


def test_parses_on_every_python_that_has_to_read_its_sentence():
    for path in (DEV, *(ROOT / "tools").glob("*.py")):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_alone_lists_its_commands():
    done = run()
    assert done.returncode == 0
    for command in ("demo", "test", "blenders", "check", "bench", "fuzz", "service", "build", "release", "docs"):
        assert f"\n    {command} " in done.stdout
    assert "_demo_inside" not in done.stdout


def fuzz(part: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `dev.py fuzz` starts, in this Python: the command itself would make the environment first."""
    program = [sys.executable, str(ROOT / "tests" / suites.FUZZES[part])]
    return subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=100)


def test_fuzz_says_what_it_takes_and_which_calls_there_are():
    done = fuzz("services", "--help")
    assert done.returncode == 0
    for word in ("--answers", "--seed", "--only", "--case", "--lanes", "--limit", "meshy.create", "csm.job"):
        assert word in done.stdout


def test_fuzz_says_which_kinds_of_models_there_are():
    done = fuzz("models", "--help")
    assert done.returncode == 0
    for word in ("--files", "--seed", "--only", "--case", "--lanes", "--limit", "escapes", "bombs"):
        assert word in done.stdout


def test_fuzz_names_the_calls_where_it_is_asked_for_another():
    done = fuzz("services", "--only", "meshy.paint")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert "meshy.paint" in done.stderr and "meshy.create" in done.stderr


def test_fuzz_names_the_kinds_where_it_is_asked_for_another():
    done = fuzz("models", "--only", "meshy.create")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert "meshy.create" in done.stderr and "draco" in done.stderr


def test_fuzz_asks_which_part_an_argument_is_for():
    done = run("fuzz", "--only", "cut")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert "services or models" in done.stderr


@pytest.mark.parametrize("version", [(3, 8), (3, 12), (3, 14)])
def test_another_python_is_told_which_one_is_needed(version):
    with pytest.raises(common.Stop) as stop:
        environments.require_python(version)
    assert "3.11 and 3.13" in str(stop.value)
    assert f"Python {version[0]}.{version[1]}," in str(stop.value)


def test_a_missing_picture_is_one_sentence():
    done = run("demo", "--image", "no such picture.png")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert "no such picture.png" in done.stderr


def test_no_network_is_told_from_pips_own_output(tmp_path):
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--isolated",
        "download",
        "--retries=1",
        "--index-url=http://127.0.0.1:9/",
        "bpy",
    ]
    done = subprocess.run(pip, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    sentence = environments.pip_sentence(done.stdout + done.stderr, "Blender 4.5", tmp_path / "log")
    assert sentence.startswith("No network: pip has to fetch Blender 4.5")
    assert is_one_sentence(sentence)


def test_no_wheel_for_this_machine_is_told_apart_from_no_network(tmp_path):
    pip = [sys.executable, "-m", "pip", "--isolated", "download", "--no-index", "bpy"]
    done = subprocess.run(pip, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    sentence = environments.pip_sentence(done.stdout + done.stderr, "Blender 4.5", tmp_path / "log")
    assert sentence.startswith("There is no wheel of Blender 4.5")


def test_a_refused_certificate_is_not_taken_for_a_missing_wheel(tmp_path):
    output = "Could not fetch URL: (Caused by SSLError(...))\nERROR: No matching distribution found for bpy==4.5.*"
    assert environments.pip_sentence(output, "Blender 4.5", tmp_path / "log").startswith("No safe network")


def test_another_failure_of_pip_names_its_log(tmp_path):
    sentence = environments.pip_sentence("Collecting x\nERROR: the moon is wrong\n", "the checkers", tmp_path / "log")
    assert "the moon is wrong" in sentence
    assert str(tmp_path / "log") in sentence


@pytest.mark.parametrize("said", ["OSError: [Errno 28] No space left on device", "[Errno 122] Disk quota exceeded"])
def test_a_full_disk_is_told_whoever_meets_it(tmp_path, said):
    assert environments.pip_sentence(f"ERROR: {said}", "Blender 4.5", tmp_path / "log").startswith("The disk is full")


def test_too_little_space_is_told_before_anything_is_fetched(tmp_path):
    with pytest.raises(common.Stop, match="disk is full"):
        common.require_space(tmp_path, 1e9)  # an exabyte


def test_an_interrupted_environment_is_made_again(tmp_path, monkeypatch):
    made = []

    def make(folder, python):
        made.append(folder)
        executable = environments.python_of(folder)
        executable.parent.mkdir(parents=True)
        executable.touch()

    monkeypatch.setattr(environments, "VENV", tmp_path)
    monkeypatch.setattr(environments, "make_environment", make)
    monkeypatch.setattr(environments, "install", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    arguments = (tmp_path / "some", "something", sys.executable, ["one==1"], 0.0)
    with pytest.raises(KeyboardInterrupt):
        environments.environment(*arguments)
    monkeypatch.setattr(environments, "install", lambda *_: None)
    environments.environment(*arguments)
    environments.environment(*arguments)  # fits: nothing is made
    assert len(made) == 2
    environments.environment(*arguments[:3], ["one==2"], 0.0)  # another requirement
    assert len(made) == 3


def suite(folder: Path, source: str, seconds: float = 60.0, narrowed: bool = False):
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    return suites.run_suites([planned(folder, seconds=seconds, narrowed=narrowed)], 1)[0]


def planned(folder: Path, name: str = "it", **more):
    arguments = [str(folder), f"--confcutdir={folder}", "-p", "no:cacheprovider"]
    return suites.Suite(name, f"the title of {name}", Path(sys.executable), arguments, **more)


def test_a_suite_that_passes(tmp_path):
    outcome = suite(tmp_path, "def test_it(): pass")
    assert (outcome.problem, outcome.facts) == ("", "1 passed")


def test_a_suite_that_fails(tmp_path):
    assert suite(tmp_path, "def test_it(): assert False").problem == "1 failed"


def test_a_suite_without_tests_fails(tmp_path):
    assert suite(tmp_path, "").problem == "no tests found"
    assert suite(tmp_path, "", narrowed=True).problem == ""


@pytest.mark.skipif(sys.platform == "win32", reason="a crash is no signal there")
def test_a_suite_that_crashes_is_named_by_its_signal(tmp_path):
    source = "import os, signal\ndef test_it(): os.kill(os.getpid(), signal.SIGSEGV)"
    assert suite(tmp_path, source).problem == "crashed with SIGSEGV"


@pytest.mark.skipif(sys.platform == "win32", reason="a crash is no signal there")
def test_a_crash_after_the_last_test_is_a_failure_too(tmp_path):
    source = "import atexit, os\ndef test_it(): atexit.register(os.abort)"
    assert suite(tmp_path, source).problem == "crashed with SIGABRT at its end, after all its tests"


def test_a_suite_that_hangs_is_ended(tmp_path):
    assert suite(tmp_path, "import time\ndef test_it(): time.sleep(99)", seconds=2).problem.startswith("hung before")


def test_a_suite_that_hangs_while_python_ends_says_so_and_where_before_its_time_is_over(tmp_path, capfd):
    source = "import atexit, time\ndef test_it(): atexit.register(time.sleep, 99)"
    (tmp_path / "test_it.py").write_text(source, encoding="utf-8")
    guard = (
        (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8").replace("EXIT_SECONDS = 30", "EXIT_SECONDS = 1")
    )
    (tmp_path / "conftest.py").write_text(guard, encoding="utf-8")
    outcome = suites.run_suites([planned(tmp_path, seconds=60)], 1)[0]
    assert (outcome.problem, outcome.facts) == ("hung at its end, after all its tests", "1 passed")
    assert "Timeout (0:00:01)!" in capfd.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks there")
def test_a_suite_that_hangs_leaves_nothing_running(tmp_path):
    import fcntl

    held = tmp_path / "held"
    assert suite(tmp_path, HOLD.format(held=str(held)), seconds=3).problem.startswith("hung before")
    with held.open("r+") as file:
        wait_for(lambda: not is_locked(file, fcntl))


HOLD = """
import fcntl, subprocess, time
def test_it():
    with open({held!r}, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        subprocess.Popen(["sleep", "99"], pass_fds=[file.fileno()])
        time.sleep(99)
"""


def is_locked(file, fcntl) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def test_of_suites_side_by_side_each_says_all_it_said_under_its_title_and_fails_alone(tmp_path, capfd):
    sources = {
        "meets": WAIT.format(mine="a", others="b"),
        "met": WAIT.format(mine="b", others="a"),
        "fails": "def test_it(): assert False, 'the moon is wrong'",
    }
    runs = []
    for name, source in sources.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "test_it.py").write_text(source.replace("FOLDER", repr(str(tmp_path))), encoding="utf-8")
        runs.append(planned(tmp_path / name, name))
    outcomes = suites.run_suites(runs, 2)
    assert [(o.name, o.problem) for o in outcomes] == [("meets", ""), ("met", ""), ("fails", "1 failed")]
    blocks = {part.split(" ===")[0]: part for part in capfd.readouterr().out.split("=== the title of ")[1:]}
    assert set(blocks) == set(sources)
    assert [name for name, block in blocks.items() if "the moon is wrong" in block] == ["fails"]


WAIT = """
import pathlib, time
def test_it():
    folder = pathlib.Path(FOLDER)
    (folder / "{mine}").touch()
    until = time.monotonic() + 30
    while not (folder / "{others}").exists():
        assert time.monotonic() < until, "nobody ran beside this"
        time.sleep(0.05)
"""


def test_the_longest_suites_begin_first(tmp_path, capfd):
    lengths = {"short": 1.0, "long": 9.0, "unknown": 0.0, "longer": 20.0}
    for name in lengths:
        (tmp_path / name).mkdir()
        (tmp_path / name / "test_it.py").write_text("def test_it(): pass", encoding="utf-8")
    runs = [planned(tmp_path / name, name, length=length) for name, length in lengths.items()]
    assert [outcome.name for outcome in suites.run_suites(runs, 2)] == list(lengths)
    said = [line for line in capfd.readouterr().out.splitlines() if line.startswith("Started: ")]
    assert said == [f"Started: the title of {name}" for name in ("longer", "long", "short", "unknown")]


def test_a_parted_suite_runs_each_file_once(tmp_path):
    for name, size in {"a": 900, "b": 500, "c": 400, "d": 10}.items():
        (tmp_path / f"test_{name}.py").write_text(" " * size, encoding="utf-8")
    whole = suites.Suite("blender", "blender in 4.5", Path("python"), [str(tmp_path)], length=100.0)
    assert suites.parts_of(whole, tmp_path, (), 1) == [whole]
    parts = suites.parts_of(whole, tmp_path, (("test_d.py", "test_gone.py"),), 3)
    assert [part.name for part in parts] == ["blender 1 of 3", "blender 2 of 3", "blender 3 of 3"]
    assert [[Path(path).stem[-1] for path in part.arguments] for part in parts] == [["d"], ["a"], ["b", "c"]]


def test_windows_are_tested_by_one_suite_at_a_time_and_first():
    plain, other = (suites.Suite(name, name, Path("python"), []) for name in ("plain", "other"))
    first, second = (suites.Suite(name, name, Path("python"), [], has_windows=True) for name in ("4.3", "5.2"))
    assert suites.startable([first, second, plain, other], [], 2) == [first, plain]
    assert suites.startable([second, other], [first], 2) == [other]
    assert suites.startable([second, other], [plain], 2) == [second]
    assert suites.startable([second, other], [first, plain], 2) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
def test_when_it_is_told_to_end_it_ends_what_it_started(tmp_path):
    alive = tmp_path / "alive"
    source = (
        f"import os, time\ndef test_it():\n    open({str(alive)!r}, 'w').write(str(os.getpid()))\n    time.sleep(99)"
    )
    (tmp_path / "test_it.py").write_text(source, encoding="utf-8")
    dev = subprocess.Popen(
        [sys.executable, "-c", DRIVER.format(root=str(ROOT), folder=str(tmp_path))], stderr=subprocess.PIPE
    )
    wait_for(lambda: alive.exists() and alive.read_text())
    dev.terminate()
    assert dev.communicate(timeout=30)[1] == b"Interrupted.\n"
    wait_for(lambda: not is_alive(int(alive.read_text())))


DRIVER = """
import sys
sys.path.insert(0, {root!r})
import dev
from pathlib import Path
from tools import suites
dev.main = lambda _: suites.run_suites([suites.Suite("it", "it", Path(sys.executable), [{folder!r}, "--confcutdir={folder}", "-p", "no:cacheprovider"])], 1)
dev.run()
"""


def wait_for(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    "source, reason",
    [
        ("import threading", "threading imported"),
        ("def f():\n    from threading import Thread", "threading imported"),
        ("eval('1')", "eval called"),
        ("import sys\nsys.path.insert(0, 'x')", "sys.path.insert called"),
        ("import sys\nsys.path += ['x']", "sys.path edited"),
        ("import sys\nsys.path[0] = 'x'", "sys.path edited"),
        ("run(['python', '-m', 'pip'])", "pip called"),
    ],
)
def test_what_the_platform_refuses_is_found(source, reason):
    assert [sentence for _line, sentence in checks.forbidden(source, "api/x.py")] == [reason]


def test_bpy_at_module_level_is_found_in_the_package_only():
    nested = "try:\n    import bpy\nexcept ImportError:\n    pass"
    assert checks.forbidden(nested, "__init__.py") == [(2, "bpy imported at module level")]
    assert checks.forbidden("def register():\n    import bpy", "__init__.py") == []
    assert checks.forbidden("import bpy", "scene/x.py") == []


def test_no_broken_python_is_taken_for_one(tmp_path):
    broken = tmp_path / "python3.13"
    broken.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    broken.chmod(0o755)
    assert environments.python_path_or_none([str(broken)], (3, 13)) is None
    version = sys.version_info[:2]
    assert environments.python_path_or_none([sys.executable], version)
    assert environments.python_path_or_none([sys.executable], (2, 7)) is None
