# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preferences, the environment and Blender itself say about access: keys, addresses, online or not, limits.
Connects to nothing."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import bpy

from ..api import access as needs
from ..api.errors import JobError, NoKeyError, OfflineError
from ..api.parameters import pictures
from ..api.services import SERVICES

if TYPE_CHECKING:
    from ..jobs.folder import Job

PACKAGE = __package__.rpartition(".")[0]


def jobs_folder() -> Path:
    """Make the folder of all jobs where it is missing, and return it. Raises `JobError` where there can be none."""
    path = bpy.utils.extension_path_user(PACKAGE, path="jobs")
    if not path:
        raise JobError(
            "Blender has no user folder to keep jobs in: check the environment variables that begin with BLENDER_USER."
        )
    folder = Path(path)
    try:
        # Not by `create=True`: where that fails, Blender (5.2, too) returns "", which as a path is the working
        # directory.
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise JobError(
            f"The folder of the jobs cannot be made at {folder} ({reason}): make sure that you may write there."
        ) from None
    return folder


def preferences() -> Any:
    """The preferences; their defaults where the extension was enabled without an entry of its own (`blender --addons`,
    some scripts)."""
    if PACKAGE in bpy.context.preferences.addons:
        return bpy.context.preferences.addons[PACKAGE].preferences
    kinds = bpy.types.AddonPreferences.__subclasses__()
    properties = next(kind for kind in kinds if kind.is_registered and kind.bl_idname == PACKAGE).bl_rna.properties
    return SimpleNamespace(**{entry.identifier: entry.default for entry in properties if hasattr(entry, "default")})


def address_of(service: str) -> str:
    """Where a web service is, as the environment and, after it, the preferences say; "" for the service's own
    address."""
    return os.environ.get(needs.url_variable(service), "") or getattr(preferences(), f"{service}_url")


def key_of(service: str) -> str:
    """The key of a web service, from the same places."""
    return os.environ.get(needs.key_variable(service), "") or getattr(preferences(), f"{service}_key")


def connection(service: str) -> dict[str, Any]:
    """The options of `api.connect` for a service. Holds the key."""
    chosen = preferences()
    network = {
        "proxy": chosen.proxy,
        "ca_file": bpy.path.abspath(chosen.ca_file) if chosen.ca_file else "",
        "online": bpy.app.online_access,
    }
    if SERVICES[service].reach == "none":
        return {"network": network}
    return {
        "network": network,
        "key": key_of(service),
        "url": address_of(service),
        "picture_limit_px": chosen.picture_limit,
    }


def config_of(job: "Job") -> dict[str, Any]:
    """What the process of a job gets on its standard input: see `jobs.worker.start`."""
    return {
        "blender": bpy.app.binary_path,
        "connection": connection(job.service),
        "time_limit_s": preferences().time_limit * 60.0,
        "model_bounds": {
            "memory_bytes": preferences().model_memory_gb << 30,
            "seconds": preferences().model_minutes * 60.0,
        },
    }


def jobs_at_once() -> int:
    """How many jobs may run side by side."""
    return int(preferences().jobs_at_once)


def offline_reason(service: str, sources: Iterable[str] = ()) -> str:
    """Return why a request with pictures from `sources` cannot be sent now, "" if it can. Asked before every connection
    that leaves this machine."""
    if service not in SERVICES:  # a job that a later version of the extension has left
        return f"The service {service!r} is not known here: update the extension"
    if bpy.app.online_access:
        return ""
    # Here, as they would slow down the start of Blender.
    from ..api.network import is_loopback
    from ..api.picture import leaves_machine

    about = SERVICES[service]
    is_here = about.reach == "none" or is_loopback(address_of(service).strip() or about.default_url)
    if is_here and (
        about.reach == "web" or not any(map(leaves_machine, sources))
    ):  # "web" ones fetch pictures themselves
        return ""
    if bpy.app.online_access_override:
        return "Online access is off, because Blender was started in offline mode: start it without --offline-mode"
    return needs.OFFLINE


def require_ready(service: str, parameters: Mapping[str, Any]) -> None:
    """Raise `NoKeyError` or `OfflineError` where a request with these checked parameters cannot be sent now, with what
    to do."""
    if reason := key_reason(service):
        raise NoKeyError(f"{reason}.")
    if reason := offline_reason(service, _sources(service, parameters)):
        raise OfflineError(f"{reason}.")


def _sources(service: str, parameters: Mapping[str, Any]) -> list[str]:
    """Where all pictures of a request come from; a record may hold anything in their place."""
    values = (parameters.get(name) for name in pictures(SERVICES[service].parameters))
    return [value for value in values if isinstance(value, str)]


def reason_to_wait(job: "Job") -> str:
    """Why a job cannot go on just now, "" if it can. Asked with every look at a job that runs, so in the cheapest
    order."""
    if job.service in SERVICES and bpy.app.online_access:
        return ""
    return offline_reason(job.service, _sources(job.service, job.parameters) if job.service in SERVICES else ())


def closed_reason(service: str) -> str:
    """Return what people should know of a service that is said to have closed, "" where an address of a server was
    entered, and for all others."""
    closed = SERVICES[service].closed
    return "" if not closed or address_of(service).strip() else closed


def key_reason(service: str) -> str:
    """Return what a web service lacks before it can be asked, "" if nothing."""
    if not SERVICES[service].needs_key or key_of(service).strip():
        return ""
    return needs.no_key(service, SERVICES[service].label)
