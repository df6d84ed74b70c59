# SPDX-License-Identifier: GPL-3.0-or-later
"""What `GET /queue` and `GET /history/{id}` say of one prompt. Reads only; takes no word for granted, as a stranger has
said it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ENDINGS = ("execution_success", "execution_error", "execution_interrupted")
"""The messages with which a prompt ends. The status of one that was interrupted is "error", too, so it decides
nothing."""

OURS = "image_to_3d"
"""The key of `extra_data` with what we want to know of a prompt later on."""


@dataclass(frozen=True)
class Queued:
    """A prompt that waits or runs: how many are before it, and its graph ({} where that is not told)."""

    is_running: bool
    ahead: int
    graph: Mapping[str, Any]


def queued(body: object, task_id: str) -> Queued | None:
    """Where the prompt is in the answer to `GET /queue`, None where it is not there."""
    running = list(_entries(body, "queue_running"))
    for entry in running:
        if entry[1] == task_id:
            return Queued(True, 0, _mapping(entry[2]))
    pending = list(_entries(body, "queue_pending"))
    for entry in pending:
        if entry[1] == task_id:
            ahead = sum(_number(other) < _number(entry) for other in pending)  # they come in no order
            return Queued(False, len(running) + ahead, _mapping(entry[2]))
    return None


def is_queue(body: object) -> bool:
    """Whether an answer is one to `GET /queue`."""
    return isinstance(body, Mapping) and isinstance(body.get("queue_running"), list)


def _entries(body: object, name: str) -> Iterator[list[Any]]:
    entries = body.get(name) if isinstance(body, Mapping) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, list) and len(entry) >= 3:
            yield entry


def _number(entry: list[Any]) -> float:
    """The smaller, the earlier."""
    return entry[0] if isinstance(entry[0], (int, float)) else 0


def entry_of(body: object, task_id: str) -> Mapping[str, Any] | None:
    """What the answer to `GET /history/{id}` says of the prompt, None where it says nothing."""
    entry = body.get(task_id) if isinstance(body, Mapping) else None
    return entry if isinstance(entry, Mapping) else None


def ending(entry: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """How a prompt has ended: one of `ENDINGS`, and what comes with it; ("", {}) where no message says so."""
    messages: object = _mapping(entry.get("status")).get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, list) and len(message) >= 2 and message[0] in ENDINGS:
            return message[0], _mapping(message[1])
    return "", {}


def graph_of(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The graph that has run, {} where it is not told."""
    prompt = entry.get("prompt")
    return _mapping(prompt[2]) if isinstance(prompt, list) and len(prompt) > 2 else {}


def saver_of(entry: Mapping[str, Any]) -> str:
    """The id of the node that saves the model, as we have sent it with the prompt; "" where it is not told."""
    prompt = entry.get("prompt")
    extra = _mapping(prompt[3]) if isinstance(prompt, list) and len(prompt) > 3 else {}
    saver = _mapping(extra.get(OURS)).get("saver")
    return saver if isinstance(saver, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
