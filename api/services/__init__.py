# SPDX-License-Identifier: GPL-3.0-or-later
"""The services, by name, in the order in which people see them. The one place where a new service is added."""

from ..task import Service
from .csm import CSM
from .local import Local
from .meshy import Meshy

SERVICES: dict[str, type[Service]] = {service.name: service for service in (Local, CSM, Meshy)}
