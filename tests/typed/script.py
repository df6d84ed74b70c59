# SPDX-License-Identifier: GPL-3.0-or-later
"""A script of a user's, for `mypy --strict` to look at from outside: `python3 dev.py check`. Is never run.

Each line that is wrong on purpose says so, and mypy complains where it is not found to be wrong.
"""

import os
from pathlib import Path

from image_to_3d import api


def tell(task: api.Task) -> None:
    print(f"{task.progress:.0%} {task.message}")


def generate(picture: str | Path, model: str | os.PathLike[str]) -> Path:
    target: Path = api.check_target(model)
    price: int | None = api.cost("meshy", {"should_texture": False})
    network = api.Network(online=True, ca_file=Path("~/company.pem"))
    service = api.connect("meshy", key=os.environ.get("KEY"), url=None, network=network, folder="~/scratch")
    try:
        task = service.create({"image_url": picture, "target_polycount": 10_000})
    except api.CreateInterrupted as interrupted:
        found: list[str] = service.find(interrupted.parameters, interrupted.age_s)
        raise SystemExit(f"{price} {found} {interrupted.task and interrupted.task.id}") from interrupted
    except api.ImageTo3DError as error:
        raise SystemExit(api.errors.user_message(error)) from error
    task = api.wait(service, task, on_progress=tell, time_limit_s=600.0)
    task = api.save(service, task, target, print)
    result: api.Result | None = task.result
    assert result and task.status is api.Status.SUCCEEDED
    return target


def local(folder: Path) -> api.Service:
    options: api.LocalOptions = {"folder": folder, "name": "Fox"}
    api.connect("comfyui", url="127.0.0.1:8188")
    api.cost(api.connect("local"))
    return api.connect("local", **options)


def any_of(name: api.ServiceName) -> api.Service:
    return api.connect(name) if name != "local" else api.connect(name, blender=["blender"])


def mistaken() -> None:
    api.connect("mashy")  # type: ignore[call-overload]  # there is no such service
    api.connect("local", key="x")  # type: ignore[call-overload]  # and no such option of this one
    api.connect("meshy", kee="x")  # type: ignore[call-overload]
    api.cost("mashy")  # type: ignore[arg-type]
    api.wait(api.connect("local"), 3)  # type: ignore[arg-type]
    api.save(api.connect("local"), "an id", "fox.glb")  # type: ignore[arg-type]
