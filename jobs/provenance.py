# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model says of where it came from, as custom properties of its root. Writes nothing itself."""

import json
from typing import Any

from ..api import picture
from ..api.parameters import attached
from ..api.services import SERVICES
from ..api.words import bare_address
from .folder import Job


def of(job: Job) -> dict[str, Any]:
    """The custom properties of a job's model, by name.

    The user may give the file to anybody, so an address loses what gives access to the picture. No key and no data URI
    can be in here: no job holds them.
    """
    source = job.source
    names = attached(SERVICES[job.service].parameters) if job.service in SERVICES else []
    return {
        "image_to_3d_service": job.service,
        "image_to_3d_job": job.id,
        "image_to_3d_task": job.task_id,
        "image_to_3d_picture": bare_address(source) if picture.is_url(source) else job.name,
        "image_to_3d_picture_sha256": job.picture_sha256,
        "image_to_3d_parameters": json.dumps(
            {name: value for name, value in job.parameters.items() if name not in names}
        ),
    }
