# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script uses: `connect()`, `Service`, `Task`, `Status`, `Result` and the errors. Imports no bpy."""

from typing import Any

from . import errors
from .errors import ImageTo3DError
from .services import SERVICES
from .task import Result, Service, Status, Task

__all__ = ["ImageTo3DError", "Result", "Service", "Status", "Task", "connect", "errors"]


def connect(service: str, **options: Any) -> Service:
    """Return the service called `service`: "local".

    Options of "local": `folder` (pathlib.Path, an existing folder to work in) and `blender` (the beginning of a command line as
    `background.blender_command()` makes it; by default the Blender that is found). Raises `ImageTo3DError`.
    """
    if service not in SERVICES:
        raise ImageTo3DError(f"There is no service {service!r}: use one of {', '.join(SERVICES)}.")
    return SERVICES[service](**options)
