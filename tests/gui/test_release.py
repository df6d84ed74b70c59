# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository that `dev.py release` makes: a real Blender installs from it over loopback, and updates from it while
jobs are in the list.

`files/image_to_3d-0.1.0.zip` is the first version as it was given to people.
"""

import functools
import importlib
import json
import os
import shutil
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from gui import extension, jobs
from gui.blender import ROOT

from image_to_3d.jobs import folder as folders

if "tools" not in sys.modules:  # without the checkout on the search path: its rooms have everyday names
    sys.modules["tools"] = types.ModuleType("tools")
    sys.modules["tools"].__path__ = [str(ROOT / "tools")]
environments, package, release = (
    importlib.import_module(f"tools.{name}") for name in ("environments", "package", "release")
)

FIRST = Path(__file__).parent / "files" / "image_to_3d-0.1.0.zip"
PREFERENCES = {
    "meshy_key": "not-a-key-of-meshy",
    "csm_key": "not-a-key-of-csm",
    "csm_url": "http://127.0.0.1:9/csm",
    "jobs_at_once": 5,
    "time_limit": 77,
    "picture_limit": 2048,
}
"""Of the first version; what the environment sets goes before the keys and the addresses."""
DEADLINE_S = 150  # against a hang; nothing is measured with it

MODULE = "bl_ext.pictures.image_to_3d"

WITH_THE_FIRST = f"""
import bpy, sys
local, paid = sys.argv[sys.argv.index("--") + 1:]
ours = bpy.context.preferences.addons["{MODULE}"].preferences
for name, value in {PREFERENCES!r}.items():
    setattr(ours, name, value)
bpy.ops.wm.save_userpref()
settings = bpy.context.scene.image_to_3d
settings.local.resolution, settings.local.texture_model = "LOW_POLY", "NONE"
bpy.ops.image_to_3d.generate(filepath=local, service="LOCAL")
bpy.ops.image_to_3d.generate(filepath=paid, service="MESHY")
"""
"""A script that leaves an imported job, and one that waits for a service without end."""

AFTER_THE_UPDATE = f"""
import bpy, json, sys
ready, running, picture = sys.argv[sys.argv.index("--") + 1:]
ours = bpy.context.preferences.addons["{MODULE}"].preferences
said = {{"kept": {{name: getattr(ours, name) for name in {PREFERENCES!r}}}}}
settings = bpy.context.scene.image_to_3d
settings.local.resolution, settings.local.texture_model = "LOW_POLY", "NONE"
bpy.ops.image_to_3d.import_result(job=ready)
bpy.ops.image_to_3d.retry(job=running)
bpy.ops.image_to_3d.generate(filepath=picture, service="LOCAL")
said["models"] = sorted(o["image_to_3d_job"] for o in bpy.data.objects if "image_to_3d_job" in o)
print("SAID", json.dumps(said), flush=True)
"""


class User:
    """Somebody with a Blender and a user folder of their own, who works in a terminal."""

    def __init__(self, binary, folder, stand_in):
        self.binary = binary
        self.resources = folder / "resources"
        (self.resources / "config").mkdir(parents=True)  # else Blender takes the preferences of the system's user
        account = {name: value for name, value in jobs.account(stand_in).items() if not name.startswith("COMFYUI")}
        self.environment = {**os.environ, **account, "BLENDER_USER_RESOURCES": str(self.resources)}

    def extension(self, *arguments):
        """`blender --command extension`, where Blender may go online; return what it says."""
        return self._ended("--online-mode", "--command", "extension", *arguments)

    def run(self, code, *arguments):
        """A script in a background Blender; return what it says."""
        return self._ended(*self._script(code, arguments))

    def start(self, code, *arguments):
        """A script in a background Blender, which goes on."""
        return subprocess.Popen(
            [self.binary, *self._script(code, arguments)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def records(self):
        """What the jobs' records hold, by the picture's name."""
        folders = self.resources.glob("extensions/.user/pictures/image_to_3d/jobs/*/job.json")
        return {path.parent: json.loads(path.read_text()) for path in folders}

    def job(self, state):
        """The id of the one job in this state."""
        (found,) = [record["id"] for record in self.records().values() if record["state"] == state]
        return found

    def _script(self, code, arguments):
        return ("-b", "--python-exit-code", "7", "--python-expr", code, "--", *map(str, arguments))

    def _ended(self, *arguments):
        done = subprocess.run(
            [self.binary, *arguments], env=self.environment, capture_output=True, text=True, timeout=DEADLINE_S
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def tool(binary, tmp_path_factory):
    """Runs a command of Blender's tool for extensions as `dev.py release` does, from a wheel; where none is here, by
    the Blender that is tested, which takes seconds to start."""
    for wheel in environments.BLENDERS:
        python = next((wheel.folder / "bin").glob("python"), None)
        if python:
            return functools.partial(package.blender_extension, python, wheel)
    return functools.partial(extension.command, binary, tmp_path_factory.mktemp("resources"))


@pytest.fixture(scope="module")
def built(tool, tmp_path_factory):
    """The zip of this version."""
    return package.build_zip(tool, tmp_path_factory.mktemp("built"))


def publish(web, tool, folder, built):
    """Put a release on the web server; return the address that Blender wants."""
    release.make_repository(built, folder, tool)
    for path in folder.iterdir():
        web.serve(f"/{path.name}", path.read_bytes(), "application/octet-stream")
    return web.address("/index.json")


def copy_of(folder, state, number):
    """The same job once more, in another state; return its id."""
    made = shutil.copytree(folder, folder.with_name(f"20200101-000000-000000-000{number}"))
    record = json.loads((made / "job.json").read_text()) | {"id": made.name, "state": state}
    (made / "job.json").write_text(json.dumps(record))
    return made.name


@pytest.mark.timeout(400)
def test_installed_from_the_repository_and_updated_with_jobs_in_the_list(
    binary, tmp_path, web, tool, built, slow_services, star
):
    paid = tmp_path / "Paid Star.png"
    shutil.copy(star, paid)
    user = User(binary, tmp_path, slow_services)

    address = publish(web, tool, tmp_path / "first", FIRST)
    user.extension("repo-add", "--clear-all", "--name", "Pictures", "--url", address, "pictures")
    user.extension("install", "--sync", "--enable", "pictures.image_to_3d")
    going = user.start(WITH_THE_FIRST, star, paid)
    until = time.monotonic() + DEADLINE_S
    while not slow_services.creates or "running" not in {record["state"] for record in user.records().values()}:
        assert time.monotonic() < until and going.poll() is None, going.communicate()
        time.sleep(0.05)
    going.kill()
    going.communicate()
    while any(map(folders.is_locked, user.records())):  # the job's process ends by itself, as Blender has gone
        assert time.monotonic() < until, "a job's process goes on without Blender"
        time.sleep(0.05)
    (imported,) = [folder for folder, record in user.records().items() if record["state"] == "imported"]
    waits, broken = copy_of(imported, "ready", number=0), copy_of(imported, "failed", number=1)
    before = user.records()
    assert sorted(record["state"] for record in before.values()) == ["failed", "imported", "ready", "running"]

    publish(web, tool, tmp_path / "now", built)
    user.extension("update", "--sync")
    assert (
        f'version = "{extension.VERSION}"'
        in (user.resources / "extensions" / "pictures" / "image_to_3d" / "blender_manifest.toml").read_text()
    )
    assert user.records() == before

    (create,) = slow_services.creates
    slow_services.finish(create.id)
    running = user.job("running")
    output = user.run(AFTER_THE_UPDATE, waits, running, star)
    said = json.loads(output.partition("SAID ")[2].partition("\n")[0])
    assert said["kept"] == PREFERENCES
    new = user.records()
    assert len(new) == 5 and len(slow_services.creates) == 1, "a job is lost, or was paid twice"
    (made,) = [record["id"] for folder, record in new.items() if folder not in before]
    assert said["models"] == sorted([waits, running, made])
    assert {record["id"]: record["state"] for record in new.values()} == {
        **{folder.name: "imported" for folder in new},
        broken: "failed",
    }


SUBSCRIBE = """
chosen = bpy.context.preferences
chosen.system.use_online_access = True
for repository in chosen.extensions.repos:
    repository.enabled = repository.module == "user_default"
    if repository.enabled:
        repository.use_remote_url, repository.remote_url = True, address
"""
MARK = """
import sys
for name in [name for name in sys.modules if name.startswith(EXTENSION + ".")]:
    sys.modules[name].is_the_old_one = True
"""
OLD_ONES = """
import sys
ours = {name: module for name, module in sys.modules.items() if name.startswith(EXTENSION + ".")}
sorted(name for name, module in ours.items() if hasattr(module, "is_the_old_one"))
"""
VERSION = """
import sys, addon_utils
loaded = sys.modules.get(EXTENSION)
loaded and ".".join(map(str, addon_utils.module_bl_info(loaded)["version"]))
"""


@pytest.mark.timeout(400)
def test_the_first_version_updated_in_windows_by_blenders_own_operator_while_a_job_runs(
    newest, start_blender, binary, tmp_path, tmp_path_factory, web, tool, built, slow_services, star
):
    """All modules of the first version go, and its job goes on; the model waits in the list."""
    folder = tmp_path_factory.mktemp("blender")
    extension.install(binary, folder / "resources", FIRST)
    blender = start_blender(folder, **jobs.account(slow_services))
    assert blender.run(VERSION) == "0.1.0"
    blender.run(SUBSCRIBE, address=publish(web, tool, tmp_path / "now", built))
    blender.run("bpy.ops.image_to_3d.generate('INVOKE_DEFAULT', filepath=path, service='MESHY')", path=str(star))
    (create,) = jobs.created(slow_services)
    blender.run(MARK)
    assert blender.run(OLD_ONES)
    blender.run("bpy.ops.extensions.repo_sync_all()")
    blender.run("bpy.ops.extensions.package_upgrade_all('INVOKE_DEFAULT')")
    blender.until(f"{VERSION.rstrip()} == {extension.VERSION!r}")
    assert blender.run(OLD_ONES) == []
    (job,) = blender.until("[job.id for job in session.jobs()]")  # the new version reads them a little with each look
    blender.until("session.is_running(job)", job=job)
    slow_services.finish(create.id)
    jobs.until_state(blender, job, "ready")  # not imported: the first version forgot which file was to have it
    blender.run("bpy.ops.image_to_3d.import_result(job=job)", job=job)
    assert jobs.models(blender) == ["Red Star"]
    assert len(slow_services.creates) == 1
