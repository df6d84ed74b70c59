# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pipeline does in a background Blender, one thing after the other, with a JSON line for each: `blender -b --addons
… --python pipeline.py -- PICTURE FOLDER`."""

import json
import sys
from pathlib import Path

import bpy
from bl_ext.user_default.image_to_3d import api

picture, folder = sys.argv[sys.argv.index("--") + 1 :]
folder = Path(folder)


def say(what, *found):
    print(json.dumps([what, *found]), flush=True)


def generate():
    before = set(bpy.data.objects)
    result = bpy.ops.image_to_3d.generate(filepath=picture, service="MESHY")
    return [*result, sorted(obj.name for obj in bpy.data.objects if obj not in before and obj.parent is None)]


def private():
    """What of the open file says where jobs are. Blender itself has brushes in a library of its own."""
    libraries = [library.filepath for library in bpy.data.libraries]
    return [path for path in (*bpy.utils.blend_paths(absolute=True), *libraries) if "jobs" in Path(path).parts]


local = api.connect("local", folder=folder)
task = api.wait(local, local.create({"image_url": picture, "resolution": "low_poly", "texture_model": "none"}).id)
say("local", task.status.value)

meshy = api.connect("meshy", picture_limit_px=48)  # so that the picture has to be converted
say("converted", meshy.create({"image_url": picture}).id != "")

with bpy.context.temp_override(window=None):
    say("without a window", *generate())
say("private", private())

bpy.ops.wm.save_as_mainfile(filepath=str(folder / "first.blend"), compress=False)
bpy.ops.wm.read_homefile(app_template="")


@bpy.app.handlers.persistent
def loaded(path):
    say("in a handler", *generate())


bpy.app.handlers.load_post.append(loaded)
bpy.ops.wm.open_mainfile(filepath=str(folder / "first.blend"))
bpy.app.handlers.load_post.remove(loaded)
say("private", private())

jobs = [obj["image_to_3d_job"] for obj in bpy.data.objects if "image_to_3d_job" in obj]
home = Path(bpy.utils.extension_path_user("bl_ext.user_default.image_to_3d", path="jobs"))
say("removed", *bpy.ops.image_to_3d.remove(job=jobs[0]), [path.name for path in home.iterdir() if jobs[0] in path.name])
say("tidied", *bpy.ops.image_to_3d.tidy_up(days=0), [path.name for path in home.iterdir() if path.is_dir()])
say("watched", *bpy.ops.image_to_3d.watch("INVOKE_DEFAULT"))
