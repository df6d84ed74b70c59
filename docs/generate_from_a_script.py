# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture becomes a model (GLB) from a script, by ComfyUI, Meshy or CSM. Works in plain Python 3.11 or later that has
`requests`.

The folder that holds the extension's folder `image_to_3d` has to be on Python's path. Unzip the extension into a folder
of that name:

    unzip image_to_3d-*.zip -d somewhere/image_to_3d
    export PYTHONPATH=somewhere MESHY_API_KEY=msy_...
    python generate_from_a_script.py meshy fox.png fox.glb

ComfyUI and Meshy take further pictures of the same object, as Blender's own views show it: in the picture from the
right, a figure looks to the left.

    python generate_from_a_script.py meshy fox.png fox.glb --back fox_back.png --right fox_right.png

Inside Blender, where the extension is installed, the import is `from bl_ext.user_default.image_to_3d import api`, and
`api.connect(..., network=api.Network(online=bpy.app.online_access))` keeps to the user's choice. There this script
would hold the window until the model is made; `bpy.ops.image_to_3d.generate(filepath="fox.png", service="MESHY")` does
not.
"""

import argparse
import sys
import time
from pathlib import Path

from image_to_3d import api

PARAMETERS = {  # two for each service; parameters.md lists all of them
    "comfyui": {"workflow": "mesh", "steps": 40},
    "meshy": {"should_remesh": True, "target_polycount": 10_000},
    "csm": {"texture_model": "pbr", "resolution": "low_poly"},
}
SIDES = ("back", "left", "right")


def create(service: api.Service, parameters: dict) -> str:
    """Ask for the model, which costs money but for ComfyUI, and return the task's id: who keeps it never pays twice."""
    begun = time.monotonic()
    try:
        return service.create(parameters).id
    except (api.errors.AnswerLostError, api.errors.UnavailableError) as error:
        # It may have been made nevertheless, so never simply create again: look at which tasks it can be.
        try:
            found = service.find(parameters, time.monotonic() - begun)
        except api.ImageTo3DError:
            found = []
        ids = " or ".join(found) or "its id stands on the service's own page"
        sys.exit(f"{error} A task may have been made ({ids}): make sure there, then go on with it by --task ID.")


def generate(options: argparse.Namespace) -> None:
    service = api.connect(options.service, url=options.url)  # or key="...", instead of the environment
    given = {f"{side}_image_url": getattr(options, side) for side in SIDES if getattr(options, side)}
    parameters = {"image_url": options.picture, **PARAMETERS[options.service], **given}
    if given and options.service == "comfyui":
        parameters["workflow"] = "views"
    task_id = options.task or create(service, parameters)
    print(f"Task {task_id} (if this is interrupted, go on with --task {task_id})", flush=True)
    task = api.wait(
        service, task_id, on_progress=lambda task: print(f"{task.progress:4.0%} {task.message}", flush=True)
    )
    api.save(service, task, options.model)
    print(f"Saved {options.model}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Turn a picture into a model with ComfyUI, Meshy or CSM.")
    parser.add_argument("service", choices=PARAMETERS)
    parser.add_argument("picture", help="a file, an address or a data URI")
    parser.add_argument("model", type=Path, help="where the GLB goes")
    for side in SIDES:
        parser.add_argument(f"--{side}", default="", metavar="PICTURE", help=f"the same object from the {side}")
    parser.add_argument("--url", default="", help="another address of the service")
    parser.add_argument("--task", default="", metavar="ID", help="go on with this task instead of making another")
    options = parser.parse_args()
    try:
        generate(options)
    except (api.ImageTo3DError, OSError) as error:
        sys.exit(api.errors.user_message(error))


if __name__ == "__main__":
    main()
