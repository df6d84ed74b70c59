# SPDX-License-Identifier: GPL-3.0-or-later
"""The services, by name, in the order in which people see them. The one place where a new service is added."""

from .local import Local

SERVICES = {service.name: service for service in (Local,)}
