# SPDX-License-Identifier: GPL-3.0-or-later
"""Which workflow a request runs: one that is built in and that the server can run, or the user's own. Asks nothing
itself."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from . import lacks, workflow
from .graphs import RECIPES, Model
from .nodes import Graph, Info
from .table import FILE

InfoOf = Callable[[Iterable[str]], Info]
"""What the server says of these classes, by class; one that it lacks is not there."""


@dataclass(frozen=True)
class Plan:
    """A workflow that the server has the nodes and the files for.

    `views` are the pictures that it takes ("front", "back", "left", "right"), `frame` how they are prepared, `models`
    the files that we know pages of. `build` makes the graph of the names that the pictures have at the server and of
    the prefix of the result, and names the node that saves it.
    """

    views: tuple[str, ...]
    frame: Literal["white", "alpha"]
    models: tuple[Model, ...]
    build: Callable[[Mapping[str, str], str], tuple[Graph, str]]


def plan(values: Mapping[str, Any], info_of: InfoOf, version_of: Callable[[], str]) -> Plan:
    """Return what runs for these values of the table. Raises `LackError` where the server lacks something for it, and
    `ParameterError` where the user's own workflow cannot be used.

    `version_of` asks for the server's version.
    """
    if values["workflow"] == FILE:
        return _of_file(values, info_of)
    return _of_recipe(values, info_of, version_of)


def _of_recipe(values: Mapping[str, Any], info_of: InfoOf, version_of: Callable[[], str]) -> Plan:
    recipe, classes, files = lacks.choose(RECIPES[values["workflow"]], info_of)
    if classes:
        raise lacks.too_old(version_of(), values["workflow"], classes)
    if files:
        raise lacks.without_files([(model.file, model.folder) for model in files], files[0].page)
    info = info_of(recipe.classes)

    def build(pictures: Mapping[str, str], prefix: str) -> tuple[Graph, str]:
        graph = recipe.graph(values, pictures, prefix, info)
        return graph, next((node for node, about in graph.items() if about["class_type"] == "SaveGLB"), "")

    return Plan(recipe.views, recipe.frame, recipe.models, build)


def _of_file(values: Mapping[str, Any], info_of: InfoOf) -> Plan:
    own = workflow.read(Path(values["workflow_file"]))
    info = info_of(own.classes)
    if missing := sorted(own.classes - info.keys()):
        raise lacks.without_nodes(missing)

    def build(pictures: Mapping[str, str], prefix: str) -> tuple[Graph, str]:
        graph, saver = own.graph(values, pictures, prefix, info)
        if files := lacks.files_of(graph, info):
            raise lacks.without_files(files)
        return graph, saver

    return Plan(own.views(info), "alpha" if values["send_transparency"] else "white", (), build)
