# SPDX-License-Identifier: GPL-3.0-or-later
"""What Meshy takes in a create, what it refuses with 400, and what a task costs. Answers nothing, makes nothing, and
knows nothing of the extension's own table.

Source: Meshy, "Image To 3D API", "Multi-Image To 3D API" and "Pricing" (August to November 2026); what Meshy's own MCP
server and command line leave out or refuse (0.6.8 and 0.8.6, November 2026); refusals that others have met. Where Meshy
only may refuse, this does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IMAGE_TYPES = ("image/png", "image/jpeg")
FORMATS = ("glb", "obj", "fbx", "stl", "usdz", "3mf")
USUAL_FORMATS = FORMATS[:-1]
PROMPT_CHARACTERS = 800
MOST_PICTURES = 4

LATEST = ("latest", "meshy-7.1")  # "latest" is Meshy 7.1 since 2026-09-18
STANDARD_MODELS = (*LATEST, "meshy-7", "meshy-6", "meshy-6-lite")
SMART_MODELS = ("meshy-t2", "meshy-t2.5")  # the first where none is named
ENDED_MODELS = ("meshy-4", "meshy-5", "meshy-t1")

POLYCOUNT = (100, 300_000)
POLYCOUNT_OF_MODEL = {"meshy-t2": (100, 15_000), "meshy-t2.5": (100, 30_000)}
CHEAP_MODELS = ("meshy-6-lite", *SMART_MODELS)

PICTURE_MODELS = (*LATEST, "meshy-7", "meshy-6")
"""Those that take `image_enhancement`: beside another its mere presence is refused."""
LIGHTING_MODELS = {False: ("meshy-6",), True: PICTURE_MODELS}
"""Those that take `remove_lighting`, from one picture and from several; for one, the model has to be named."""
VIEW_TEXTURE_MODELS = (*LATEST, "meshy-7")
"""Those that take `texture_image_urls`."""
GEOMETRIES = {False: ("standard", "2k", "4k"), True: ("standard", "2k")}
TEXTURE_MODELS = {False: ("", "meshy-7", "meshy-n1", "meshy-6-lite"), True: ("", "meshy-7", "meshy-n1")}

FLAGS = {
    "enable_pbr": False,
    "should_texture": True,
    "should_remesh": False,
    "save_pre_remeshed_model": False,
    "is_a_t_pose": False,
    "hd_texture": False,
    "ultra_mode": False,
    "image_enhancement": True,
    "remove_lighting": True,
    "moderation": False,
    "auto_size": False,
    "alpha_thumbnail": False,
    "multi_view_thumbnails": False,
}
CHOICES: Mapping[str, tuple[str, ...]] = {  # the first is what is usual
    "ai_model": (*STANDARD_MODELS, *SMART_MODELS),
    "model_type": ("standard", "smart-topology"),
    "topology": ("triangle", "quad"),
    "symmetry_mode": ("auto", "off", "on"),
    "pose_mode": ("", "a-pose", "t-pose"),
    "texture_resolution": ("2k", "4k", "8k"),
    "origin_at": ("bottom", "center"),
}
TEXTS = ("image_url", "input_task_id", "texture_prompt", "texture_image_url", "name")
LISTS: Mapping[str, tuple[str, ...]] = {
    "image_urls": (),
    "texture_image_urls": (),
    "target_formats": USUAL_FORMATS,
}


class BadRequestError(Exception):
    """The create is answered with 400 and this message."""


def completed(sent: Mapping[str, Any], *, is_multi: bool = False) -> dict[str, Any]:
    """Every parameter of a create with its value; `is_multi` for one of several pictures.

    Fields of other names are ignored, and null is as good as absent. Raises `BadRequestError`.
    """
    given = {name: value for name, value in sent.items() if value is not None}
    values: dict[str, Any] = {}
    for name, usual in FLAGS.items():
        values[name] = given.get(name, usual)
        _require(isinstance(values[name], bool), f"Invalid value for {name}: must be a boolean")
    for name in TEXTS:
        values[name] = given.get(name, "")
        _require(isinstance(values[name], str), f"Invalid value for {name}: must be a string")
    for name, usual in LISTS.items():
        values[name] = _list(given.get(name, list(usual)), name)
    options = {**CHOICES, "geometry_resolution": GEOMETRIES[is_multi], "texture_model": TEXTURE_MODELS[is_multi]}
    for name, words in options.items():
        values[name] = given.get(name, words[0])
        _require(values[name] not in ENDED_MODELS, f"{name} {values[name]!r} is no longer available")
        _require(values[name] in words, f"Invalid value for {name}: must be one of {', '.join(map(repr, words))}")
    if values["model_type"] == "smart-topology" and "ai_model" not in given:
        values["ai_model"] = SMART_MODELS[0]
    _check_model(given, values, is_multi)
    _check_shape(given, values)
    _check_texture(given, values, is_multi)
    _check_pictures(values, is_multi)
    return values


def cost(values: Mapping[str, Any]) -> int:
    """Credits of one task."""
    credits = 5 if values["ai_model"] in CHEAP_MODELS else 20
    credits += 10 if values["should_texture"] else 0
    credits += 5 if values["texture_resolution"] == "8k" else 0
    return credits + (5 if values["geometry_resolution"] != "standard" or values["ultra_mode"] else 0)


def _require(fits: bool, message: str) -> None:
    if not fits:
        raise BadRequestError(message)


def _list(value: Any, name: str) -> list[str]:
    """A list of texts; what else there is in its place is refused in the words of Go, in which Meshy is written."""
    if not isinstance(value, list):
        kind = GO_KINDS[type(value)]
        raise BadRequestError(f"json: cannot unmarshal {kind} into Go struct field .{name} of type []string")
    _require(all(isinstance(entry, str) for entry in value), f"Invalid value for {name}: must be strings")
    return value


GO_KINDS = {bool: "bool", str: "string", int: "number", float: "number", dict: "object"}


def _check_model(given: Mapping[str, Any], values: Mapping[str, Any], is_multi: bool) -> None:
    """Which model goes with which kind of mesh and with which parameters of the model's own."""
    model, is_smart = values["ai_model"], values["ai_model"] in SMART_MODELS
    if is_multi:
        _require("model_type" not in given, "model_type is not supported with several images")
        _require(not is_smart, f"ai_model {model!r} is not supported with several images")
    elif values["model_type"] == "smart-topology":
        _require(is_smart, f"ai_model {model!r} is not supported with model_type 'smart-topology'")
    else:
        _require(not is_smart, f"ai_model {model!r} is only supported with model_type 'smart-topology'")
    if "geometry_resolution" in given:
        _require(model in LATEST, f"geometry_resolution is not supported for {model}")
    if values["ultra_mode"] and not is_multi:  # with several pictures it is ignored
        _require(model in LATEST, f"ultra_mode is not supported for {model}")
        _require(
            values["geometry_resolution"] == "2k" or "geometry_resolution" not in given,
            "ultra_mode conflicts with geometry_resolution",
        )
    if "image_enhancement" in given:
        _require(model in PICTURE_MODELS, f"image_enhancement is not supported for {model}")
    if "remove_lighting" in given:
        is_named = is_multi or "ai_model" in given
        _require(is_named and model in LIGHTING_MODELS[is_multi], "remove_lighting is only supported for meshy-6")


def _check_shape(given: Mapping[str, Any], values: dict[str, Any]) -> None:
    ranges = {
        "target_polycount": POLYCOUNT_OF_MODEL.get(values["ai_model"], POLYCOUNT),
        "decimation_mode": (1, 4),
    }
    for name, (low, high) in ranges.items():
        value = values[name] = given.get(name, 0)
        fits = name not in given or (type(value) is int and low <= value <= high)
        _require(fits, f"Invalid value for {name}: must be an integer from {low} to {high}")
    is_format = bool(values["target_formats"]) and all(entry in FORMATS for entry in values["target_formats"])
    _require(is_format, f"Invalid value for target_formats: must be out of {', '.join(FORMATS)}")


def _check_texture(given: Mapping[str, Any], values: Mapping[str, Any], is_multi: bool) -> None:
    model, texture_model = values["ai_model"], values["texture_model"]
    is_fine = values["texture_resolution"] != "2k" or values["hd_texture"]
    if not values["should_texture"]:
        asked = ("enable_pbr", "hd_texture", "texture_model", "texture_prompt", "texture_image_url")
        for name in (*asked, "texture_image_urls"):
            _require(not values[name], f"{name} needs should_texture to be true")
        for name in ("texture_resolution", "remove_lighting"):
            _require(name not in given, f"{name} needs should_texture to be true")
    _require(not is_fine or model != "meshy-6-lite", f"This texture resolution is not supported for {model}")
    _require(
        not is_fine or texture_model not in ("meshy-n1", "meshy-6-lite"),
        f"This texture resolution is not supported for texture_model {texture_model!r}",
    )
    if texture_model == "meshy-n1":
        for name in ("enable_pbr", "texture_prompt"):
            _require(not values[name], f"{name} is not supported for texture_model 'meshy-n1'")
        _require("remove_lighting" not in given, "remove_lighting is not supported for texture_model 'meshy-n1'")
    _require(
        len(values["texture_prompt"]) <= PROMPT_CHARACTERS,
        f"texture_prompt is longer than {PROMPT_CHARACTERS} characters",
    )
    if "texture_image_urls" in given and is_multi:
        _require(
            1 <= len(values["texture_image_urls"]) <= MOST_PICTURES,
            f"texture_image_urls must hold 1 to {MOST_PICTURES} images",
        )
        _require(model in VIEW_TEXTURE_MODELS, f"texture_image_urls is not supported for {model}")
        for name in ("texture_prompt", "texture_image_url"):
            _require(not values[name], f"texture_image_urls cannot be combined with {name}")


def _check_pictures(values: Mapping[str, Any], is_multi: bool) -> None:
    name = "image_urls" if is_multi else "image_url"
    if values["input_task_id"]:  # which wins, and nothing here makes images
        raise BadRequestError("input_task_id is not a succeeded image task")
    _require(bool(values[name]), f"Either {name} or input_task_id is required")
    if is_multi:
        _require(len(values[name]) <= MOST_PICTURES, f"image_urls must hold 1 to {MOST_PICTURES} images")
