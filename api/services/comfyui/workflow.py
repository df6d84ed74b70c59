# SPDX-License-Identifier: GPL-3.0-or-later
"""A workflow of the user's own: which of its nodes load the pictures and save the model, and its graph with our
pictures, seed and file name in it. Connects to nothing.

What a node does is known by its class, and exactly where the server has said what the class takes (`info`, see
`nodes`). Names of classes are those of ComfyUI 0.33.0 and, for exporters, of the extensions that people use for 3D.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...errors import ParameterError
from ...words import NAME_AT_MOST, clean
from . import exported, nodes
from .exported import ID_AT_MOST
from .graphs import ALL_SIDES, SIDES
from .nodes import NO_INFO, Graph, Info

SAVERS = ("SaveGLB", "Save3DAdvanced")
PREVIEWS = (("Preview3D", "model_file"), ("Preview3DAdvanced", "model_3d"))
"""Classes that show a model and keep a copy of it, each with the input that it comes through."""
NO_MESH = ("SaveGaussianSplat", "SavePointCloud")
EXPORTER = re.compile(r"(?i)(?=.*(?:save|export))(?=.*(?:mesh|glb|3d))(?!.*(?:image|video|splat|gaussian|cloud))")
"""How the classes of extensions are called that write a model and only say where, as Hy3DExportMesh."""
PATHS = ("relative_path", "glb_path")
"""Outputs of exporters that say where the file is; the first goes before."""
MAKERS = ("VoxelToMesh", "VoxelToMeshBasic")
"""Classes whose first output is a mesh, for where the server has not said so."""

LOADER = re.compile(r"LoadImage(?!s|.*Base64)")
"""How the classes are called that load one picture by its name in the input "image"."""
NO_LOADERS = ("Painter",)
"""Classes that take an uploaded picture which is not what the model comes of."""

VIEWS_ARE_OPTIONAL = ("Hunyuan3Dv2ConditioningMultiView", "Pixal3DMultiViewConditioning")
WORDS = {"front": "front", "back": "back", "left": "left side", "right": "right side"}

SEEDS = ("seed", "noise_seed")
SEED_MOST = 2**31 - 1  # where the server has not said more: some classes take no larger one
PLAIN_NUMBER = "PrimitiveInt"  # a seed only where it leads to one

ADDED = "image_to_3d"  # what the id of a node begins with that is added here
LISTED_AT_MOST = 6  # nodes, in a sentence


@dataclass(frozen=True)
class Node:
    """A node of a workflow. `title` is what the user called it, its class where he did not; it may be shown."""

    id: str
    class_type: str
    title: str

    def __str__(self) -> str:
        return f"{clean(self.id, ID_AT_MOST)} ({self.title})"


def read(path: Path) -> "Workflow":
    """Return the workflow in a file: what ComfyUI exports with Export (API), or a PNG or GLB that it made. Raises
    `ParameterError` with what to do, `OSError`."""
    return Workflow(exported.graph_in(path))


class Workflow:
    """A workflow of the user's own. Nobody changes it."""

    def __init__(self, graph: Graph) -> None:
        self._nodes = graph
        self._users: dict[str, list[tuple[str, str]]] = {id: [] for id in graph}
        """Which inputs of which nodes are linked to a node."""
        for id, node in graph.items():
            for name, value in node["inputs"].items():
                source = nodes.link(value)
                if source and source[0] in graph:
                    self._users[source[0]].append((id, name))

    @property
    def classes(self) -> frozenset[str]:
        """The classes of what a model can come of, with those that may be added."""
        ends = [*self._savers(), *self._exporters(NO_INFO), *self._previews()]
        used = _upstream(self._nodes, ends) if ends else self._nodes.keys()
        return frozenset(self._class(id) for id in used) | {"SaveGLB", "PreviewAny"}

    def pictures(self, info: Info = NO_INFO) -> list[Node]:
        """The nodes that load a picture which the model comes of."""
        loaders, masks = self._loaders(info, self._used(info))
        return [self._node(id) for id in loaders or masks]

    def savers(self, info: Info = NO_INFO) -> list[Node]:
        """The nodes that save the model; where none does, those that export it, show it, or make its mesh."""
        return [self._node(id) for id in self._candidates(info)]

    def views(self, info: Info) -> tuple[str, ...]:
        """Which pictures it takes, by our names, "front" first."""
        loaders, _ = self._loaders(info, self._used(info))
        there = {self._view(id) for id in loaders} if len(loaders) > 1 else set()
        return tuple(view for view in ALL_SIDES if view == "front" or view in there)

    def graph(
        self, parameters: Mapping[str, Any], pictures: Mapping[str, str], prefix: str, info: Info
    ) -> tuple[Graph, str]:
        """Return what `POST /prompt` takes, and the id of the node whose output is the model.

        `parameters` are checked, with a seed that was drawn; `pictures` are names at the server by view, "front" among
        them; the file's name begins with `prefix`. Only the nodes that the model comes of are in it. Raises
        `ParameterError` where it is not clear which nodes are meant, and where there are too many or too few pictures.
        """
        end = self._end(parameters["model_node"], info)
        used = _upstream(self._nodes, [end])
        loading = self._loading(parameters["picture_node"], info, used)
        graph = {id: {**node, "inputs": {**node["inputs"]}} for id, node in self._nodes.items() if id in used}
        for view in pictures:
            if view not in loading:
                raise ParameterError(f"The workflow takes no picture of the {WORDS[view]}: leave that picture out.")
        for view, ids in loading.items():
            if view not in pictures:
                self._leave_out(graph, ids, info)
                continue
            for id in ids:
                _put_picture(graph[id], pictures[view], info)
        used = _upstream(graph, [end])
        is_cut_off = not used.intersection(loading["front"])
        for view, ids in loading.items():
            if view not in pictures and (is_cut_off or used.intersection(ids)):
                raise ParameterError(f"The workflow needs a picture of the {WORDS[view]} too: add one.")
        graph = {id: node for id, node in graph.items() if id in used}
        _put_seed(graph, parameters["seed"], info)
        return graph, self._put_saver(graph, end, prefix, info)

    # Where the model comes out.

    def _savers(self) -> list[str]:
        return [id for id in self._nodes if self._class(id) in SAVERS]

    def _exporters(self, info: Info) -> list[str]:
        return [id for id in self._nodes if _is_exporter(self._class(id), info)]

    def _previews(self) -> list[str]:
        """Those that show what the workflow makes, and not a file of before."""
        return [
            id
            for id, node in self._nodes.items()
            if any(nodes.link(value) for name, value in node["inputs"].items() if (self._class(id), name) in PREVIEWS)
        ]

    def _meshes(self, info: Info) -> list[str]:
        """Those whose mesh no other node makes another mesh of."""
        slots = {id: _mesh_slot(self._class(id), info) for id in self._nodes}
        made = [id for id, slot in slots.items() if slot is not None]
        return [
            id
            for id in made
            if not any(
                slots[user] is not None and nodes.link(self._nodes[user]["inputs"][name]) == (id, slots[id])
                for user, name in self._users[id]
            )
        ]

    def _tiers(self, info: Info) -> Iterator[list[str]]:
        """The nodes that a model may come out of, the best first."""
        yield self._savers()
        yield self._exporters(info)
        yield self._previews()
        yield self._meshes(info)

    def _candidates(self, info: Info) -> list[str]:
        return next((tier for tier in self._tiers(info) if tier), [])

    def _used(self, info: Info) -> set[str]:
        """What the candidates come of; all where there is none."""
        return _upstream(self._nodes, self._candidates(info) or self._nodes)

    def _end(self, wanted: str, info: Info) -> str:
        found = self._candidates(info)
        if wanted:
            if not any(wanted in tier for tier in self._tiers(info)):
                raise ParameterError(self._not_among(wanted, "saves a model", found, "Model Node"))
            return wanted
        if len(found) > 1:
            raise ParameterError(self._several("save a model", found, "Model Node"))
        if found:
            return found[0]
        if any(self._class(id) in NO_MESH for id in self._nodes):
            raise ParameterError("The workflow makes points and no mesh: use one that ends with Save 3D Model.")
        raise ParameterError(
            "The workflow saves no 3D model: end it with Save 3D Model (SaveGLB) in ComfyUI, and export it again."
        )

    def _put_saver(self, graph: Graph, end: str, prefix: str, info: Info) -> str:
        """Have the end of the graph write the file that is wanted, and return the node that says where it is."""
        class_type, inputs = self._class(end), graph[end]["inputs"]
        if class_type in SAVERS:
            inputs["filename_prefix"] = prefix
            return end
        if end in self._previews():
            return end
        if not _is_exporter(class_type, info):
            mesh = [end, _mesh_slot(class_type, info)]
            return _add(graph, "save", "SaveGLB", {"mesh": mesh, "filename_prefix": prefix})
        if "filename_prefix" in {**inputs, **nodes.inputs(info, class_type)}:
            inputs["filename_prefix"] = prefix
        if isinstance(inputs.get("file_format"), str):
            inputs["file_format"] = "glb"
        slot = _path_slot(class_type, info)
        return end if slot is None else _add(graph, "path", "PreviewAny", {"source": [end, slot]})

    # Where the pictures go in.

    def _loaders(self, info: Info, used: set[str]) -> tuple[list[str], list[str]]:
        """Among these nodes, those that load a picture, and those that load only a mask."""
        found = [id for id, node in self._nodes.items() if id in used and _picture_input(node, info)]
        masks = {id for id in found if _is_mask(self._class(id), info)}
        return [id for id in found if id not in masks], [id for id in found if id in masks]

    def _loading(self, wanted: str, info: Info, used: set[str]) -> dict[str, list[str]]:
        """Which nodes load the picture of each view that the workflow takes."""
        loaders, masks = self._loaders(info, used)
        if not loaders:
            loaders, masks = masks, []
        if not loaders:
            raise ParameterError(
                "The workflow has no node that loads a picture: begin it with Load Image in ComfyUI, and export it "
                "again."
            )
        if wanted and wanted not in loaders:
            raise ParameterError(self._not_among(wanted, "loads a picture", loaders, "Picture Node"))
        file_of = {id: str(self._nodes[id]["inputs"][_picture_input(self._nodes[id], info)]) for id in loaders + masks}
        view_of = {id: self._view(id) for id in loaders} if len(loaders) > 1 else {loaders[0]: "front"}
        front = [wanted] if wanted else [id for id in loaders if view_of[id] == "front"]
        front = front or [id for id in loaders if not view_of[id]]
        if not front or len({file_of[id] for id in front}) > 1:
            raise ParameterError(self._several("load a picture", front or loaders, "Picture Node"))
        loading, chosen = {"front": front}, set(front)
        for id in loaders:
            if id in chosen:
                continue
            if view_of[id] not in ("", "front"):
                loading.setdefault(view_of[id], []).append(id)
            elif file_of[id] == file_of[front[0]]:  # loaded twice
                front.append(id)
        files = {view: {file_of[id] for id in ids} for view, ids in loading.items()}
        others = {file_of[id] for id in set(loaders).difference(*loading.values())}
        for id in masks:
            same = [view for view in loading if file_of[id] in files[view]]
            view = same[0] if len(same) == 1 else self._view(id)
            if len(loading) == 1 and file_of[id] not in others:  # of the picture that was there before
                view = "front"
            if view in loading:
                loading[view].append(id)
                files[view].add(file_of[id])
        return loading

    def _view(self, id: str) -> str:
        """The view whose picture a node loads, by our names: as the inputs say that it leads to, else as its title
        does. "" where neither says one."""
        views = self._led_to[id]
        if not views:
            return _view_in(self._node(id).title)
        return next(iter(views)) if len(views) == 1 else ""

    @cached_property
    def _led_to(self) -> Mapping[str, set[str]]:
        """By node, the views that are named by the inputs which `_sockets` finds. All at once, as there may be as many
        pictures as nodes."""
        links = [(id, user, _view_in(name)) for id, users in self._users.items() for user, name in users]
        sources: dict[str, list[str]] = {id: [] for id in self._nodes}
        for id, user, view in links:
            if not view:
                sources[user].append(id)
        found: dict[str, set[str]] = {id: set() for id in self._nodes}
        todo = [(id, view) for id, _, view in links if view]
        while todo:
            id, view = todo.pop()
            if view not in found[id]:
                found[id].add(view)
                todo += [(source, view) for source in sources[id]]
        return found

    def _sockets(self, ids: Iterable[str]) -> list[tuple[str, str]]:
        """The inputs that name a view, and that what these nodes give leads to: each is a node and an input of it."""
        todo = list(ids)
        found, seen = [], set(todo)
        while todo:
            for user, name in self._users[todo.pop()]:
                if _view_in(name):
                    found.append((user, name))
                elif user not in seen:
                    seen.add(user)
                    todo.append(user)
        return found

    def _leave_out(self, graph: Graph, ids: Iterable[str], info: Info) -> None:
        """Take out the inputs that the picture of a view leads to, where they may be missing; these nodes load it."""
        for user, name in self._sockets(ids):
            class_type = self._class(user)
            may_be_missing = name in nodes.optional(info, class_type) or class_type in VIEWS_ARE_OPTIONAL
            if user in graph and may_be_missing:
                graph[user]["inputs"].pop(name, None)

    # Words.

    def _class(self, id: str) -> str:
        return str(self._nodes[id]["class_type"])

    def _node(self, id: str) -> Node:
        class_type = self._class(id)
        title = str(self._nodes[id].get("_meta", {}).get("title", ""))
        return Node(id, class_type, clean(title, NAME_AT_MOST) or clean(class_type, NAME_AT_MOST))

    def _named(self, ids: Sequence[str], word: str) -> str:
        names = [str(self._node(id)) for id in ids[:LISTED_AT_MOST]]
        if len(ids) > LISTED_AT_MOST:
            names.append(f"{len(ids) - LISTED_AT_MOST} others")
        return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def _several(self, what: str, ids: Sequence[str], label: str) -> str:
        return f"The workflow has {len(ids)} nodes that {what}, {self._named(ids, 'and')}: choose one as {label}."

    def _not_among(self, wanted: str, what: str, ids: Sequence[str], label: str) -> str:
        instead = f"use {self._named(ids, 'or')} as {label}" if ids else f"leave {label} empty"
        return f"The workflow has no node {clean(wanted, ID_AT_MOST)} that {what}: {instead}."


def _upstream(graph: Graph, ends: Iterable[str]) -> set[str]:
    """These nodes and all that they come of."""
    todo = list(ends)
    found = set(todo)
    while todo:
        for value in graph[todo.pop()]["inputs"].values():
            source = nodes.link(value)
            if source and source[0] in graph and source[0] not in found:
                found.add(source[0])
                todo.append(source[0])
    return found


def _view_in(words: str) -> str:
    """The one view that the name of an input or a title names, by our names; "" where there is none or more."""
    found = {word for word in re.split(r"[^a-z]+", words.lower()) if word in SIDES}
    return SIDES[found.pop()] if len(found) == 1 else ""  # the same both ways


def _picture_input(node: Mapping[str, Any], info: Info) -> str:
    """The input of a node that is the name of a picture, "" where there is none."""
    class_type = node["class_type"]
    if class_type in NO_LOADERS:
        return ""
    if nodes.is_known(info, class_type):
        entries = nodes.inputs(info, class_type).items()
        names = [name for name, (_, about) in entries if about.get("image_upload") is True]
    else:
        names = ["image"] if LOADER.search(class_type) else []
    return next((name for name in names if isinstance(node["inputs"].get(name), str)), "")


def _put_picture(node: dict[str, Any], picture: str, info: Info) -> None:
    name = _picture_input(node, info)
    _, about = nodes.inputs(info, node["class_type"]).get(name, (None, {}))
    is_of_results = node["class_type"] == "LoadImageOutput" or about.get("image_folder") == "output"
    node["inputs"][name] = f"{picture} [input]" if is_of_results else picture
    if _is_mask(node["class_type"], info) and "channel" in node["inputs"]:
        node["inputs"]["channel"] = "alpha"


def _is_mask(class_type: str, info: Info) -> bool:
    if nodes.is_known(info, class_type):
        return "IMAGE" not in [kind for kind, _ in nodes.outputs(info, class_type)]
    return class_type == "LoadImageMask"


def _is_exporter(class_type: str, info: Info) -> bool:
    if class_type in SAVERS or any(class_type == preview for preview, _ in PREVIEWS) or not EXPORTER.match(class_type):
        return False
    if not nodes.is_known(info, class_type):
        return True
    return info[class_type].get("output_node") is True or _path_slot(class_type, info) is not None


def _path_slot(class_type: str, info: Info) -> int | None:
    """The output of an exporter that says where the file is; None where it has none."""
    if not nodes.is_known(info, class_type):
        return 0
    texts = {name: slot for slot, (kind, name) in enumerate(nodes.outputs(info, class_type)) if kind == "STRING"}
    return next((texts[name] for name in (*PATHS, *texts) if name in texts), None)


def _mesh_slot(class_type: str, info: Info) -> int | None:
    """The output of a node that is a mesh; None where it has none."""
    if not nodes.is_known(info, class_type):
        return 0 if class_type in MAKERS else None
    kinds = [kind for kind, _ in nodes.outputs(info, class_type)]
    return kinds.index("MESH") if "MESH" in kinds else None


def _add(graph: Graph, word: str, class_type: str, inputs: dict[str, Any]) -> str:
    id = f"{ADDED}_{word}"
    while id in graph:  # it was made from a graph of ours
        id += "_"
    graph[id] = {"class_type": class_type, "inputs": inputs}
    return id


def _put_seed(graph: Graph, seed: int, info: Info) -> None:
    """Set the first seed to this one, and the others so that they differ from it as they did."""
    found = list(dict.fromkeys(_seeds(graph, info)))
    first = graph[found[0][0]]["inputs"][found[0][1]] if found else 0
    for id, name in found:
        inputs = graph[id]["inputs"]
        least, most = _range(graph[id]["class_type"], name, info)
        inputs[name] = least + (seed + inputs[name] - first - least) % (most - least + 1)


def _seeds(graph: Graph, info: Info) -> Iterator[tuple[str, str]]:
    """Node and input of each number that is a seed: also of a node that does nothing else than give it to one."""
    for id, node in graph.items():
        known = nodes.inputs(info, node["class_type"])
        for name, value in node["inputs"].items():
            kind, about = known.get(name, (None, {}))
            is_drawn = kind == "INT" and about.get("control_after_generate") and node["class_type"] != PLAIN_NUMBER
            if name not in SEEDS and not is_drawn:
                continue
            source = nodes.link(value)
            if type(value) is int:
                yield id, name
            elif source and source[0] in graph and type(graph[source[0]]["inputs"].get("value")) is int:
                yield source[0], "value"


def _range(class_type: str, name: str, info: Info) -> tuple[int, int]:
    _, about = nodes.inputs(info, class_type).get(name, (None, {}))
    least, most = about.get("min"), about.get("max")
    least = max(least, 0) if type(least) is int else 0
    return least, max(most, least) if type(most) is int else SEED_MOST
