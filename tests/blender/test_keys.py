# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an API key is: in the environment or the preferences, on the wire, and nowhere else."""

import contextlib
import json
import os
from pathlib import Path

import bpy
import pytest
from ticking import tick_until

pytestmark = pytest.mark.usefixtures("quick_models")

PROC = Path("/proc")


def command_lines():
    """The arguments of every process that this one has started, and of those that they have started."""
    parents, lines = {}, {}
    for entry in PROC.iterdir() if PROC.is_dir() else ():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
                lines[int(entry.name)] = (entry / "cmdline").read_bytes()
    ours = {os.getpid()}
    while found := {pid for pid, parent in parents.items() if parent in ours and pid not in ours}:
        ours |= found
    return [lines[pid] for pid in ours if pid in lines]


def environments_of_children(session):
    for process in session.processes.values():
        with contextlib.suppress(OSError):
            yield (PROC / str(process.pid) / "environ").read_bytes()


def holders(folder, *keys):
    """The files under `folder` that hold one of the keys."""
    files = [Path(path) / name for path, _, names in os.walk(folder) for name in names]
    return [file.name for file in files if any(key.encode() in file.read_bytes() for key in keys)]


@pytest.fixture
def keys(extension, services):
    """Both keys, in the preferences."""
    for name in ("meshy", "csm"):
        setattr(extension.preferences, f"{name}_key", getattr(services, f"{name}_key"))
        setattr(extension.preferences, f"{name}_url", getattr(services, f"{name}_url"))
    return services.meshy_key, services.csm_key


def test_a_key_is_in_no_file_and_no_argument_and_is_not_printed(session, services, keys, start_web, tmp_path, capfd):
    services.play("create", "slow", seconds=0.3, times=2)
    jobs = [start_web("meshy"), start_web("csm")]
    seen = {}

    def look():
        for line in command_lines():
            assert not any(key.encode() in line for key in keys), f"a key is in the arguments: {line}"
            seen.update({job.id: True for job in jobs if job.id.encode() in line})
        for environment in environments_of_children(session):
            assert not any(key.encode() in environment for key in keys)
        return not session.is_busy()

    tick_until(session, look)
    assert {session.refresh(job.id).state for job in jobs} == {"imported"}
    assert not PROC.is_dir() or len(seen) == 2
    assert len(services.creates) == 2
    for request in services.requests:  # and to its own service alone
        sent = [key in json.dumps(dict(request.headers)) for key in keys]
        assert sent == [request.service == "meshy", request.service == "csm"], request.path
    check_files(session, keys, jobs, tmp_path)
    printed = capfd.readouterr()
    assert not any(key in printed.out + printed.err for key in keys)


def check_files(session, keys, jobs, tmp_path):
    scene = tmp_path / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(scene), compress=False)
    assert scene.read_bytes().startswith(b"BLENDER")
    assert holders(tmp_path, *keys) == []
    assert all("ready: Ready" in (session.folder_of(job.id) / "log.txt").read_text() for job in jobs)
    assert holders(session.root(), *keys) == []
    bpy.ops.wm.save_userpref()
    assert set(holders(os.environ["BLENDER_USER_RESOURCES"], *keys)) == {"userpref.blend"}


@pytest.mark.parametrize("service", ["meshy", "csm"])
def test_a_service_that_repeats_the_key_does_not_get_it_told(session, services, keys, star, service, capfd):
    key = getattr(services, f"{service}_key")
    services.play("create", "status", status=400, message=f"The key {key} is not allowed to do this")
    with pytest.raises(RuntimeError) as failure:
        bpy.ops.image_to_3d.generate(filepath=str(star), service=service.upper())
    assert "is not allowed to do this" in str(failure.value) and key not in str(failure.value)
    assert holders(session.root(), *keys) == []
    printed = capfd.readouterr()
    assert key not in printed.out + printed.err


def test_a_key_with_spaces_around_it_is_taken(extension, session, services, keys, start_web):
    extension.preferences.meshy_key = f"  {services.meshy_key} "
    job = start_web("meshy")
    tick_until(session, lambda: session.refresh(job.id).task_id)


def test_a_key_that_cannot_be_one_is_refused_with_a_sentence(extension, services, keys, star, session):
    extension.preferences.meshy_key = "ключ"
    with pytest.raises(RuntimeError, match="The API key for Meshy") as failure:
        bpy.ops.image_to_3d.generate(filepath=str(star), service="MESHY")
    assert "Traceback" not in str(failure.value) and "Something went wrong" not in str(failure.value)
    assert not services.requests


def test_the_preferences_hide_the_keys(extension):
    properties = extension.preferences.bl_rna.properties
    assert {properties[f"{name}_key"].subtype for name in ("meshy", "csm")} == {"PASSWORD"}


@pytest.mark.parametrize("service", ["csm", "meshy"])
def test_what_is_missing_is_said_alike_in_the_panel_and_by_whoever_asks(extension, session, service):
    api, errors, access = map(extension.module, ("api", "api.errors", "session.access"))
    with pytest.raises(errors.NoKeyError) as no_key:
        api.connect(service)
    assert str(no_key.value) == f"{access.key_reason(service)}."
    with pytest.raises(errors.OfflineError) as offline:
        api.connect(service, key="some-key", network=api.Network(online=False))
    assert str(offline.value) == f"{access.offline_reason(service)}."


@pytest.mark.parametrize("service", ["meshy", "csm"])
def test_a_script_in_the_extension_hears_of_the_preferences_as_the_panel_says(extension, service):
    with pytest.raises(extension.module("api.errors").NoKeyError, match="enter it in the preferences"):
        extension.module("api").connect(service)
