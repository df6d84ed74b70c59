# SPDX-License-Identifier: GPL-3.0-or-later
"""What ComfyUI says of a graph before it takes it: classes first, then every output with all that it needs. Runs none.

Source: recorded answers of ComfyUI 0.33.0 and 0.3.64 to POST /prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import comfyui_nodes as nodes
from .comfyui_disk import Disk
from .comfyui_nodes import ANY, LONG_LIST, MATCH, NEW, NODES, OLD, OLD_NODES, Combo, Dynamic, Input, Node

Graph = dict[str, Any]
NUMBERS = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}
PICTURE_LOADERS = ("LoadImage", "LoadImageMask")
TRIPS = (KeyError, IndexError, TypeError, AttributeError)  # what the server's own look at a node may raise
KINDS = {
    "required_input_missing": "Required input is missing",
    "bad_linked_input": "Bad linked input, must be a length-2 list of [node_id, slot_index]",
    "return_type_mismatch": "Return type mismatch between linked nodes",
    "exception_during_validation": "Exception when validating node",
    "exception_during_inner_validation": "Exception when validating inner node",
    "custom_validation_failed": "Custom validation failed for node",
    "value_not_in_list": "Value not in list",
    "dependency_cycle": "Dependency cycle detected",
}


class TroubleError(Exception):
    """The server trips over what it was sent, and answers 500."""


@dataclass
class Installed:
    """What is there: the version, the model files by folder, the classes that are not, the device."""

    disk: Disk
    dialect: str = NEW
    models: dict[str, list[str]] = field(default_factory=lambda: {k: list(v) for k, v in nodes.MODELS.items()})
    missing_classes: set[str] = field(default_factory=set)
    device: str = "cuda"

    def find(self, name: Any) -> Node | None:
        """The class of that name."""
        node = NODES.get(name) if isinstance(name, str) and name not in self.missing_classes else None
        if node is None or self.dialect == NEW:
            return node
        return OLD_NODES.get(name, node) if node.is_old else None

    def options(self, combo: Combo) -> list[str]:
        if combo.options:
            return list(combo.options)
        if not combo.folder:
            return self.disk.pictures()
        return [*sorted(self.models.get(combo.folder, [])), *combo.more]

    def about(self, name: str) -> dict[str, Any] | None:
        """What /object_info says of a class."""
        node = self.find(name)
        return None if node is None else nodes.about(name, node, self.dialect, self.options)


@dataclass
class Verdict:
    """What comes of a graph: `error` where nothing runs, the outputs that do, and what is wrong by node."""

    error: dict[str, Any] | None = None
    outputs: list[str] = field(default_factory=list)
    node_errors: dict[str, Any] = field(default_factory=dict)


def judge(graph: Any, installed: Installed) -> Verdict:
    """Look at a whole graph. Raises `TroubleError` where it is no graph at all, as an editor's file."""
    if not isinstance(graph, dict):
        raise TroubleError("a graph is an object")
    outputs = []
    for node_id, node in graph.items():
        if installed.dialect == OLD and isinstance(node, str | list):  # as most in an editor's file
            return Verdict(_unknown(node_id, {}, OLD))
        if not isinstance(node, dict):
            raise TroubleError(f"node {node_id} is no object")
        found = installed.find(node.get("class_type"))
        if found is None:
            return Verdict(_unknown(node_id, node, installed.dialect))
        if found.is_output:
            outputs.append(node_id)
    if not outputs:
        return Verdict(_error("prompt_no_outputs", "Prompt has no outputs", ""))
    return _Validation(graph, installed).all(outputs)


def _error(kind: str, message: str, details: str, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": dict(extra or {})}


def _unknown(node_id: str, node: Mapping[str, Any], dialect: str) -> dict[str, Any]:
    name, details = node.get("class_type"), f"Node ID '#{node_id}'"
    has_class = "class_type" in node
    if dialect == OLD:
        without = "Cannot execute because a node is missing the class_type property."
        return _error(
            "invalid_prompt", f"Cannot execute because node {name} does not exist." if has_class else without, details
        )
    title = node.get("_meta", {}).get("title", name)
    message = f"Node '{title}' not found. The custom node may not be installed."
    if not has_class:
        shown = title or f"ID #{node_id}"
        message = f"Node '{shown}' has no class_type. The workflow may be corrupted or a custom node is missing."
    return _error("missing_node_type", message, details, {"node_id": node_id, "class_type": name, "node_title": title})


class _Validation:
    """One look at one graph. A node is looked at once, however many outputs need it."""

    def __init__(self, graph: Graph, installed: Installed) -> None:
        self.graph = graph
        self.installed = installed
        self.seen: dict[str, tuple[bool, list[dict[str, Any]]]] = {}

    def all(self, outputs: list[str]) -> Verdict:
        verdict = Verdict()
        wrong: list[dict[str, Any]] = []
        for output in outputs:
            try:
                is_good, reasons = self._node(output, [])
            except TRIPS as error:
                is_good, reasons = False, [_tripped("exception_during_validation", error)]
                self.seen[output] = False, reasons
            if is_good:
                verdict.outputs.append(output)
                continue
            wrong += reasons
            for node_id, (is_fine, found) in self.seen.items():
                if not is_fine and found:
                    told = {"errors": found, "dependent_outputs": [], "class_type": self.graph[node_id]["class_type"]}
                    verdict.node_errors.setdefault(node_id, told)["dependent_outputs"].append(output)
        if not verdict.outputs:
            details = "\n".join(f"{reason['message']}: {reason['details']}" for reason in wrong)
            verdict.error = _error("prompt_outputs_failed_validation", "Prompt outputs failed validation", details)
        return verdict

    def _node(self, node_id: str, above: list[str]) -> tuple[bool, list[dict[str, Any]]]:
        if node_id in self.seen:
            return self.seen[node_id]
        if node_id in above:
            return self._cycle(node_id, above)
        sent = self.graph[node_id]["inputs"]
        node = self.installed.find(self.graph[node_id]["class_type"])
        assert node is not None  # classes were looked at first
        reasons: list[dict[str, Any]] = []
        is_fine = True
        for name, (value, is_required) in self._inputs(node, sent).items():
            if name not in sent:
                if is_required:
                    reasons.append(_reason("required_input_missing", name.split(".")[-1], {"input_name": name}))
            elif isinstance(sent[name], list):
                reason, is_linked = self._link(node_id, name, value, sent[name], node, above)
                reasons += [reason] if reason else []
                is_fine = is_fine and is_linked
            else:
                reason = self._value(name, value, sent, self.graph[node_id]["class_type"], node)
                reasons += [reason] if reason else []
        before = self.seen.get(node_id, (True, []))
        found = before[1] + [reason for reason in reasons if reason not in before[1]]
        self.seen[node_id] = before[0] and is_fine and not reasons, found
        return self.seen[node_id]

    def _inputs(self, node: Node, sent: Mapping[str, Any]) -> dict[str, tuple[Input, bool]]:
        """What a class takes, with what its chosen choices take beside it."""
        found: dict[str, tuple[Input, bool]] = {}
        for inputs, is_required in ((node.required, True), (node.optional, False)):
            for name, value in inputs.items():
                if not isinstance(value, Dynamic):
                    found[name] = value, is_required
                elif (choice := sent.get(name)) in value.choices:  # another one is not looked at
                    found |= {f"{name}.{own}": (its, True) for own, its in value.choices[choice].items()}
        return found

    def _told(self, name: str, value: Input, node: Node) -> list[Any]:
        told = nodes.told({name: value}, node.is_v3 and self.installed.dialect == NEW, self.installed.options)[name]
        return told if len(told) > 1 else [*told, {}]

    def _cycle(self, node_id: str, above: list[str]) -> tuple[bool, list[dict[str, Any]]]:
        path = [*above[above.index(node_id) :], node_id]
        told = " -> ".join(f"{each} ({self.graph[each]['class_type']})" for each in path)
        members = list(dict.fromkeys(path))
        if self.installed.dialect == OLD:  # which walks until it may walk no further, and then says nothing of it
            return False, []
        for each in members:
            extra = {"node_id": each, "cycle_nodes": members}
            self.seen[each] = False, [_reason("dependency_cycle", told, extra)]
        return self.seen[node_id]

    def _link(
        self, node_id: str, name: str, value: Input, link: list[Any], node: Node, above: list[str]
    ) -> tuple[dict[str, Any] | None, bool]:
        """What is wrong with a link itself, and whether all behind it is fine."""
        config = self._told(name, value, node)
        extra: dict[str, Any] = {"input_name": name, "input_config": config}
        if len(link) != 2:
            return _reason("bad_linked_input", name, {**extra, "received_value": link}), True
        other = self.installed.find(self.graph[link[0]]["class_type"])
        assert other is not None
        received = (list(other.outputs) if other.is_v3 and self.installed.dialect == NEW else other.outputs)[link[1]]
        expected = "COMBO" if isinstance(value, Combo) else value if isinstance(value, str) else config[0]
        if not _fits(received, expected):
            told = config[0] if not isinstance(config[0], list) else str(config[0])
            details = f"{name}, received_type({received}) mismatch input_type({told})"
            return _reason(
                "return_type_mismatch", details, {**extra, "received_type": received, "linked_node": link}
            ), True
        try:
            return None, self._node(link[0], [*above, node_id])[0]
        except TRIPS as error:
            tripped = _tripped("exception_during_inner_validation", error, {**extra, "linked_node": link})
            self.seen[link[0]] = False, [tripped]
            return None, False

    def _value(
        self, name: str, value: Input, sent: dict[str, Any], class_name: str, node: Node
    ) -> dict[str, Any] | None:
        config = self._told(name, value, node)
        extra: dict[str, Any] = {"input_name": name, "input_config": config}
        kind, opts = config[0], config[1]
        if isinstance(sent[name], dict) and "__value__" in sent[name]:
            sent[name] = sent[name]["__value__"]
        given = sent[name]
        if isinstance(kind, str) and kind in NUMBERS:
            try:
                given = sent[name] = NUMBERS[kind](given)
            except (TypeError, ValueError, OverflowError) as error:
                return _error(
                    "invalid_input_type",
                    f"Failed to convert an input value to a {kind} value",
                    f"{name}, {given}, {error}",
                    {**extra, "received_value": given, "exception_message": str(error)},
                )
        if class_name in PICTURE_LOADERS and name == "image":
            if self.installed.disk.picture(given) is None:
                return _reason("custom_validation_failed", f"image - Invalid image file: {given}", {"input_name": name})
            return None
        for word, limit, is_beyond in (("min", "smaller", given_below), ("max", "bigger", given_above)):
            if word in opts and is_beyond(given, opts[word]):
                message = f"Value {given} {limit} than {word} of {opts[word]}"
                return _error(f"value_{limit}_than_{word}", message, name, {**extra, "received_value": given})
        if isinstance(value, Combo):
            return _listed(name, given, self.installed.options(value), extra)
        return None


def given_below(given: Any, limit: float) -> bool:
    return given < limit


def given_above(given: Any, limit: float) -> bool:
    return given > limit


def _listed(name: str, given: Any, options: list[str], extra: dict[str, Any]) -> dict[str, Any] | None:
    if given in options:
        return None
    is_long = len(options) > LONG_LIST
    shown = f"(list of length {len(options)})" if is_long else str(options)
    config = None if is_long else extra["input_config"]
    details = f"{name}: {given!r} not in {shown}"
    return _reason("value_not_in_list", details, {**extra, "input_config": config, "received_value": given})


def _fits(received: str, expected: str) -> bool:
    if {received, expected} & {ANY, MATCH}:
        return True
    return bool(set(received.split(",")) & set(expected.split(",")))


def _reason(kind: str, details: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    return _error(kind, KINDS[kind], details, extra)


def _tripped(kind: str, error: Exception, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    about = {"exception_type": type(error).__name__, "traceback": ['  File "execution.py", in validate_inputs\n']}
    if extra is not None:
        about = {**extra, "exception_message": str(error), **about}
    return _reason(kind, str(error), about)
