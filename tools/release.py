# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py release`: the zip, and a folder that Blender takes for a repository of extensions once it lies on a web
server. Looks first whether the checkout is fit for it. Publishes nothing, and sets no tag."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from .common import DIST, PACKAGE, ROOT, Stop, clean_environment, relative, remove_folder
from .environments import blender_environment, default_blender
from .package import blender_extension, build_zip

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

REPOSITORY = DIST / "repository"
MANIFEST = "blender_manifest.toml"
CHANGES = "CHANGELOG.md"
NAMED_AT_MOST = 5  # files of a sentence


def command_release(options: argparse.Namespace) -> int:
    """Make both anew, or stop with a sentence before anything is made."""
    version = require_releasable(ROOT)
    blender = default_blender()
    tool = functools.partial(blender_extension, blender_environment(blender, sys.executable), blender)
    DIST.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DIST) as folder:  # a failed release leaves the last good one alone
        built = build_zip(tool, Path(folder))
        made = Path(folder, REPOSITORY.name)
        make_repository(built, made, tool)
        remove_folder(REPOSITORY)
        made.rename(REPOSITORY)
        target = built.replace(DIST / built.name)
    print(
        f"\n{relative(target)} ({target.stat().st_size / 1000:.0f} kB), version {version}\n"
        f"{relative(REPOSITORY)} (the zip, index.json for Blender, index.html for people)\n\n"
        f"To publish it, set and push the tag v{version}, and put the files of the folder on a web server.\n"
        "Whoever enters the address of index.json in Blender (Preferences > Get Extensions > Repositories > + > Add\n"
        "Remote Repository) installs it from there, and is told of each later version."
    )
    return 0


def make_repository(built: Path, folder: Path, blender_tool: Callable[..., None]) -> None:
    """Make `folder` a repository with this one zip. `blender_tool` runs a command of Blender's tool for extensions.

    One version only: of several, Blender's tool lists each, and which of them a Blender offers is left open.
    """
    folder.mkdir()
    shutil.copy(built, folder)
    blender_tool("server-generate", "--repo-dir", str(folder), "--html")
    problem = index_problem(folder, built)
    if problem:
        raise Stop(f"The repository is not what it should be: {problem}.")


def index_problem(folder: Path, built: Path) -> str:
    """What is wrong with the index that Blender reads; empty if nothing is."""
    if not (folder / "index.html").is_file():
        return "index.html is missing"
    entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))["data"]
    if [entry["id"] for entry in entries] != [PACKAGE]:
        return f"index.json does not list {PACKAGE} alone"
    digest = hashlib.sha256(built.read_bytes()).hexdigest()
    if entries[0]["archive_hash"] != f"sha256:{digest}":
        return "the sum in index.json is not that of the zip"
    if entries[0]["archive_url"] != f"./{built.name}":
        return f"index.json does not lead to {built.name} beside it"
    return ""


# The checks before


def require_releasable(checkout: Path) -> str:
    """Return the version that this checkout may be released as. Raises `Stop` with what has to be done first."""
    version = manifest_version(checkout / MANIFEST)
    changed = [line[3:] for line in git(checkout, "status", "--porcelain").splitlines()]
    if changed:
        raise Stop(
            f"The checkout holds what is not committed ({named(changed)}): commit it or put it away first, so that "
            "the zip holds what the commit holds."
        )
    tags = git(checkout, "tag", "--list", "v*").split()
    if f"v{version}" in tags:
        raise Stop(
            f"Version {version} was released before, as the tag v{version} says: enter the next one in {MANIFEST} and "
            f"in {CHANGES}."
        )
    released = [tag[1:] for tag in tags if re.fullmatch(r"v\d+\.\d+\.\d+", tag)]
    latest = max(released, key=numbers, default="")
    if latest and numbers(version) < numbers(latest):
        raise Stop(f"Version {version} comes before {latest}, which was released already: Blender would not offer it.")
    require_changes(checkout / CHANGES, version)
    return version


def manifest_version(path: Path) -> str:
    """The version in a manifest: the only place where it is written by hand, but for the heading in the changes."""
    found = re.search(r'^version = "(.*)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    if not found or not re.fullmatch(r"\d+\.\d+\.\d+", found.group(1)):
        raise Stop(f"{path.name} has no version of the form 1.2.3.")
    return found.group(1)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def require_changes(path: Path, version: str) -> None:
    """Stop unless the newest part of the changes is about this version, and says something."""
    parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    heading, _, said = parts[0].partition("\n") if parts else ("", "", "")
    if heading.strip() != version:
        raise Stop(f'{path.name} does not begin with what is new in {version}: write that under "## {version}" first.')
    if not re.search(r"^- \S", said, re.MULTILINE):
        raise Stop(f"{path.name} says nothing about {version}: write what is new for users first.")


def git(checkout: Path, *arguments: str) -> str:
    """What git prints. Raises `Stop` where there is none, or the folder is no clone of its own."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=checkout, capture_output=True, text=True, env=clean_environment()
        )
    except FileNotFoundError:
        raise Stop("git is missing: a release is made from a commit.") from None
    if done.returncode:
        raise Stop(f"git does not know this folder: a release is made from a clone ({done.stderr.strip()}).")
    return done.stdout


def named(files: list[str]) -> str:
    """Names of files for a sentence, the first of many."""
    more = len(files) - NAMED_AT_MOST
    return ", ".join(files[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
