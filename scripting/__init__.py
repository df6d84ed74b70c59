# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script inside Blender uses: `generate()`, `job()`, `jobs()`, `Job`, `State` and the errors. Draws nothing, and
never holds a window.

from bl_ext.user_default.image_to_3d import scripting

job = scripting.generate("fox.png", service="LOCAL").wait()
print(job.objects)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..api import errors
    from ..api.errors import ImageTo3DError
    from ..jobs.state import State
    from .calls import generate, job, jobs
    from .started import Job

__all__ = ["ImageTo3DError", "Job", "State", "errors", "generate", "job", "jobs"]

_HOMES = {
    "ImageTo3DError": "api.errors",
    "Job": "scripting.started",
    "State": "jobs.state",
    "generate": "scripting.calls",
    "job": "scripting.calls",
    "jobs": "scripting.calls",
}
"""In which module of the extension the names of `__all__` are."""


if not TYPE_CHECKING:  # else mypy would take any name for one of ours

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first asked for (PEP 562): Blender waits for this package at its start, and
        needs none of them then."""
        package = __package__.rpartition(".")[0]
        if name == "errors":
            return importlib.import_module(f"{package}.api.errors")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """For whoever completes a name: Blender's Python console does."""
    return sorted(__all__)
