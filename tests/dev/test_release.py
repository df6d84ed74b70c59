# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py release` stops before it makes anything where a release would be wrong, and makes a repository that Blender
can read. What Blender does with it is in tests/gui/test_release.py."""

import functools
import importlib
import json
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

if "tools" not in sys.modules:  # without the checkout on the search path: its rooms have everyday names
    sys.modules["tools"] = types.ModuleType("tools")
    sys.modules["tools"].__path__ = [str(ROOT / "tools")]
common, environments, package, release = (
    importlib.import_module(f"tools.{name}") for name in ("common", "environments", "package", "release")
)

MANIFEST = 'id = "image_to_3d"\nversion = "{}"\n'
CHANGES = "# Changes\n\n## {}\n\n- Something is better.\n\n## 0.0.1\n\n- First.\n"


def git(folder, *arguments):
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    """A clone that could be released as 1.10.0, after 1.9.0."""
    git(tmp_path, "init", "-q")
    (tmp_path / "blender_manifest.toml").write_text(MANIFEST.format("1.10.0"))
    (tmp_path / "CHANGELOG.md").write_text(CHANGES.format("1.10.0"))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Begin")
    git(tmp_path, "tag", "v1.9.0")
    return tmp_path


def commit(checkout, name, text):
    (checkout / name).write_text(text)
    git(checkout, "commit", "-q", "-a", "-m", "Go on")


def refusal(checkout):
    with pytest.raises(common.Stop) as stop:
        release.require_releasable(checkout)
    sentence = str(stop.value)
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


def test_a_clean_clone_with_a_new_version_and_its_changes_may_be_released(checkout):
    assert release.require_releasable(checkout) == "1.10.0"


def test_what_is_not_committed_is_named(checkout):
    (checkout / "new.py").write_text("")
    assert "(new.py)" in refusal(checkout)
    for number in range(9):
        (checkout / f"new{number}.py").write_text("")
    assert "and 5 more" in refusal(checkout)


def test_a_version_that_was_released_is_refused(checkout):
    git(checkout, "tag", "v1.10.0")
    assert "1.10.0 was released before" in refusal(checkout)


def test_a_version_that_comes_before_a_released_one_is_refused(checkout):
    git(checkout, "tag", "v1.11.0")
    assert "1.10.0 comes before 1.11.0" in refusal(checkout)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (CHANGES.format("1.9.0"), "does not begin with what is new in 1.10.0"),
        ("# Changes\n", "does not begin with what is new in 1.10.0"),
        ("# Changes\n\n## 1.10.0\n\n## 1.9.0\n\n- First.\n", "says nothing about 1.10.0"),
    ],
)
def test_changes_that_say_nothing_of_the_version_are_refused(checkout, changes, said):
    commit(checkout, "CHANGELOG.md", changes)
    assert said in refusal(checkout)


def test_a_version_that_is_none_is_refused(checkout):
    commit(checkout, "blender_manifest.toml", MANIFEST.format("next"))
    assert "no version of the form 1.2.3" in refusal(checkout)


def test_a_folder_that_is_no_clone_is_refused(tmp_path):
    (tmp_path / "blender_manifest.toml").write_text(MANIFEST.format("1.10.0"))
    assert "a release is made from a clone" in refusal(tmp_path)


def test_this_checkout_names_its_version_in_the_changes_and_nowhere_else_by_hand():
    version = release.manifest_version(ROOT / release.MANIFEST)
    release.require_changes(ROOT / release.CHANGES, version)
    listed = subprocess.run(["git", "ls-files", "*.py", "*.md", "*.toml"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no clone")
    holds = [name for name in listed.stdout.split() if f"3d-{version}" in (ROOT / name).read_text(encoding="utf-8")]
    assert holds == []


def test_the_repository_lists_the_zip_as_blender_reads_it(tmp_path):
    """Made by the tool of the Blender that runs the tests."""
    wheel = next(blender for blender in environments.BLENDERS if blender.folder == Path(sys.prefix))
    tool = functools.partial(package.blender_extension, Path(sys.executable), wheel)
    built = package.build_zip(tool, tmp_path)
    release.make_repository(built, tmp_path / "repository", tool)
    assert sorted(path.name for path in (tmp_path / "repository").iterdir()) == [built.name, "index.html", "index.json"]
    (entry,) = json.loads((tmp_path / "repository" / "index.json").read_text())["data"]
    version = release.manifest_version(ROOT / release.MANIFEST)
    assert (entry["id"], entry["version"], entry["blender_version_min"]) == ("image_to_3d", version, "4.2.0")
    assert entry["archive_size"] == built.stat().st_size and entry["permissions"].keys() == {
        "network",
        "files",
        "clipboard",
    }
    assert f'href="./{built.name}?repository=.%2Findex.json' in (tmp_path / "repository" / "index.html").read_text()
    assert release.index_problem(tmp_path / "repository", built) == ""
    with zipfile.ZipFile(built, "a") as archive:
        archive.writestr("more.py", "")
    assert "sum" in release.index_problem(tmp_path / "repository", built)
