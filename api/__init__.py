# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script uses: `connect()`, `wait()`, `save()`, `Service`, `Task`, `Status`, `Result` and the errors. No bpy.

service = connect("meshy", key="msy_...")
task = service.create({"image_url": "fox.png"})
task = wait(service, task.id, on_progress=lambda task: print(task.progress, task.message))
save(service, task, Path("fox.glb"))
"""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from .services import SERVICES

if TYPE_CHECKING:
    from . import errors
    from .blender import Blender
    from .errors import ImageTo3DError
    from .network import Network
    from .results import save
    from .task import Result, Service, Status, Task
    from .waiting import wait

__all__ = [
    "ImageTo3DError",
    "Network",
    "Options",
    "Result",
    "Service",
    "Status",
    "Task",
    "connect",
    "errors",
    "save",
    "wait",
]

_HOMES = {
    "ImageTo3DError": "errors",
    "Network": "network",
    "Result": "task",
    "Service": "task",
    "Status": "task",
    "Task": "task",
    "save": "results",
    "wait": "waiting",
}
"""In which module the names of `__all__` are that are not here."""


if not TYPE_CHECKING:  # else mypy would take any name for one of ours

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first asked for (PEP 562): Blender waits for this package at its start, and
        needs none of them then."""
        if name == "errors":
            return importlib.import_module(f"{__name__}.errors")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


class Options(TypedDict, total=False):
    """The options of `connect`, which says what they are."""

    key: str
    url: str
    network: "Network"
    picture_limit_px: int
    blender: "Blender | None"
    folder: Path
    sleep: Callable[[float], None]
    name: str
    called: Mapping[str, str]


def connect(service: str, **options: Unpack[Options]) -> "Service":
    """Return the service called `service`: "local", "comfyui", "meshy" or "csm". Connects to nothing yet.

    Options of "comfyui", "meshy" and "csm" (all optional):
        key (str): the API key; by default from COMFYUI_API_KEY, MESHY_API_KEY or CSM_API_KEY in the environment. For
            "comfyui" it is the token that a server behind a proxy asks for, and may be left out.
        url (str): the address without the path of the request, as "https://api.meshy.ai/openapi" or
            "https://api.csm.ai", for "comfyui" in any form, as "127.0.0.1:8188"; by default from COMFYUI_API_URL,
            MESHY_API_URL or CSM_API_URL, else the service's own.
        network (Network): proxy, certificates, time limits in seconds.
        picture_limit_px (int): pictures with a longer side are scaled down to it; 4096 by default.
        blender (str, pathlib.Path or list of str): the Blender that converts pictures which are neither PNG nor JPEG:
            the path of its binary or of its folder, or the beginning of a command line that starts it; by default the
            one that this Python runs in, else the one on the path.
        folder (pathlib.Path), sleep (callable), called (dict): see `services.web.WebService`.
    Options of "local": folder (pathlib.Path, an existing folder to work in), blender, network (for a picture's
        address), sleep, called, and name (str): what the model is called.

    Raises `ParameterError` for a name that is none, `NoKeyError`, `OfflineError`, and `DownloadError` for an address
    that does not begin with https:// and is not on this machine.
    """
    if service not in SERVICES:
        from .errors import ParameterError

        raise ParameterError(f"There is no service {service!r}: use one of {', '.join(SERVICES)}.")
    make: Callable[..., Service] = SERVICES[service].client()
    return make(**options)
