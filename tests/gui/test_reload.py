# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension disabled, enabled again and updated while a job runs, in real windows. The mouse stays out of the main
window meanwhile: it gets no event, so that what Blender keeps in it until the next one stays there."""

import pytest
from gui import extension, jobs
from thorough import thorough

CHECKBOX_PX = 17  # from the beginning of an add-on's name to the left, to the middle of its checkbox

ENABLED = "EXTENSION in bpy.context.preferences.addons"
VERSION = """
import sys, addon_utils
".".join(map(str, addon_utils.module_bl_info(sys.modules[EXTENSION])["version"]))
"""

ADDONS = """
bpy.context.window_manager.addon_search = "image to"
bpy.ops.screen.userpref_show(section="ADDONS")
"""
CLOSE_PREFERENCES = """
with bpy.context.temp_override(window=bpy.context.window_manager.windows[1]):
    bpy.ops.wm.window_close()
"""


def start_job(blender, picture):
    """Begin a job, and wait until the service works on it."""
    job = jobs.start(blender, picture)
    jobs.until_task(blender, job)
    return job


def until_goes_on(blender, job):
    """Wait until the extension, which has begun anew, looks after the job."""
    blender.until("session.is_running(job)", job=job)


def finish(blender, job, stand_in):
    """The job goes on by itself, and its model enters the file that is still open; what is to be said about it is said,
    also where the mouse is elsewhere."""
    (create,) = stand_in.creates
    stand_in.finish(create.id)
    blender.find("Red Star is in the scene", blender.status_bar())
    jobs.until_state(blender, job, "imported")
    blender.until("not session.unsaid and session.watch_timer is None")
    assert jobs.models(blender) == ["Red Star"]
    assert len(stand_in.creates) == 1


def test_disabled_and_enabled_again_by_mouse_while_a_job_runs(start_blender, slow_services, star):
    blender = start_blender(**jobs.account(slow_services))
    blender.leave()  # the Preferences open where the mouse is
    blender.run(ADDONS)
    name = blender.find("Image to 3D", blender.area("PREFERENCES", "WINDOW"))
    checkbox = name.left - CHECKBOX_PX, name.center[1]
    blender.move(*checkbox)
    job = start_job(blender, star)
    blender.click(*checkbox)
    blender.until(f"not {ENABLED}")
    blender.click(*checkbox)
    blender.until(ENABLED)
    until_goes_on(blender, job)
    blender.run(CLOSE_PREFERENCES)
    finish(blender, job, slow_services)


@thorough
def test_updated_from_a_newer_zip_while_a_job_runs(
    start_blender, binary, tmp_path, tmp_path_factory, slow_services, star
):
    folder = tmp_path_factory.mktemp("blender")
    extension.install(binary, folder / "resources", extension.build(binary, tmp_path, "0.0.1"))
    blender = start_blender(folder, **jobs.account(slow_services))
    assert blender.run(VERSION) == "0.0.1"
    job = start_job(blender, star)
    blender.run(
        "bpy.ops.extensions.package_install_files(filepath=path, repo='user_default', enable_on_install=True)",
        path=str(extension.build(binary, tmp_path, "0.0.2")),
    )
    assert blender.run(VERSION) == "0.0.2"
    until_goes_on(blender, job)
    finish(blender, job, slow_services)


@pytest.mark.usefixtures("newest")
def test_scripts_reloaded_from_the_menu_search_while_a_job_runs(start_blender, slow_services, star):
    """Blender refuses that while an operator is modal."""
    blender = start_blender(**jobs.account(slow_services))
    job = start_job(blender, star)
    blender.run(
        "import sys; sys.modules[EXTENSION].is_the_old_one = True; bpy.app.driver_namespace['old'] = "
        "id(session.queue); 0"
    )
    blender.search("Reload Scripts")
    blender.until("id(session.queue) != bpy.app.driver_namespace['old']")
    assert blender.run(ENABLED)
    until_goes_on(blender, job)
    finish(blender, job, slow_services)
