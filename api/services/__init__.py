# SPDX-License-Identifier: GPL-3.0-or-later
"""The services, by name, in the order in which people see them. The one place where a new service is added. Loads none
of their clients, as Blender waits at its start for what it needs to know of the services.
"""

from ..about import About
from . import comfyui, csm, local, meshy

SERVICES: dict[str, About] = {about.name: about for about in (local.ABOUT, comfyui.ABOUT, meshy.ABOUT, csm.ABOUT)}


def label_of(service: str) -> str:
    """What people call a service, also one that this version does not know."""
    return SERVICES[service].label if service in SERVICES else service or "The service"
