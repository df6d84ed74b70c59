# SPDX-License-Identifier: GPL-3.0-or-later
"""What dev.py says when something is missing, and that it tells a failing, crashing or hanging suite apart. Fetches nothing."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

DEV = Path(__file__).resolve().parents[2] / "dev.py"


@pytest.fixture(scope="module")
def dev():
    spec = importlib.util.spec_from_file_location("dev", DEV)
    module = importlib.util.module_from_spec(spec)
    sys.modules["dev"] = module  # where a class of it looks up its own module
    spec.loader.exec_module(module)
    return module


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(DEV), *arguments], capture_output=True, text=True, timeout=60)


def is_one_sentence(text: str) -> bool:
    return len(text.strip().splitlines()) == 1 and text.strip().endswith(".")


def test_parses_on_every_python_that_has_to_read_its_sentence():
    ast.parse(DEV.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_alone_lists_its_commands():
    done = run()
    assert done.returncode == 0
    for command in ("demo", "test", "check", "bench", "build"):
        assert f"\n    {command} " in done.stdout
    assert "_demo_inside" not in done.stdout


@pytest.mark.parametrize("version", [(3, 8), (3, 12), (3, 14)])
def test_another_python_is_told_which_one_is_needed(dev, version):
    with pytest.raises(dev.Stop) as stop:
        dev.require_python(version)
    assert "3.11 and 3.13" in str(stop.value)
    assert f"Python {version[0]}.{version[1]}," in str(stop.value)


def test_a_missing_picture_is_one_sentence():
    done = run("demo", "--image", "no such picture.png")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    assert "no such picture.png" in done.stderr


def test_no_network_is_told_from_pips_own_output(dev, tmp_path):
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
    sentence = dev.pip_sentence(done.stdout + done.stderr, "Blender 4.5", tmp_path / "log")
    assert sentence.startswith("No network: pip has to fetch Blender 4.5")
    assert is_one_sentence(sentence)


def test_no_wheel_for_this_machine_is_told_apart_from_no_network(dev, tmp_path):
    pip = [sys.executable, "-m", "pip", "--isolated", "download", "--no-index", "bpy"]
    done = subprocess.run(pip, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    sentence = dev.pip_sentence(done.stdout + done.stderr, "Blender 4.5", tmp_path / "log")
    assert sentence.startswith("There is no wheel of Blender 4.5")


def test_a_refused_certificate_is_not_taken_for_a_missing_wheel(dev, tmp_path):
    output = "Could not fetch URL: (Caused by SSLError(...))\nERROR: No matching distribution found for bpy==4.5.*"
    assert dev.pip_sentence(output, "Blender 4.5", tmp_path / "log").startswith("No safe network")


def test_another_failure_of_pip_names_its_log(dev, tmp_path):
    sentence = dev.pip_sentence("Collecting x\nERROR: the moon is wrong\n", "the checkers", tmp_path / "log")
    assert "the moon is wrong" in sentence
    assert str(tmp_path / "log") in sentence


@pytest.mark.parametrize("said", ["OSError: [Errno 28] No space left on device", "[Errno 122] Disk quota exceeded"])
def test_a_full_disk_is_told_whoever_meets_it(dev, tmp_path, said):
    assert dev.pip_sentence(f"ERROR: {said}", "Blender 4.5", tmp_path / "log").startswith("The disk is full")


def test_too_little_space_is_told_before_anything_is_fetched(dev, tmp_path):
    with pytest.raises(dev.Stop, match="disk is full"):
        dev.require_space(tmp_path, 1e9)  # an exabyte


def test_an_interrupted_environment_is_made_again(dev, tmp_path, monkeypatch):
    made = []

    def make(folder, python):
        made.append(folder)
        executable = dev.python_of(folder)
        executable.parent.mkdir(parents=True)
        executable.touch()

    monkeypatch.setattr(dev, "VENV", tmp_path)
    monkeypatch.setattr(dev, "make_environment", make)
    monkeypatch.setattr(dev, "install", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    arguments = (tmp_path / "some", "something", sys.executable, ["one==1"], 0.0)
    with pytest.raises(KeyboardInterrupt):
        dev.environment(*arguments)
    monkeypatch.setattr(dev, "install", lambda *_: None)
    dev.environment(*arguments)
    dev.environment(*arguments)  # fits: nothing is made
    assert len(made) == 2
    dev.environment(*arguments[:3], ["one==2"], 0.0)  # another requirement
    assert len(made) == 3


def suite(dev, folder: Path, source: str, seconds: float = 60.0, narrowed: bool = False):
    (folder / "test_it.py").write_text(source, encoding="utf-8")
    arguments = [str(folder), f"--confcutdir={folder}", "-p", "no:cacheprovider"]
    return dev.run_suite(Path(sys.executable), "it", arguments, seconds=seconds, narrowed=narrowed)


def test_a_suite_that_passes(dev, tmp_path):
    outcome = suite(dev, tmp_path, "def test_it(): pass")
    assert (outcome.problem, outcome.facts) == ("", "1 passed")


def test_a_suite_that_fails(dev, tmp_path):
    assert suite(dev, tmp_path, "def test_it(): assert False").problem == "1 failed"


def test_a_suite_without_tests_fails(dev, tmp_path):
    assert suite(dev, tmp_path, "").problem == "no tests found"
    assert suite(dev, tmp_path, "", narrowed=True).problem == ""


@pytest.mark.skipif(sys.platform == "win32", reason="a crash is no signal there")
def test_a_suite_that_crashes_is_named_by_its_signal(dev, tmp_path):
    source = "import os, signal\ndef test_it(): os.kill(os.getpid(), signal.SIGSEGV)"
    assert suite(dev, tmp_path, source).problem == "crashed with SIGSEGV"


@pytest.mark.skipif(sys.platform == "win32", reason="a crash is no signal there")
def test_a_crash_after_the_last_test_is_a_failure_too(dev, tmp_path):
    source = "import atexit, os\ndef test_it(): atexit.register(os.abort)"
    assert suite(dev, tmp_path, source).problem == "crashed with SIGABRT at its end, after all its tests"


def test_a_suite_that_hangs_is_ended(dev, tmp_path):
    assert suite(dev, tmp_path, "import time\ndef test_it(): time.sleep(99)", seconds=2).problem.startswith(
        "hung before"
    )


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
def test_what_the_platform_refuses_is_found(dev, source, reason):
    assert [sentence for _line, sentence in dev.forbidden(source, "api/x.py")] == [reason]


def test_bpy_at_module_level_is_found_in_the_package_only(dev):
    nested = "try:\n    import bpy\nexcept ImportError:\n    pass"
    assert dev.forbidden(nested, "__init__.py") == [(2, "bpy imported at module level")]
    assert dev.forbidden("def register():\n    import bpy", "__init__.py") == []
    assert dev.forbidden("import bpy", "scene/x.py") == []


def test_no_broken_python_is_taken_for_one(dev, tmp_path):
    broken = tmp_path / "python3.13"
    broken.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    broken.chmod(0o755)
    assert dev.python_path_or_none([str(broken)], (3, 13)) is None
    version = sys.version_info[:2]
    assert dev.python_path_or_none([sys.executable], version)
    assert dev.python_path_or_none([sys.executable], (2, 7)) is None
