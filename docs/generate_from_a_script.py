# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture becomes a model (GLB) from a script, by Local, ComfyUI, Meshy or CSM. Works in plain Python 3.11 or later
that has `requests`.

The folder that holds the extension's folder `image_to_3d` has to be on Python's path. Unzip the extension into a folder
of that name:

    python -m zipfile -e image_to_3d-*.zip somewhere/image_to_3d
    export PYTHONPATH=somewhere
    python generate_from_a_script.py local fox.png fox.glb

Local costs nothing and needs a Blender: the one on the path, or the package `bpy` in this Python. A service in the web
needs its key in the environment, and never on the command line, where others can see it:

    export MESHY_API_KEY=msy_...
    python generate_from_a_script.py meshy fox.png fox.glb

All but CSM take further pictures of the same object, as Blender's own views show it: in the picture from the right, a
figure looks to the left.

    python generate_from_a_script.py meshy fox.png fox.glb --back fox_back.png --right fox_right.png

Ctrl-C ends it at any time. What the service was asked for goes on there, and the script says how to go on with it: by
`--task ID`, which pays for nothing again.

Inside Blender, where the extension is installed, the import is `from bl_ext.user_default.image_to_3d import api`, and
`api.connect(..., network=api.Network(online=bpy.app.online_access))` keeps to the user's choice. There this script
would hold the window until the model is made; `bpy.ops.image_to_3d.generate(filepath="fox.png", service="MESHY")` does
not.
"""

import argparse
import sys
import time
from typing import Any, NoReturn

from image_to_3d import api

PARAMETERS: dict[api.ServiceName, dict[str, Any]] = {  # a few for each service; parameters.md lists all of them
    "local": {"texture_model": "pbr", "resolution": "low_poly"},
    "comfyui": {"workflow": "mesh", "steps": 40},
    "meshy": {"should_remesh": True, "target_polycount": 10_000},
    "csm": {"texture_model": "pbr", "resolution": "low_poly"},
}
SIDES = ("back", "left", "right")
INTERRUPTED = 130  # the exit code that shells expect


def create(service: api.Service, parameters: dict[str, Any]) -> api.Task:
    """Ask for the model, which may cost money, and return the task: who keeps its id never pays twice."""
    begun = time.monotonic()
    try:
        return service.create(parameters)
    except (api.errors.AnswerLostError, api.errors.UnavailableError) as error:
        # It may have been made nevertheless, so never simply create again: look at which tasks it can be.
        sys.exit(f"{error} {may_be_made(service, parameters, time.monotonic() - begun)}")
    except api.CreateInterrupted as error:  # Ctrl-C, when the service had the request already
        task_id = error.task.id if error.task else ""
        leave(f"go on with --task {task_id}." if task_id else may_be_made(service, parameters, error.age_s))


def may_be_made(service: api.Service, parameters: dict[str, Any], age_s: float) -> str:
    try:
        found = service.find(parameters, age_s)
    except api.ImageTo3DError:
        found = []
    ids = " or ".join(found) or "its id stands on the service's own page"
    return f"A task may have been made ({ids}): make sure there, then go on with it by --task ID."


def leave(sentence: str) -> NoReturn:
    print(f"Interrupted: {sentence}", file=sys.stderr)
    sys.exit(INTERRUPTED)


def generate(options: argparse.Namespace) -> None:
    name: api.ServiceName = options.service
    target = api.check_target(options.model)  # before anything is paid
    # The key comes from the environment; a script of yours may have key="..." here.
    service = api.connect("local") if name == "local" else api.connect(name, url=options.url)
    given = {f"{side}_image_url": getattr(options, side) for side in SIDES if getattr(options, side)}
    parameters = {"image_url": options.picture, **PARAMETERS[name], **given}
    if given and name == "comfyui":
        parameters["workflow"] = "views"
    task_id = options.task
    try:
        task_id = task_id or create(service, parameters).id
        print(f"Task {task_id}. If this is interrupted: {how_to_go_on(name, task_id)}", flush=True)
        task = api.wait(
            service, task_id, on_progress=lambda task: print(f"{task.progress:4.0%} {task.message}", flush=True)
        )
        api.save(service, task, target)
        print(f"Saved {target}")
    except KeyboardInterrupt:
        leave(how_to_go_on(name, task_id) if task_id else "no task is known.")


def how_to_go_on(name: api.ServiceName, task_id: str) -> str:
    if name == "local":  # whose task ends with this script
        return "start it again, which costs nothing."
    return f"go on with --task {task_id}, which pays for nothing again."


def main() -> None:
    parser = argparse.ArgumentParser(description="Turn a picture into a model with Local, ComfyUI, Meshy or CSM.")
    parser.add_argument("service", choices=PARAMETERS)
    parser.add_argument("picture", help="a file, an address or a data URI")
    parser.add_argument("model", help="where the GLB goes")
    for side in SIDES:
        parser.add_argument(f"--{side}", default="", metavar="PICTURE", help=f"the same object from the {side}")
    parser.add_argument("--url", default="", help="another address of the service")
    parser.add_argument("--task", default="", metavar="ID", help="go on with this task instead of making another")
    options = parser.parse_args()
    try:
        generate(options)
    except (api.ImageTo3DError, OSError) as error:
        sys.exit(api.errors.user_message(error))
    except KeyboardInterrupt:
        leave("nothing was asked for.")


if __name__ == "__main__":
    main()
