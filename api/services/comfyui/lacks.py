# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server has beside what a workflow needs: which workflow it can run, and what it lacks, as one sentence. Asks
nothing itself.

`info` is what `GET /object_info/{class}` says of each class, by class; a class that the server lacks is not in it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import LackError
from ...words import NAME_AT_MOST, clean
from . import nodes

if TYPE_CHECKING:
    from .graphs import Model, Recipe

NAMED_AT_MOST = 8  # of what is lacking, in one sentence
LETTERS_AT_MOST = 500  # of them all; names may be of any length

MODEL_ENDINGS = (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".gguf", ".onnx")

FOLDERS = {
    ("CLIPVisionLoader", "clip_name"): "clip_vision",
    ("LoadMoGeModel", "model_name"): "geometry_estimation",
    ("UpscaleModelLoader", "model_name"): "upscale_models",
    ("", "ckpt_name"): "checkpoints",
    ("", "unet_name"): "diffusion_models",
    ("", "vae_name"): "vae",
    ("", "clip_name"): "text_encoders",
    ("", "lora_name"): "loras",
    ("", "control_net_name"): "controlnet",
    ("", "style_model_name"): "style_models",
    ("", "bg_removal_name"): "background_removal",
}
"""Where the loaders of ComfyUI 0.33.0 look for their files, by class ("" for any) and input."""


def choose(
    recipes: "Sequence[Recipe]", info_of: Callable[[Iterable[str]], Mapping[str, Any]]
) -> "tuple[Recipe, tuple[str, ...], tuple[Model, ...]]":
    """Return the first recipe that the server can run, or else the one that lacks least; and the classes and the files
    that it lacks. `info_of` asks for what the server says of classes."""
    found = []
    for recipe in recipes:
        info = info_of(sorted(recipe.classes))
        classes = tuple(sorted(recipe.classes - info.keys()))
        files = tuple(model for model in recipe.models if not model.found(info))
        if not classes and not files:
            return recipe, (), ()
        found.append((recipe, classes, files))
    return min(found, key=lambda entry: (len(entry[1]), len(entry[2])))


def too_old(version: str, workflow: str, classes: Sequence[str]) -> LackError:
    """The server has not all nodes of a workflow that is built in."""
    others = f" and {len(classes) - 1} more" if len(classes) > 1 else ""
    which = f"ComfyUI {version}" if version else "ComfyUI"
    return LackError(
        f"{which} is too old for the workflow {workflow} (it lacks the node {classes[0]}{others}): update ComfyUI."
    )


def without_nodes(classes: Sequence[str], secrets: Iterable[str] = ()) -> LackError:
    """The server has not all nodes of a workflow of the user's. `secrets` must not be seen in their names."""
    names = [cleaned(name, secrets) for name in classes]
    what = "the node" if len(classes) == 1 else "the nodes"
    return LackError(
        f"ComfyUI lacks {what} {_listed(names)} of the workflow: update ComfyUI, or "
        "install there what the workflow was made with."
    )


def without_files(files: "Sequence[tuple[str, str]]", page: str = "", secrets: Iterable[str] = ()) -> LackError:
    """The server has not all model files; `files` are their names and folders ("" for one that is not known), in which
    `secrets` must not be seen."""
    different = list(dict.fromkeys(files))
    if len(different) == 1:
        file, folder = different[0]
        return LackError(f"ComfyUI lacks {cleaned(file, secrets)}: put it into {_place(folder)}.", page=page)
    by_folder: dict[str, list[str]] = {}
    for file, folder in different:
        by_folder.setdefault(folder, []).append(cleaned(file, secrets))
    puts = [f"{_listed(names)} into {_place(folder)}" for folder, names in by_folder.items()]
    return LackError(f"ComfyUI lacks {len(different)} files: put {_listed(puts)}.", page=page)


def files_of(graph: Mapping[str, Any], info: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The model files that a graph names and the server has not, with their folders ("" for one that is not known)."""
    found = []
    for node in graph.values():
        if not isinstance(node, Mapping) or not isinstance(node.get("inputs"), Mapping):
            continue
        node_class = str(node.get("class_type", ""))
        for name, value in node["inputs"].items():
            if is_model(value) and _lacks(info, node_class, name, value):
                found.append((value, folder_of(node_class, name)))
    return found


def is_model(value: object) -> bool:
    """Whether the value of an input is the name of a model file."""
    return isinstance(value, str) and value.lower().endswith(MODEL_ENDINGS)


def folder_of(node_class: str, name: str) -> str:
    """Where the loader `node_class` looks for the file in its input `name`, "" where that is not known."""
    return FOLDERS.get((node_class, name)) or FOLDERS.get(("", name), "")


def _lacks(info: Mapping[str, Any], node_class: str, name: str, file: str) -> bool:
    """Whether the server offers files for an input, and this one is not among them."""
    kind, about = nodes.inputs(info, node_class).get(name, (None, {}))
    offered = kind if isinstance(kind, list) else about.get("options")
    return isinstance(offered, list) and file not in offered


def cleaned(name: str, secrets: Iterable[str] = ()) -> str:
    """A name out of a file or an answer, as it can stand in a sentence, where `secrets` must not be seen."""
    return clean(name, NAME_AT_MOST, secrets) or "?"


def _place(folder: str) -> str:
    return f"models/{folder}" if folder else "the folder of models where its node looks for it"


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:NAMED_AT_MOST])
    while len(shown) > 1 and sum(map(len, shown)) > LETTERS_AT_MOST:
        shown.pop()
    if len(names) > len(shown):
        return f"{', '.join(shown)} and {len(names) - len(shown)} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
