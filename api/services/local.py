# SPDX-License-Identifier: GPL-3.0-or-later
"""Local: the built-in service. A background Blender shapes the picture's silhouette; no account, no network, no cost.

It does not guess hidden sides as the AI services do. Its parameters are those of CSM's "Create an Image-To-3D Session", with the
same meaning. Here are the table and the process; the shaping itself is `headless/sculpt.py`.
"""

import os
from pathlib import Path
from typing import Any, ClassVar

from .. import picture
from ..background import SCRATCH_PREFIX, Command, Program, find_blender
from ..errors import ServiceError
from ..parameters import AUTOMATIC, Choice, Flag, Picture, Table, Vector, check
from ..task import Result, Status, Task

PARAMETERS: Table = (
    Picture(
        name="image_url",
        description="Picture to be turned into a model: a path, an address, or the picture itself as a data URI",
    ),
    Choice(
        name="geometry_model",
        description="How the shape is made",
        default="base",
        options={
            "base": "Swells with the local width of the silhouette and carries fine relief from the picture's shading",
            "turbo": "The fast one: swells from the silhouette alone",
        },
    ),
    Choice(
        name="texture_model",
        description="Which textures the model gets",
        default="none",
        options={
            "none": "No texture",
            "baked": "The picture as it is, highlights and shadows included",
            "pbr": "Base color with the shading evened out, and metallic, roughness and normal maps",
        },
    ),
    Vector(
        name="scaled_bbox",
        description="Size of the model in meters; -1 leaves that dimension automatic",
        default=(AUTOMATIC, AUTOMATIC, AUTOMATIC),
        axes=("width", "height", "depth"),
        unit="m",
    ),
    Flag(
        name="preserve_aspect_ratio",
        description="Make the model as large as fits into the bounding box, without stretching it",
        default=False,
        needs="scaled_bbox",
    ),
    Choice(
        name="topology",
        description="What the faces of the mesh are",
        default="tris",
        options={"tris": "Triangles", "quads": "Four-sided faces, for editing and subdivision"},
    ),
    Choice(
        name="resolution",
        description="How many faces the mesh has",
        default="high_poly",
        options={"low_poly": "At most 5,000 faces", "high_poly": "Between 50,000 and 200,000 faces"},
    ),
)


class Local:
    """The service, working in `folder` (which must exist) with the Blender that `blender` starts.

    The model is called `name`, by default like the picture's file.
    """

    name: ClassVar[str] = "local"
    label: ClassVar[str] = "Local"
    description: ClassVar[str] = "Shapes the silhouette on this computer: no account, no network, no cost"
    parameters: ClassVar[Table] = PARAMETERS
    repeatable: ClassVar[bool] = True
    local: ClassVar[bool] = True
    poll_every_s: ClassVar[float] = 0.1  # it is a look at a file

    def __init__(self, *, folder: Path, blender: Command | None = None, name: str = "") -> None:
        self._folder = folder
        self._name = name
        self._blender = blender or find_blender()
        self._programs: dict[str, Program] = {}

    def create(self, parameters: dict[str, Any]) -> Task:
        """Start sculpting. Raises `ParameterError`, `PictureError`, `ConnectionFailedError` (for a URL) and `BlenderError`."""
        values = check(PARAMETERS, parameters)
        source = values.pop("image_url")
        file = (
            Path(source)
            if picture.is_path(source)
            else picture.to_file(source, self._folder / f"{SCRATCH_PREFIX}picture")
        )
        task_id = f"sculpt-{os.getpid()}-{len(self._programs)}"
        request = {
            "picture": str(file),
            "name": self._name or picture.name_of(source),
            "parameters": values,
            "output": str(self._output(task_id)),
        }
        self._programs[task_id] = Program(self._blender, "headless.sculpt", request, self._folder)
        return Task(task_id, Status.RUNNING)

    def get(self, task_id: str) -> Task:
        """How far the sculptor is. A task of another process, or of one that has died, is `GONE`."""
        program = self._programs.get(task_id)
        if program is None:
            return Task(task_id, Status.GONE)
        report = program.poll()
        if report.error:
            return Task(task_id, Status.FAILED, report.progress, report.error)
        if report.done is None:
            return Task(task_id, Status.RUNNING, report.progress, report.message)
        result = Result(str(self._output(task_id)), report.done.get("note", ""))
        return Task(task_id, Status.SUCCEEDED, 1.0, report.message, result)

    def cancel(self, task_id: str) -> None:
        """End the sculptor at once."""
        program = self._programs.pop(task_id, None)
        if program:
            program.stop()

    def fetch(self, task: Task, path: Path) -> None:
        """Move the finished GLB to `path`."""
        if task.result is None:
            raise ServiceError("The model is not finished yet: wait until the task has succeeded.")
        Path(task.result.glb).replace(path)

    def _output(self, task_id: str) -> Path:
        # Named by process, so that a sculptor whose job was taken over by another process cannot get in its way.
        return self._folder / f"{SCRATCH_PREFIX}{task_id}.glb"
