# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a prompt is, from what the socket tells of its nodes. ComfyUI knows no share of the whole: each node counts
the same. Connects to nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

from ...task import Status, Task
from ...words import NAME_AT_MOST, clean
from ..web import number
from .history import ENDINGS

ENDED = "ended"
"""What `Progress.hear` says of a message after which the history knows the prompt."""


class Progress:
    """The prompt `task_id` with its `graph`. What was once done stays done, also where the socket is opened again.
    `secrets` must not be seen in what is told of it."""

    def __init__(self, task_id: str, graph: Mapping[str, Any], secrets: Iterable[str] = ()) -> None:
        self.task_id = task_id
        self._graph = graph
        self._secrets = tuple(secrets)
        self._finished: set[str] = set()
        self._running: dict[str, float] = {}
        self._share = 0.0
        self._message = "ComfyUI is working"
        self._told = 0.0, ""

    def tell(self) -> Task:
        """The prompt while it runs."""
        self._told = round(self._share, 2), self._message
        return Task(self.task_id, Status.RUNNING, self._share, self._message)

    @property
    def has_moved(self) -> bool:
        """Whether there is anything that people would see since `tell` was called last: some nodes tell of
        thousands of steps."""
        return self._told != (round(self._share, 2), self._message)

    def hear(self, message: Mapping[str, Any]) -> str:
        """Take in what the socket says. Return "" where that is not about this prompt, `ENDED` where it has ended, and
        else the kind of the message."""
        kind, data = message.get("type"), message.get("data")
        if not isinstance(kind, str) or not isinstance(data, Mapping):
            return ""
        # After a socket was opened again, "executing" comes without an id: it was sent to us alone.
        if data.get("prompt_id", self.task_id if kind == "executing" else "") != self.task_id:
            return ""
        if kind in ENDINGS or (kind == "executing" and data.get("node") is None):
            return ENDED
        if kind == "execution_cached":
            self._finish(data.get("nodes"))
        elif kind == "executing":
            self._run(data.get("node"), 0.0)
        elif kind == "progress":
            self._run(data.get("node"), _fraction(data))
        elif kind == "progress_state":
            self._hear_state(data.get("nodes"))
        self._count()
        return kind

    def _hear_state(self, nodes: object) -> None:
        for node, state in nodes.items() if isinstance(nodes, Mapping) else ():
            if not isinstance(state, Mapping):
                continue
            if state.get("state") == "finished":
                self._finish([node])
            elif state.get("state") == "running":
                self._run(node, _fraction(state))

    def _finish(self, nodes: object) -> None:
        for node in nodes if isinstance(nodes, list) else ():
            if isinstance(node, str) and node in self._graph:
                self._finished.add(node)
                self._running.pop(node, None)

    def _run(self, node: object, fraction: float) -> None:
        if not isinstance(node, str) or node not in self._graph or node in self._finished:
            return
        self._running[node] = max(fraction, self._running.get(node, 0.0))
        self._message = f"ComfyUI runs {called(self._graph, node, secrets=self._secrets)}"

    def _count(self) -> None:
        if self._graph:
            done = len(self._finished) + sum(self._running.values())
            self._share = max(self._share, min(done / len(self._graph), 1.0))


def _fraction(state: Mapping[str, Any]) -> float:
    value, most = number(state.get("value")), number(state.get("max"))
    return value / most if 0 < value <= most else 0.0


def called(graph: Mapping[str, Any], node: str, node_class: str = "", secrets: Iterable[str] = ()) -> str:
    """What people call a node of a graph: the title that it has in the editor, else its class. `secrets` must not be
    seen in it."""
    found = graph.get(node)
    found = found if isinstance(found, Mapping) else {}
    meta = found.get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    for name in (title, node_class, found.get("class_type"), node):
        if isinstance(name, str) and (seen := clean(name, NAME_AT_MOST, secrets)):
            return seen
    return "a node"
