# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ComfyUI says of its classes of nodes (`GET /object_info/{class}`) -> which inputs a class has, and what they
take. A server's words: every type is checked. Connects to nothing.

`info` is always a mapping of what the server says of each class, by the class's name; a class that is not in it is one
that nobody has asked for, or that the server does not have. Source: ComfyUI 0.3.64 and 0.33.0, which write the choices
of an input in two manners.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Info = Mapping[str, Any]
NO_INFO: Info = MappingProxyType({})
"""Nothing is known of any class."""

Graph = dict[str, dict[str, Any]]
"""A workflow as `POST /prompt` takes it: nodes by id, each with `class_type` and `inputs`."""

DYNAMIC = "COMFY_DYNAMICCOMBO_V3"
"""The kind of an input whose choice brings inputs of its own, sent as "input.name"."""


def is_known(info: Info, class_type: str) -> bool:
    """Whether the server has said anything of this class."""
    return bool(_mapping(info.get(class_type)))


def required(info: Info, class_type: str) -> dict[str, tuple[Any, Mapping[str, Any]]]:
    """The inputs that a node of this class must have, by name: the kind of each, and what else is said of it."""
    return _section(_mapping(info.get(class_type)).get("input"), "required")


def optional(info: Info, class_type: str) -> dict[str, tuple[Any, Mapping[str, Any]]]:
    """The inputs that it may have."""
    return _section(_mapping(info.get(class_type)).get("input"), "optional")


def inputs(info: Info, class_type: str) -> dict[str, tuple[Any, Mapping[str, Any]]]:
    """All of them."""
    return {**required(info, class_type), **optional(info, class_type)}


def choices(info: Info, class_type: str, name: str) -> list[str]:
    """The texts that an input may have, none where it is no choice."""
    kind, about = inputs(info, class_type).get(name, (None, {}))
    if kind == DYNAMIC:
        return [entry["key"] for entry in _options(about) if isinstance(entry.get("key"), str)]
    offered = kind if isinstance(kind, list) else about.get("options")
    return [entry for entry in offered if isinstance(entry, str)] if isinstance(offered, list) else []


def outputs(info: Info, class_type: str) -> list[tuple[str, str]]:
    """Kind and name of each output of a class, in the order in which links count them."""
    about = _mapping(info.get(class_type))
    kinds, names = _list(about.get("output")), _list(about.get("output_name"))
    names += [""] * (len(kinds) - len(names))
    return [(str(kind), str(name)) for kind, name in zip(kinds, names, strict=False)]


def complete(graph: Graph, info: Info) -> Graph:
    """Return `graph` with the inputs that a newer server demands besides, each at the default that the server names."""
    for node in graph.values():
        given = node["inputs"]
        demanded = required(info, node["class_type"])
        for name, (kind, about) in list(demanded.items()):
            if kind == DYNAMIC:
                chosen = next((entry for entry in _options(about) if entry.get("key") == given.get(name)), {})
                of_choice = _section(_mapping(chosen).get("inputs"), "required")
                demanded |= {f"{name}.{below}": entry for below, entry in of_choice.items()}
        for name, (_, about) in demanded.items():
            if name not in given and isinstance(about.get("default"), str | int | float):  # a bool is an int
                given[name] = about["default"]
    return graph


def link(value: Any) -> tuple[str, int] | None:
    """The node and the number of its output that an input is linked to; None where it has a value of its own."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and type(value[1]) is int:
        return value[0], value[1]
    return None


def _section(declared: Any, name: str) -> dict[str, tuple[Any, Mapping[str, Any]]]:
    found = {}
    for key, entry in _mapping(_mapping(declared).get(name)).items():
        parts = _list(entry)
        if parts:
            found[key] = (parts[0], _mapping(parts[1]) if len(parts) > 1 else {})
    return found


def _options(about: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in _list(about.get("options")) if isinstance(entry, Mapping)]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
