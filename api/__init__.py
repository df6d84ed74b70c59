# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script uses: `connect()`, `wait()`, `save()`, `cost()`, `check_target()`, `Service`, `Task`, `Status`,
`Result` and the errors. No bpy.

print(cost("meshy", {"should_texture": False}))  # in credits; needs no key
check_target("fox.glb")                          # before anything is paid
service = connect("meshy", key="msy_...")
task = service.create({"image_url": "fox.png"})
task = wait(service, task, on_progress=lambda task: print(task.progress, task.message))
save(service, task, "fox.glb")

Wherever a path is taken, it may be a `str` or a `pathlib.Path`, and `~` is the user's own folder.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

from .services import SERVICES
from .services import ServiceName as ServiceName

if TYPE_CHECKING:
    from . import errors
    from .about import About
    from .blender import Blender
    from .errors import CreateInterrupted, ImageTo3DError
    from .network import Network
    from .paths import AnyPath
    from .results import save
    from .target import check_target
    from .task import Result, Service, Status, Task
    from .waiting import wait

__all__ = [
    "CreateInterrupted",
    "ImageTo3DError",
    "LocalOptions",
    "Network",
    "Options",
    "Result",
    "Service",
    "Status",
    "Task",
    "WebOptions",
    "check_target",
    "connect",
    "cost",
    "errors",
    "save",
    "wait",
]

_HOMES = {
    "CreateInterrupted": "errors",
    "ImageTo3DError": "errors",
    "Network": "network",
    "Result": "task",
    "Service": "task",
    "Status": "task",
    "Task": "task",
    "check_target": "target",
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


def __dir__() -> list[str]:
    """What an editor or a console offers: also what was not asked for yet."""
    return sorted({*globals(), *__all__})


class LocalOptions(TypedDict, total=False):
    """The options of `connect("local")`, which says what they are."""

    folder: "AnyPath"
    blender: "Blender | None"
    network: "Network"
    sleep: Callable[[float], None]
    name: str
    called: Mapping[str, str]


class WebOptions(TypedDict, total=False):
    """The options of `connect` with every other service."""

    key: str | None
    url: str | None
    network: "Network"
    picture_limit_px: int
    blender: "Blender | None"
    folder: "AnyPath"
    sleep: Callable[[float], None]
    called: Mapping[str, str]


class Options(LocalOptions, WebOptions, total=False):
    """All options of `connect`."""


@overload
def connect(service: Literal["local"], **options: Unpack[LocalOptions]) -> "Service": ...


@overload
def connect(service: Literal["comfyui", "meshy", "csm"], **options: Unpack[WebOptions]) -> "Service": ...


def connect(service: ServiceName, **options: Any) -> "Service":
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
        folder (path of a folder that exists), sleep (callable), called (dict): see `services.web.WebService`.
    Options of "local" (all optional): folder (path of a folder that exists, to work in; by default a temporary one,
        which is deleted with the service or when Python ends: `save` has made a copy), blender, network (for a
        picture's address), sleep, called, and name (str): what the model is called.

    Raises `ParameterError` for a name that is none and a folder that is not there, `NoKeyError`, `OfflineError`,
    `DownloadError` for an address that does not begin with https:// and is not on this machine, `BlenderError` where
    "local" finds no Blender, and `TypeError` for an option that the service does not take.
    """
    about = _about(service)
    known = (LocalOptions if about.reach == "none" else WebOptions).__annotations__
    for name in options:
        if name not in known:
            raise TypeError(f"connect({service!r}) has no option {name!r}: use {', '.join(known)}")
    if "network" in options:
        from .network import Network

        if not isinstance(options["network"], Network):
            raise TypeError("network= takes a Network, as in connect(..., network=Network(online=False))")
    make: Callable[..., Service] = about.client()
    if about.reach == "none":
        return make(**options)
    # The extension has preferences, where people have their keys, and its panel says the same. A Python that has bpy,
    # or a Blender in which a script imports the folder, has none.
    return make(**options, for_script=not __name__.startswith("bl_ext."))


def cost(service: "ServiceName | Service", parameters: Mapping[str, Any] | None = None) -> int | None:
    """Return the credits that `service.create(parameters)` would take, as far as the service's documents say; 0 where
    it costs nothing, None where they do not say.

    `service` may be a name: nothing is asked of anybody, and no key is needed. What is left out of `parameters` is at
    its default, and the picture may be left out as well. Raises `ParameterError`.
    """
    from .parameters import check, pictures, require_names

    about = _about(service) if isinstance(service, str) or not hasattr(service, "about") else service.about
    given = {} if parameters is None else parameters
    require_names(given)
    values = check(about.parameters, {pictures(about.parameters)[0]: "picture.png", **given})
    return about.cost(values) if about.is_paid else 0


def _about(service: object) -> "About":
    """What a service says of itself. Raises `ParameterError`."""
    if not isinstance(service, str) or service not in SERVICES:
        from .errors import ParameterError
        from .words import shown

        raise ParameterError(f"There is no service {shown(service)}: use one of {', '.join(SERVICES)}.")
    return SERVICES[service]
