# SPDX-License-Identifier: GPL-3.0-or-later
"""One request -> those for its variants: with other seeds where the service has one, numbered names, and a place in a
row. Starts nothing."""

import dataclasses
import secrets

from ..api.seeds import with_seed
from ..api.services import SERVICES
from ..jobs.folder import Job
from .request import Request

NAME_BYTES = 63
"""The longest name that an object of Blender 4.2 to 4.5 can have, in UTF-8; later ones have room for more."""


def variants_of(request: Request, most: int, row: str = "", number: int = 0, group: str = "") -> list[Request]:
    """Return `most` requests like this one, which belong together; for 1 the request itself.

    `row` is the name of the row that the models stand in, "" for one of their own, and `number` the place of the first
    in it, from 1. `group` is what they have in common, "" for something new.
    """
    if most == 1:
        return [_placed(request, row, number) if row else request]
    group = group or secrets.token_hex(8)
    return [
        dataclasses.replace(
            _placed(request, row or group, max(number, 1) + index),
            title=numbered(request.title, index + 1),
            parameters=with_seed(SERVICES[request.service], request.parameters, index),
            group=group,
            variant=index + 1,
        )
        for index in range(most)
    ]


def _placed(request: Request, row: str, number: int) -> Request:
    return dataclasses.replace(request, place={**request.place, "row": row, "number": number})


def numbered(name: str, number: int) -> str:
    """The name of a variant. Of a long one the end of the name is left out, and never the number."""
    end = f" {number}"
    return name.encode()[: NAME_BYTES - len(end)].decode(errors="ignore").rstrip() + end


def base_name(job: Job) -> str:
    """What a job would be called if it was no variant."""
    return job.name.removesuffix(f" {job.variant}") if job.variant else job.name
