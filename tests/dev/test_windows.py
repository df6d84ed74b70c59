# SPDX-License-Identifier: GPL-3.0-or-later
"""Which real Blenders `dev.py test` finds, what it says of those it leaves out and of what is missing, and of a Blender
that cannot be brought.

Starts stand-ins for Blender, never a real one, and fetches nothing.
"""

import argparse
import importlib
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

if "tools" not in sys.modules:  # without the checkout on the search path: its rooms have everyday names
    sys.modules["tools"] = types.ModuleType("tools")
    sys.modules["tools"].__path__ = [str(ROOT / "tools")]
common, debian, suites, windows = (
    importlib.import_module(f"tools.{name}") for name in ("common", "debian", "suites", "windows")
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are scripts of a shell")


def program(path: Path, says: str = "", code: int = 0) -> str:
    """An executable that prints `says`, whatever it is asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\nexit {code}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def path(tmp_path):
    """A PATH of the test's own, with the `cat` that the stand-ins need and nothing else."""
    folder = tmp_path / "on the path"
    folder.mkdir()
    (folder / "cat").symlink_to("/bin/cat")
    return folder


def find(path: Path, blenders=()):
    variables = {"PATH": str(path)}
    if blenders:
        variables["BLENDER"] = os.pathsep.join(blenders)
    return windows.find_window_blenders(variables)


def test_every_blender_in_the_variable_is_found_in_its_order_and_once(tmp_path, path):
    new = program(tmp_path / "new ones" / "blender", "Blender 5.2.2 LTS\n\tbuild date: today")
    old = program(tmp_path / "b43", "a warning\nBlender 4.3.2")
    program(path / "blender", "Blender 4.5.0")
    assert find(path, [new, old, new, ""]) == ([(new, "5.2.2"), (old, "4.3.2")], [])


def test_a_name_in_the_variable_is_looked_for_on_the_path(path):
    found = program(path / "blender-5", "Blender 5.0.1")
    assert find(path, ["blender-5"]) == ([(found, "5.0.1")], [])


def test_without_the_variable_the_blender_on_the_path_is_found(path):
    found = program(path / "blender", "Blender 4.5.0")
    assert find(path) == ([(found, "4.5.0")], [])


def test_that_there_is_none_says_how_to_name_or_bring_one(path):
    chosen, (sentence,) = find(path)
    assert not chosen
    assert sentence.startswith(
        "tests/gui, as no Blender with windows was found: set BLENDER to the path of one, or several"
    )
    assert "dev.py blenders" in sentence


@pytest.mark.parametrize(
    "version, is_left_out", [("3.6.9", True), ("4.1.1", True), ("4.2.0", False), ("4.10.0", False), ("10.0", False)]
)
def test_blenders_older_than_promised_are_left_out_with_a_sentence(tmp_path, path, version, is_left_out):
    blender = program(tmp_path / "b", f"Blender {version}")
    chosen, left_out = find(path, [blender])
    if is_left_out:
        assert not chosen
        assert left_out == [
            f"tests/gui in {blender}, as it is Blender {version} and 4.2 is the oldest that is promised."
        ]
    else:
        assert (chosen, left_out) == ([(blender, version)], [])


def test_what_the_variable_names_and_is_no_blender_ends_the_command(tmp_path, path):
    with pytest.raises(common.Stop, match="BLENDER names .*nowhere, and that is no program"):
        find(path, [str(tmp_path / "nowhere")])
    with pytest.raises(common.Stop, match="is no Blender that starts: Gimp 3"):
        find(path, [program(tmp_path / "gimp", "Gimp 3")])
    with pytest.raises(common.Stop, match="is no Blender that starts: a library is missing"):
        find(path, [program(tmp_path / "b", "a library is missing.", code=127)])


def test_a_broken_blender_on_the_path_is_left_out(path):
    broken = program(path / "blender", "a library is missing", code=127)
    assert find(path) == ([], [f"tests/gui, as {broken} is no Blender that starts: a library is missing."])


@pytest.mark.parametrize("variables", [{"DISPLAY": ":0"}, {"WAYLAND_DISPLAY": "wayland-0"}])
def test_a_screen_is_enough_and_so_is_xvfb(path, variables):
    program(path / "tesseract")
    assert "neither a screen nor Xvfb" in windows.missing_for_windows({"PATH": str(path)}, "linux")
    assert windows.missing_for_windows({"PATH": str(path), **variables}, "linux") == ""
    program(path / "Xvfb")
    assert windows.missing_for_windows({"PATH": str(path)}, "linux") == ""


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_windows_and_macos_have_a_screen_but_need_tesseract(path, platform):
    assert "tesseract is missing" in windows.missing_for_windows({"PATH": str(path)}, platform)
    program(path / "tesseract")
    assert windows.missing_for_windows({"PATH": str(path)}, platform) == ""


@pytest.fixture
def machine(tmp_path, path, monkeypatch):
    """A machine that has what tests in windows need, two Blenders, and tests for them."""
    tests = tmp_path / "tests"
    for suite in ("gui", "api"):
        (tests / suite).mkdir(parents=True)
        (tests / suite / "test_it.py").touch()
    monkeypatch.setattr(suites, "TESTS", tests)
    monkeypatch.setattr(suites, "windows_environment", lambda: Path("the python"))
    program(path / "Xvfb")
    program(path / "tesseract")
    blenders = [program(tmp_path / "b43", "Blender 4.3.2"), program(tmp_path / "b52", "Blender 5.2.2 LTS")]
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("BLENDER", os.pathsep.join(blenders))
    return types.SimpleNamespace(tests=tests, blenders=blenders)


def plan(*arguments, **options):
    return suites.window_suites(
        argparse.Namespace(**{"all": False, "blender": None, **options}, arguments=list(arguments))
    )


def test_the_suite_runs_once_for_each_blender_which_is_named_to_it(machine):
    planned, left_out = plan("-k", "y")
    assert not left_out
    assert [suite.name for suite in planned] == ["gui       Blender 4.3.2", "gui       Blender 5.2.2"]
    assert [suite.variables for suite in planned] == [{"IMAGE_TO_3D_BLENDER": blender} for blender in machine.blenders]
    assert all(suite.arguments == [str(machine.tests / "gui"), "-k", "y"] for suite in planned)


def test_paths_choose_between_windows_and_wheels(machine, monkeypatch):
    assert plan(str(machine.tests / "api" / "test_it.py")) == ([], [])
    mine = str(machine.tests / "gui" / "test_it.py")
    assert [suite.arguments for suite in plan(mine)[0]] == [[mine]] * 2
    monkeypatch.setattr(suites, "choose_blenders", lambda _: pytest.fail("a wheel was chosen"))
    assert suites.wheel_suites(argparse.Namespace(arguments=[mine])) == ([], [])


def test_a_wheel_that_is_asked_for_has_no_windows(machine):
    planned, (sentence,) = plan(blender="4.5")
    assert not planned
    assert "--blender 4.5" in sentence


def test_what_is_missing_leaves_the_suite_out(machine, path):
    (path / "tesseract").unlink()
    planned, (sentence,) = plan()
    assert not planned
    assert "tesseract is missing" in sentence


def test_the_variable_that_names_blender_reaches_the_suite_alone(monkeypatch):
    monkeypatch.setenv("BLENDER_USER_RESOURCES", "somebody's")
    kept = common.clean_environment(IMAGE_TO_3D_BLENDER="/b")
    assert kept["IMAGE_TO_3D_BLENDER"] == "/b"
    assert "BLENDER_USER_RESOURCES" not in kept


@pytest.mark.parametrize(
    "said, start",
    [
        ("E: Failed getting release file", "No network: Debian trixie"),
        ("W: Failed to fetch x\nE: Some index files failed", "No network: Debian trixie"),
        ("cannot copy: No space left on device", "The disk is full: "),
        ("E: No such script: /x/trixie", "This machine's debootstrap does not know Debian trixie"),
        ("E: the moon is wrong\nand more", "Debian trixie could not be made: E: the moon is wrong (see "),
    ],
)
def test_why_a_debian_could_not_be_made_is_told_from_its_log(tmp_path, monkeypatch, said, start):
    monkeypatch.setattr(debian, "VENV", tmp_path)
    trixie = debian.DEBIANS[0]
    trixie.log.write_text(said, encoding="utf-8")
    assert debian.problem_of(trixie, 0) == ""
    sentence = debian.problem_of(trixie, 100)
    assert sentence.startswith(start)
    assert len(sentence.splitlines()) == 1


def test_where_there_is_no_debootstrap_it_says_what_else_to_do(monkeypatch, path):
    monkeypatch.setattr(debian, "SBIN", str(path))
    monkeypatch.setenv("PATH", str(path))
    with pytest.raises(common.Stop, match="BLENDER"):
        debian.require_tools()


@pytest.mark.skipif(sys.platform != "linux", reason="made for Linux")
def test_who_is_not_root_is_told(monkeypatch, path):
    for name in ("debootstrap", "unshare", "chroot", "mount"):
        program(path / name)
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(common.Stop, match="only be made and entered by root"):
        debian.require_tools()


def test_a_finished_debian_is_kept_and_any_other_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(debian, "VENV", tmp_path)
    monkeypatch.setattr(debian, "require_space", lambda *_: None)
    trixie = debian.DEBIANS[0]
    begun = []

    def start(which):
        begun.append(which.suite)
        assert not list(which.folder.iterdir())
        (which.folder / "usr").mkdir()
        which.log.write_text("", encoding="utf-8")
        return subprocess.Popen(["true"], start_new_session=True)

    def proven(which):
        program(which.wrapper)
        which.stamp.write_text(debian.recipe(which), encoding="utf-8")
        return ""

    monkeypatch.setattr(debian, "start", start)
    monkeypatch.setattr(debian, "finish", lambda _: "It does not start.")
    assert not debian.fits(trixie)
    with pytest.raises(common.Stop, match="It does not start"):
        debian.make([trixie])
    assert not debian.fits(trixie)
    monkeypatch.setattr(debian, "finish", proven)
    debian.make([trixie])
    assert debian.fits(trixie)
    assert begun == ["trixie", "trixie"]
    assert not debian.fits(trixie._replace(packages=("blender",)))
