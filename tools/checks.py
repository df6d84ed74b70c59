# SPDX-License-Identifier: GPL-3.0-or-later
"""`dev.py check`: style, types, who imports whom, and what Blender's extension platform refuses. Changes nothing."""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import tempfile
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from .common import (
    PACKAGE,
    PRODUCT,
    ROOT,
    SHIPPED_FILES,
    VENV,
    Outcome,
    clean_environment,
    ending,
    headline,
    link_folder,
    product_files,
    relative,
    report,
)
from .environments import check_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


STRICT = ("programs", "api", "jobs")  # the rooms without bpy


def command_check(options: argparse.Namespace) -> int:
    """Every step runs, even after one has failed."""
    executable = str(check_environment())
    link_folder(VENV / "linked" / PACKAGE)
    steps = [
        ("platform", check_rules),
        *((name, command) for name, command in checkers(executable)),
        ("mypy, strict: scripts of users", lambda: check_from_outside(executable)),
    ]
    outcomes = []
    for name, step in steps:
        headline(name)
        started = time.monotonic()
        problem = step() if callable(step) else run_checker(step)
        outcomes.append(Outcome(name, "", time.monotonic() - started, problem))
    return report(outcomes)


def checkers(executable: str) -> list[tuple[str, list[str]]]:
    """The programs that check, each by its command. They see the checkout under its package name (see
    `run_checker`)."""
    config = str(ROOT / "pyproject.toml")
    cache = str(ROOT / ".mypy_cache")
    mypy = [executable, "-P", "-m", "mypy", f"--config-file={config}"]
    strict = ["-m", f"{PACKAGE}.files", *(part for name in STRICT for part in ("-p", f"{PACKAGE}.{name}"))]
    rest = [part for name in PRODUCT if name not in STRICT for part in ("-p", f"{PACKAGE}.{name}")]
    linter = "from importlinter.cli import lint_imports_command as main; main()"
    return [
        ("ruff check", [executable, "-m", "ruff", "check", str(ROOT)]),
        ("ruff format", [executable, "-m", "ruff", "format", "--check", str(ROOT)]),
        ("mypy, strict: files, programs, api, jobs", [*mypy, f"--cache-dir={cache}/strict", "--strict", *strict]),
        ("mypy: the rest", [*mypy, f"--cache-dir={cache}/rest", "-m", PACKAGE, *rest]),
        ("who may import whom", [executable, "-c", linter, "--config", config, "--no-cache", "--no-logo"]),
    ]


# What mypy says of the stubs and not of our code: attributes that depend on the kind of node or on what an extension
# registers, a vector that is no sequence to them, mix-ins that give a panel its place.
STUB_GAP = re.compile(
    r'error: "(type\[)?(Node|NodeSocket|Modifier|Scene|WindowManager|ID|PropertyGroup|AddonPreferences|float|None)\]?"'
    " has no attribute"
    '|error: Module has no attribute "(python_args|image_to_3d)"'
    '|error: No overload variant of .* matches argument type "Vector"'
    '|error: Definition of "bl_[a-z_]+" in base class'
)


def without_stub_gaps(lines: Sequence[str]) -> list[str]:
    """mypy's lines without those that tell of a gap in the stubs, nor the notes that belong to them."""
    kept, dropped = [], False
    for line in lines:
        dropped = bool(STUB_GAP.search(line)) or (dropped and ": note: " in line)
        if not dropped:
            kept.append(line)
    return kept


def run_checker(command: Sequence[str]) -> str:
    """Run in a folder that holds the checkout under its package name, whatever the checkout itself is called."""
    linked = VENV / "linked"
    paths = clean_environment(MYPYPATH=str(linked), PYTHONPATH=str(linked))
    done = subprocess.run(command, cwd=linked, env=paths, stdout=subprocess.PIPE, text=True)
    lines = without_stub_gaps(done.stdout.splitlines())
    if done.returncode == 1 and len(lines) == 1 and lines[0].startswith("Found "):
        print("Nothing beside the gaps of the stubs.", flush=True)  # what is left is mypy's count of them
        return ""
    print("\n".join(lines), flush=True)
    return (ending(done.returncode) or f"exit {done.returncode}") if done.returncode else ""


SCRIPTS = (ROOT / "tests" / "typed" / "script.py", ROOT / "docs" / "generate_from_a_script.py")
"""What users write, for their type checker."""


def check_from_outside(executable: str) -> str:
    """Have mypy look at scripts as it does where the package is installed: by what is shipped, `py.typed` among it."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "bin", "python")
        venv.create(folder, symlinks=os.name != "nt")
        if os.name == "nt":
            python = Path(folder, "Scripts", "python.exe")
        packages = next(Path(folder).rglob("site-packages"))
        for path in [*product_files(), *(ROOT / name for name in SHIPPED_FILES)]:
            target = packages / PACKAGE / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        mypy = [executable, "-P", "-m", "mypy", "--strict", "--python-version=3.11", f"--python-executable={python}"]
        cache = f"--cache-dir={Path(folder, 'cache')}"
        done = subprocess.run([*mypy, "--config-file=", cache, *map(str, SCRIPTS)], cwd=folder, env=clean_environment())
    return (ending(done.returncode) or f"exit {done.returncode}") if done.returncode else ""


def check_rules() -> str:
    """What Blender's extension platform refuses, and paths of somebody's own machine."""
    found = []
    for path in product_files():
        source = path.read_text(encoding="utf-8")
        found += [f"{relative(path)}:{line}: {sentence}" for line, sentence in forbidden(source, relative(path))]
    for path in text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if HOME_PATH.search(line):
                found.append(f"{relative(path)}:{number}: a path of one machine")
    print("\n".join(found) or "Nothing found.", flush=True)
    return f"{len(found)} found" if found else ""


TEXT_ENDINGS = {".py", ".md", ".toml", ".txt", ".json", ".yml", ".yaml", ".cfg", ".sh", ".html", ".svg", ""}
HOME_PATH = re.compile(
    r"(?:/(?:home|Users)/|[A-Z]:\\Users\\)(?!you\b|name\b|user\b|me\b|NAME\b|USER\b)[\w.-]+[/\\]|/(?:root)/\.?\w"
)


def text_files() -> Iterator[Path]:
    """Every text file of the checkout that is ours: nothing that a tool made."""
    for folder, folders, names in os.walk(ROOT):
        made = {".git", "__pycache__", "dist", "demo"} if Path(folder) == ROOT else {"__pycache__"}
        folders[:] = sorted(f for f in folders if f not in made and not f.endswith("_cache") and f != ".venv")
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix in TEXT_ENDINGS and path.is_file():
                yield path


def forbidden(source: str, name: str) -> list[tuple[int, str]]:
    """The lines of one product file that the extension platform refuses, each with the reason."""
    found = []
    tree = ast.parse(source, name)
    for node in ast.walk(tree):
        for sentence in forbidden_here(node):
            found.append((node.lineno, sentence))  # type: ignore[attr-defined]  # each such node has a line
    if name == "__init__.py":
        found += [(line, "bpy imported at module level") for line in bpy_imports_at_module_level(tree)]
    return sorted(found)


def forbidden_here(node: ast.AST) -> Iterator[str]:
    """What this one node breaks."""
    for module in imported(node):
        if module.split(".")[0] in ("threading", "_thread", "pip", "ensurepip"):
            yield f"{module} imported"
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
            yield f"{node.func.id} called"
        if isinstance(node.func, ast.Attribute) and is_search_path(node.func.value):
            yield f"sys.path.{node.func.attr} called"
        if isinstance(node.func, ast.Attribute) and node.func.attr == "addsitedir":
            yield "site.addsitedir called"
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    for target in targets:
        if is_search_path(target.value if isinstance(target, ast.Subscript) else target):
            yield "sys.path edited"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"pip3?( install|$)", node.value):
        yield "pip called"


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def is_search_path(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "path" and getattr(node.value, "id", "") == "sys"


def bpy_imports_at_module_level(node: ast.AST) -> Iterator[int]:
    """Lines outside every function that import bpy, under `if` and `try` too (but not under `if TYPE_CHECKING`)."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if any(name.split(".")[0] == "bpy" for name in imported(child)):
            yield child.lineno  # type: ignore[attr-defined]  # an import has one
        yield from bpy_imports_at_module_level(child)
