# SPDX-License-Identifier: GPL-3.0-or-later
"""One Blender of several on a user folder: does what its standard input says, a JSON list a line, and answers a JSON
object a line.

["generate", picture, service] as the button does, ["tick"], ["import", job], ["retry", job]: the answer says how
everything is then. Run it with BLENDER_USER_RESOURCES set to a folder that has the extension in it. Ends, in order,
with its standard input.
"""

import importlib
import json
import os
import sys
from pathlib import Path

import bpy  # isort: skip -- first: addon_utils comes with it
import addon_utils

EXTENSION = "bl_ext.user_default.image_to_3d"

# What Blender prints must not get between the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

addon_utils.enable(EXTENSION, default_set=True)
bpy.ops.wm.read_homefile(use_empty=True, app_template="")
sys.path.insert(0, str(Path(__file__).parents[1]))
from looking import Looking  # noqa: E402

session = Looking(lambda name: importlib.import_module(f"{EXTENSION}.{name}"))
start_job = importlib.import_module(f"{EXTENSION}.session.start").start_job


def how_it_is(said):
    return {
        "said": said,
        "states": {job.id: job.state for job in session.jobs()},
        "processes": {job_id: process.pid for job_id, process in session.processes.items()},
        "models": [obj["image_to_3d_job"] for obj in bpy.data.objects if "image_to_3d_job" in obj],
    }


def generate(picture, service):
    start_job(bpy.context.scene, filepath=picture, service=service)
    return []


def import_result(job):
    session.import_result(job, bpy.context.scene)
    return []


def retry(job):
    session.retry(job, bpy.context.scene)
    return []


ACTIONS = {"generate": generate, "tick": session.tick, "import": import_result, "retry": retry}

for line in sys.stdin:
    action, *arguments = json.loads(line)
    print(json.dumps(how_it_is(ACTIONS[action](*arguments))), file=answers, flush=True)
addon_utils.disable(EXTENSION)  # a class that is still registered when Python ends crashes Blender 4.2 and hangs 4.5
