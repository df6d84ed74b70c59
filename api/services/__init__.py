# SPDX-License-Identifier: GPL-3.0-or-later
"""The services, by name, in the order in which people see them. The one place where a new service is added. Loads none
of their clients, as Blender waits at its start for what it needs to know of the services.
"""

from typing import TYPE_CHECKING, Any, Literal

from ..about import About
from . import comfyui, csm, local, meshy

if TYPE_CHECKING:
    from ..task import Service

ServiceName = Literal["local", "comfyui", "meshy", "csm"]
"""The wire names of the services, for editors and type checkers."""

SERVICES: dict[str, About] = {about.name: about for about in (local.ABOUT, comfyui.ABOUT, meshy.ABOUT, csm.ABOUT)}


def label_of(service: str) -> str:
    """What people call a service, also one that this version does not know."""
    return SERVICES[service].label if service in SERVICES else service or "The service"


def client_for(service: str, **options: Any) -> "Service":
    """Return the client of the service with this wire name, made with the options of its class. For whoever works for
    Blender, where people know the preferences: scripts `connect`."""
    return SERVICES[service].client()(**options)
