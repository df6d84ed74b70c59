# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script asks for -> a checked request. Reads none of the scene's settings but which service they name, and
starts nothing.
"""

import contextlib
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..api import picture
from ..api.about import About
from ..api.errors import ImageTo3DError, ParameterError, PictureError
from ..api.parameters import File, applies, check, pictures
from ..api.services import SERVICES
from ..api.texts import nearest
from ..api.words import model_name, named
from ..scene import images, settings
from ..scene.request import Request, require_pictures, written

Source = str | os.PathLike[str] | bpy.types.Image
"""A picture: a path, an address or a data URI, or an image of this Blender file."""

PATH_AT_MOST = 300  # characters of a path in a sentence

VALUE_AT_MOST = 60  # of any other value


@contextlib.contextmanager
def asked(
    source: Source | None,
    service: str | None,
    parameters: Mapping[str, Any],
    *,
    name: str | None,
    scene: bpy.types.Scene,
    where: Mapping[str, Any],
) -> Iterator[Request]:
    """Give what a script asks for, as long as pictures that had to be written are there. Raises as `calls.generate`
    does."""
    about = service_of(service, scene)
    require_known(about, parameters)
    with tempfile.TemporaryDirectory(prefix="image_to_3d_") as scratch:
        yield _request(source, about, parameters, name, scene, where, Path(scratch))


def _request(
    source: Source | None,
    about: About,
    parameters: Mapping[str, Any],
    name: str | None,
    scene: bpy.types.Scene,
    where: Mapping[str, Any],
    scratch: Path,
) -> Request:
    table, (main, *further) = about.parameters, pictures(about.parameters)
    shown = {key: value for key, value in parameters.items() if key in further and isinstance(value, bpy.types.Image)}
    given = {key: value for key, value in parameters.items() if key not in shown}
    for entry in table:
        if isinstance(entry, File) and entry.name in given:
            given[entry.name] = _located(given[entry.name])
    stand_in = str(scratch / "picture.png")
    rest = {**given, **dict.fromkeys(shown, stand_in)}
    check(table, {**_initial(about, rest), **rest, main: stand_in if source else ""})  # before an image is written
    given.update({key: str(written(image, scratch / key)) for key, image in shown.items()})
    path, title = _picture(source, scratch) if source else ("", about.label)
    checked = check(table, {**_initial(about, given), **given, main: path})
    require_pictures(table, checked)
    about.check_request(checked)
    return Request(
        scene,
        about.name,
        checked,
        title if name is None else _name(name),
        dict(where),
        scratch,
        images={key: image.name for key, image in shown.items()},
    )


def service_of(service: str | None, scene: bpy.types.Scene) -> About:
    """The service called `service`, in any case; None for the one of the scene's settings."""
    if service is None:
        return SERVICES[settings.service_of(scene.image_to_3d)]
    if isinstance(service, str) and service.strip().lower() in SERVICES:
        return SERVICES[service.strip().lower()]
    raise ParameterError(f"There is no service {_short(service)}: {nearest(str(service), SERVICES)}")


def require_known(about: About, parameters: Mapping[str, Any]) -> None:
    """Raise `ParameterError` for a name that the service's table does not have, and for the main picture."""
    if not isinstance(parameters, Mapping):
        raise ParameterError(
            f"parameters cannot be {_short(parameters)}: use a dict of names and values, as "
            f"{{{next(iter(_names(about)))!r}: …}}."
        )
    for name in parameters:
        if name == pictures(about.parameters)[0]:
            raise ParameterError(f"{name} is the picture itself: give it as the first argument.")
        if name not in _names(about):
            end = nearest(str(name), _names(about))
            raise ParameterError(f"There is no parameter {_short(name)} of {about.label}: {end}")


def _names(about: About) -> list[str]:
    return [entry.name for entry in settings.shown(about.parameters)]


def _short(value: object) -> str:
    """A value in a sentence, whatever it is."""
    text = repr(value)
    return named(text, VALUE_AT_MOST)


def _initial(about: About, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a new scene starts with for what is not given, as far as it has an effect beside what is."""
    table, main = about.parameters, pictures(about.parameters)[0]
    values = {entry.name: given.get(entry.name, entry.initial) for entry in settings.shown(table)}
    beside = {**values, main: ""}
    return {
        entry.name: values[entry.name]
        for entry in settings.shown(table)
        if entry.name not in given
        and applies(table, entry, beside)
        and settings.own_number(table, entry, beside) is None
    }


def _located(value: Any) -> Any:
    """The value of a file among the parameters, as it is checked."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    return settings.located(value) if isinstance(value, str) else value


def _picture(source: Source, scratch: Path) -> tuple[str, str]:
    """Return where the main picture is (in `scratch` where it had to be written), and what it is called."""
    if isinstance(source, bpy.types.Image):
        return str(images.to_file(source, scratch)), picture.name_of_image(source.name)
    found = _located(source)
    if not isinstance(found, str):
        raise PictureError(
            f"The picture cannot be {_short(source)}: use the path of a file, an address, or one of bpy.data.images."
        )
    if not found:
        raise PictureError("There is no picture: give the path of a file, an address, or an image of bpy.data.images.")
    if picture.is_path(found):
        if not os.path.isfile(found):
            raise PictureError(
                f"There is no picture at {named(os.path.abspath(found), PATH_AT_MOST)}: choose one that exists."
            )
        picture.require_picture(Path(found))
    return found, picture.name_of(found)


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ParameterError(f"name cannot be {_short(name)}: use text, or leave name out.")
    return model_name(name)


def scene_of(scene: object) -> bpy.types.Scene:
    """The scene that a model enters, None for the one of the context. Raises `ImageTo3DError` where nothing can be
    added to it."""
    found = bpy.context.scene if scene is None else scene
    if isinstance(found, str):
        if found not in bpy.data.scenes:
            raise ParameterError(f"There is no scene {_short(found)} in this file.")
        found = bpy.data.scenes[found]
    if not isinstance(found, bpy.types.Scene):
        raise ParameterError(f"scene cannot be {_short(scene)}: use one of bpy.data.scenes.")
    if reason := settings.locked_reason(found):
        raise ImageTo3DError(f"{reason}: use another scene.")
    return found


def location_of(location: Any) -> list[float]:
    """Three finite numbers, in Blender units. Raises `ParameterError` for anything else."""
    try:
        numbers = [float(number) for number in location]
    except (TypeError, ValueError):
        numbers = []
    if isinstance(location, str) or len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        raise ParameterError(f"location cannot be {_short(location)}: use three finite numbers (x, y, z).")
    return numbers


def place_of(scene: bpy.types.Scene, location: Sequence[float] | None) -> dict[str, Any]:
    """Where in a scene a model goes, as `scene.place.place` takes it: exactly at `location`; without one at the 3D
    cursor, or beside what would hide it there."""
    if location is not None:
        return {"location": location_of(location), "exactly": True}
    cursor = list(scene.cursor.location)
    return {"location": cursor if all(map(math.isfinite, cursor)) else [0.0, 0.0, 0.0]}


def require_collection(collection: object) -> None:
    """Raise `ParameterError` for what is neither None, nor a collection that can be written to, nor a name."""
    found: bpy.types.Collection | None
    if collection is None:
        return
    if isinstance(collection, str) and collection.strip():
        found = bpy.data.collections.get(collection)
    elif isinstance(collection, bpy.types.Collection):
        found = collection
    else:
        raise ParameterError(f"collection cannot be {_short(collection)}: use one of bpy.data.collections, or a name.")
    if found is not None and (found.library is not None or found.override_library is not None):
        raise ParameterError(f"The collection {found.name} is linked from another file: use one of this file.")


@contextlib.contextmanager
def collection_in(scene: bpy.types.Scene, collection: str | bpy.types.Collection | None) -> Iterator[dict[str, str]]:
    """Have a collection that `require_collection` takes in the scene, made where it is missing; give it as
    `scene.place.place` takes it, nothing for None. Where the block fails, one that was made goes again."""
    found = bpy.data.collections.get(collection) if isinstance(collection, str) else collection
    if collection is None or found == scene.collection:
        yield {}
        return
    made = found is None
    if made:
        found = bpy.data.collections.new(collection)
    if found not in list(scene.collection.children_recursive):
        scene.collection.children.link(found)
    try:
        yield {"collection": found.name}
    except BaseException:
        if made and not found.children and not found.objects:
            bpy.data.collections.remove(found)
        raise
