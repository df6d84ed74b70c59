# SPDX-License-Identifier: GPL-3.0-or-later
"""What Meshy takes in a create, what it refuses with 400, and what a task costs. Answers nothing, makes nothing.

Source: Meshy, Image to 3D API, with its error and pricing pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

IMAGE_TYPES = ("image/png", "image/jpeg")
FORMATS = ("glb", "obj", "fbx", "stl", "usdz", "3mf")
USUAL_FORMATS = FORMATS[:-1]
PROMPT_CHARACTERS = 600
POLYCOUNT = (100, 300_000)
POLYCOUNT_OF_MODEL = {"meshy-t2": (100, 15_000), "meshy-t2.5": (100, 30_000)}
CHEAP_MODELS = ("meshy-5", "meshy-6-lite", "meshy-t2", "meshy-t2.5")

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
    "ai_model": ("latest", "meshy-5", "meshy-6-lite", "meshy-6", "meshy-7", "meshy-7.1", "meshy-t2", "meshy-t2.5"),
    "model_type": ("standard", "lowpoly", "smart-topology"),
    "topology": ("triangle", "quad"),
    "symmetry_mode": ("auto", "off", "on"),
    "pose_mode": ("", "a-pose", "t-pose"),
    "texture_resolution": ("2k", "4k", "8k"),
    "geometry_resolution": ("standard", "2k", "4k"),
    "origin_at": ("bottom", "center"),
}
TEXTS = ("image_url", "input_task_id", "texture_prompt", "texture_image_url", "name")


class BadRequestError(Exception):
    """The create is answered with 400 and this message."""


def completed(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter with its value. Fields of other names are ignored, and null is as good as absent."""
    given = {name: value for name, value in sent.items() if value is not None}
    values: dict[str, Any] = {}
    for name, usual in FLAGS.items():
        values[name] = _checked(given, name, usual, lambda value: isinstance(value, bool), "must be a boolean")
    for name, options in CHOICES.items():
        words = "must be one of " + ", ".join(repr(option) for option in options)
        values[name] = _checked(given, name, options[0], lambda value, options=options: value in options, words)
    for name in TEXTS:
        values[name] = _checked(given, name, "", lambda value: isinstance(value, str), "must be a string")
    _check_numbers(given, values)
    _check_together(values)
    return values


def cost(values: Mapping[str, Any]) -> int:
    """Credits of one task."""
    is_smart = values["model_type"] == "smart-topology" and values["ai_model"] == "latest"  # then meshy-t2 makes it
    is_cheap = is_smart or values["ai_model"] in CHEAP_MODELS
    credits = (5 if is_cheap else 20) + (10 if values["should_texture"] else 0)
    credits += 5 if values["texture_resolution"] == "8k" else 0
    return credits + (5 if values["geometry_resolution"] != "standard" or values["ultra_mode"] else 0)


def _checked(given: Mapping[str, Any], name: str, usual: Any, fits: Callable[[Any], bool], words: str) -> Any:
    value = given.get(name, usual)
    try:
        if name not in given or fits(value):
            return value
    except TypeError:  # a list is in no tuple of words
        pass
    raise BadRequestError(f"Invalid value for {name}: {words}")


def _check_numbers(given: Mapping[str, Any], values: dict[str, Any]) -> None:
    lowest, highest = POLYCOUNT_OF_MODEL.get(values["ai_model"], POLYCOUNT)
    ranges = {"target_polycount": (lowest, highest), "decimation_mode": (1, 4)}
    for name, (low, high) in ranges.items():
        words = f"must be an integer from {low} to {high}"
        values[name] = _checked(
            given, name, 0, lambda v, low=low, high=high: type(v) is int and low <= v <= high, words
        )
    values["target_formats"] = _checked(
        given,
        "target_formats",
        list(USUAL_FORMATS),
        lambda value: isinstance(value, list) and value and all(entry in FORMATS for entry in value),
        "must be a list out of " + ", ".join(FORMATS),
    )


def _check_together(values: Mapping[str, Any]) -> None:
    if values["enable_pbr"] and not values["should_texture"]:
        raise BadRequestError("enable_pbr needs should_texture to be true")
    if len(values["texture_prompt"]) > PROMPT_CHARACTERS:
        raise BadRequestError(f"texture_prompt is longer than {PROMPT_CHARACTERS} characters")
    if values["input_task_id"]:
        raise BadRequestError(
            "input_task_id is not a succeeded task with exactly one image"
        )  # nothing here makes images
    if not values["image_url"]:
        raise BadRequestError("Either image_url or input_task_id is required")
