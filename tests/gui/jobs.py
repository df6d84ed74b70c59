# SPDX-License-Identifier: GPL-3.0-or-later
"""A job in a Blender with windows, as the tests about jobs need it: begun, waited for, and its panel in sight. Asserts
nothing itself."""

import json
import shutil
import time
from pathlib import Path

from gui.blender import Box

HEADER_PX = 15  # from the corner of the tab into the header of the panel above
LIST_PX = 54  # from the top of the tab to the list of jobs, when the panel above is folded
PANEL_PX = 480  # ... and to below the buttons of the selected job
SEARCH_PX = 22  # from there down to the search field, ...
ROWS_PX = 34  # ... to the rows, where there is a search field, ...
ROWS_END_PX = 150  # ... and to their end
TRASH_PX = 24  # from the right edge of the tab to the last button under a job

LOOK_S = 0.02

ENDED = ("ready", "imported", "failed", "cancelled", "unconfirmed")

LAST = "session.jobs()[0]"


def account(stand_in):
    """The environment that makes a stand-in's accounts ours, and its ComfyUI."""
    return {
        "COMFYUI_API_URL": stand_in.comfyui_url,
        **{
            f"{name.upper()}_API_{what.upper()}": getattr(stand_in, f"{name}_{what}")
            for name in ("csm", "meshy")
            for what in ("key", "url")
        },
    }


def created(services, number=1, seconds=20):
    """Wait until so many tasks were made at the services, and return them."""
    until = time.monotonic() + seconds
    while len(services.creates) < number:
        assert time.monotonic() < until, f"{len(services.creates)} tasks were made in {seconds} s, and not {number}"
        time.sleep(LOOK_S)
    return services.creates


def start(blender, picture, service="MESHY"):
    """Begin a job, as a script or a key does, and return its id."""
    return blender.run(
        f"bpy.ops.image_to_3d.generate('INVOKE_DEFAULT', filepath=path, service=service)\n{LAST}.id",
        path=str(picture),
        service=service,
    )


def state(blender, job):
    """How the extension shows the job."""
    return blender.run("str(session.job(job).state)", job=job)


def until_state(blender, job, *states, seconds=30):
    """Wait until the job is in one of these states."""
    blender.until("session.job(job).state in states", seconds, job=job, states=states)


def until_drawn(blender):
    """Wait until every process has ended: the last that it does, when the model is there already, is to draw its
    thumbnail."""
    blender.until("not session.is_busy()")


def until_task(blender, job):
    """Wait until the service works on the job."""
    blender.until("session.job(job).state == 'running'", 30, job=job)


def models(blender):
    """The names of the models in the file."""
    return blender.run("sorted(o.name for o in bpy.data.objects if 'image_to_3d_job' in o)")


def ready(blender, picture):
    """A job whose model waits, as the file that it was asked in is no longer open."""
    job = start(blender, picture)
    blender.run("bpy.ops.wm.read_homefile(app_template='')")
    until_state(blender, job, "ready")
    return job


def open_panel(blender, number=0):
    """Open the tab and fold the panel above the jobs; return the box with the list of jobs and the selected one below
    it."""
    return fold(blender, blender.open_sidebar(number=number))


def fold(blender, side):
    """Fold the panel above the jobs in the tab that is open; return the same box."""
    blender.click(side.left + HEADER_PX, side.top + HEADER_PX)
    blender.move(*side.center)
    return Box(side.left, side.top + LIST_PX, side.right, side.top + PANEL_PX)


def search_field(panel):
    """A point in the field above the list of jobs."""
    return panel.center[0], panel.top + SEARCH_PX


def list_of(panel):
    """The box of the list of jobs below its search field."""
    return Box(panel.left, panel.top + ROWS_PX, panel.right, panel.top + ROWS_END_PX)


def trash(blender, panel):
    """The point of the button that removes the selected job."""
    return panel.right - TRASH_PX, blender.find("Use Settings", panel).center[1]


def copy(blender, job, number, name="Blue Whale"):
    """Leave `number` more jobs on the disk, made long before this one and like it; the one in the middle has this
    name."""
    until_drawn(blender)  # until then files come and go in its folder
    folder = Path(blender.run("str(session.folder_of(job))", job=job))
    record = json.loads((folder / "job.json").read_text())
    files = [path for path in folder.iterdir() if path.is_file() and path.name != "job.json"]
    for index in range(number):
        made = folder.with_name(f"20200101-000000-{index:06}-{index:04x}")
        made.mkdir(exist_ok=True)
        for path in files:
            shutil.copy(path, made)
        record |= {"id": made.name, "name": name if index == number // 2 else f"Lantern {index}"}
        (made / "job.json").write_text(json.dumps(record))
