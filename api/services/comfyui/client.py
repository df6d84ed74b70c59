# SPDX-License-Identifier: GPL-3.0-or-later
"""ComfyUI: its routes, and its words for status and result. Has no table and no workflow of its own."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from ...about import About
from ...task import Task, nothing
from ..web import WebService
from . import ABOUT


class ComfyUI(WebService):
    """The service. Options as `WebService` says; the key is also taken from COMFYUI_API_KEY, the address from
    COMFYUI_API_URL."""

    about: ClassVar[About] = ABOUT

    def create(
        self, parameters: Mapping[str, Any], before_sending: Callable[[], None] = nothing, task_id: str = ""
    ) -> Task:
        """`POST /upload/image` for each picture, then `POST /prompt`. See `Service.create`."""
        raise NotImplementedError

    def get(self, task_id: str) -> Task:
        """`GET /queue`, then `GET /history/{prompt_id}`. See `Service.get`."""
        raise NotImplementedError

    def listen(self, task_id: str, wait: Callable[[float], None]) -> Iterator[Task]:
        """`get`, then what `/ws` tells. See `Service.listen`."""
        raise NotImplementedError

    def find(self, parameters: Mapping[str, Any], age_s: float) -> list[str]:
        """Return nothing: the id of a prompt is chosen here."""
        return []

    def cancel(self, task_id: str) -> bool:
        """`POST /queue` and `POST /interrupt` for this prompt alone. See `Service.cancel`."""
        raise NotImplementedError
