# SPDX-License-Identifier: GPL-3.0-or-later
"""What the settings of a scene ask for: service, checked parameters, name and place of the model. Starts nothing."""

import contextlib
import datetime
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import bpy

from .. import files
from ..api import picture
from ..api.errors import ImageTo3DError, ParameterError, PictureError
from ..api.parameters import Picture, Table, Text, check, pictures, renewed
from ..api.services import SERVICES
from ..api.words import named
from . import images, settings
from .named import image_named

if TYPE_CHECKING:
    from ..jobs.folder import Job

ANY_PICTURE = "picture.png"  # no price depends on which


@dataclass(frozen=True)
class Request:
    """What is asked of a service. `parameters` are checked; `scratch` is a folder that goes away, in which a picture
    may lie."""

    scene: bpy.types.Scene
    """The scene that the model enters."""
    service: str
    parameters: dict[str, Any]
    title: str
    """What the model is called."""
    place: dict[str, Any]
    """Where it goes, as `place.place` takes it."""
    scratch: Path
    group: str = ""
    """What it has in common with the other variants; "" where it is the only one."""
    variant: int = 0
    """Which variant it is, from 1; 0 for none."""
    images: dict[str, str] = field(default_factory=dict)
    """By wire name, the names of the Blender images that further pictures were made of."""


@contextlib.contextmanager
def requested(
    scene: bpy.types.Scene,
    *,
    filepath: str = "",
    service: str = "",
    image: bpy.types.Image | None = None,
    is_one_of_several: bool = False,
) -> Iterator[Request]:
    """Give what the settings of `scene` say, with the picture at `filepath` or `image` instead of theirs, and `service`
    (in any case) instead of theirs. Where the picture `is_one_of_several` objects, without the further views of one.
    Raises `ImageTo3DError` with a sentence for the user.
    """
    with tempfile.TemporaryDirectory(prefix="image_to_3d_") as scratch:
        yield _request(scene, filepath, service, image, Path(scratch), is_one_of_several=is_one_of_several)


def _request(
    scene: bpy.types.Scene,
    filepath: str,
    service: str,
    image: bpy.types.Image | None,
    scratch: Path,
    *,
    is_one_of_several: bool,
) -> Request:
    chosen = scene.image_to_3d
    name = service.lower() or settings.service_of(chosen)
    if name not in SERVICES:
        raise ImageTo3DError(f"There is no service {service!r}: use one of {', '.join(SERVICES).upper()}.")
    table = SERVICES[name].parameters
    values: dict[str, Any] = settings.values_that_apply(getattr(chosen, name), table)
    if image or filepath:  # a picture was named, so nothing stands instead of it
        values.update({entry.instead: "" for entry in table if isinstance(entry, Picture) and entry.instead})
    if is_one_of_several:
        values = {each: value for each, value in values.items() if each not in SERVICES[name].views}
    shown = _shown(getattr(chosen, name), table, values)
    values.update({each: str(written(entry, scratch / each)) for each, entry in shown.items()})
    if settings.needs_picture(values, table):
        source, title = _picture(chosen, filepath, image, scratch)
    else:
        source, title = "", SERVICES[name].label
    parameters = check(table, {**values, pictures(table)[0]: source})
    require_pictures(table, parameters)
    SERVICES[name].check_request(parameters)
    names = {each: image.name for each, image in shown.items()}
    where = settings.place_of(scene)
    return Request(settings.target_of(scene), name, parameters, title, where, scratch, images=names)


def _shown(group: bpy.types.PropertyGroup, table: Table, values: Mapping[str, Any]) -> dict[str, bpy.types.Image]:
    """The Blender images among the further pictures that are asked for, by wire name."""
    further = [name for name in pictures(table)[1:] if name in values]
    found = {name: image_named(getattr(group, name)) for name in further}
    return {name: image for name, image in found.items() if image is not None}


def written(image: bpy.types.Image, stem: Path) -> Path:
    """A file that shows a further image: its own, or one beside the folder `stem`, in which it is written: all are
    written under the same names."""
    stem.mkdir()
    file = images.to_file(image, stem)
    if file.parent != stem:
        return file
    made = stem.with_name(f"{stem.name}-shown{file.suffix}")
    files.move(file, made)
    return made


def picture_of(scene: bpy.types.Scene, image: bpy.types.Image | None, scratch: Path) -> tuple[str, str]:
    """Return where the picture is that `scene` has chosen, or `image` (path, URL or data URI; in the folder `scratch`
    where it had to be written), and what it is called. Raises `PictureError`."""
    return _picture(scene.image_to_3d, "", image, scratch)


def _picture(
    chosen: bpy.types.PropertyGroup, filepath: str, image: bpy.types.Image | None, scratch: Path
) -> tuple[str, str]:
    """Return where the picture is (path, URL or data URI) and what the model is called."""
    if image or (settings.source_of(chosen) == "IMAGE" and not filepath):
        shown = image or chosen.image
        if shown is None:
            raise PictureError("There is no picture: choose an image.")
        return str(images.to_file(shown, scratch)), picture.name_of_image(shown.name)
    source = settings.located(filepath) or settings.picture_of(chosen)
    if not source:
        raise PictureError("There is no picture: choose a picture file, a Blender image or an address.")
    if picture.is_path(source) and os.path.isfile(source):
        picture.require_picture(Path(source))
    return source, picture.name_of(source)


def require_pictures(table: Table, parameters: dict[str, Any]) -> None:
    """Raise `PictureError` where one of the further pictures is a file that is not there; its label says which it is.
    The main one is looked at where it is taken."""
    for entry in table:
        source = parameters[entry.name] if isinstance(entry, Picture) and entry.name != pictures(table)[0] else ""
        if not source or not picture.is_path(source):
            continue
        if not os.path.isfile(source):
            raise PictureError(_missing(entry, source))
        picture.require_picture(Path(source))


def _missing(entry: Picture, source: str) -> str:
    """The sentence for a further picture that is not there. What is a name alone may have been that of an image."""
    if os.path.basename(source) == source:
        return (
            f"There is no picture {named(source)} for {entry.label}, neither an image of this Blender file nor a file: "
            "choose one that exists."
        )
    return f"There is no picture at {named(source)} for {entry.label}: choose one that exists."


def _checked(scene: bpy.types.Scene) -> dict[str, Any]:
    """What the settings say now, with any picture. Raises `ParameterError`."""
    chosen = scene.image_to_3d
    name = settings.service_of(chosen)
    table = SERVICES[name].parameters
    values = settings.values_that_apply(getattr(chosen, name), table)
    return check(table, {**values, pictures(table)[0]: ANY_PICTURE})


def cost(scene: bpy.types.Scene) -> int | None:
    """How many credits the service takes for what the settings say now; None where that is not known, or they are not
    valid."""
    try:
        return SERVICES[settings.service_of(scene.image_to_3d)].cost(_checked(scene))
    except ParameterError:
        return None


def refusal(scene: bpy.types.Scene) -> str:
    """Why nothing can be made of what the settings say now: the service would not take it, or no model could stand
    where it is to go; "" where all is well."""
    try:
        _checked(scene)
        settings.place_of(scene)
    except ParameterError as error:
        return str(error)
    return ""


def ending_notes(scene: bpy.types.Scene) -> list[str]:
    """A sentence for each value of the settings that the service will not take from a day on."""
    chosen = scene.image_to_3d
    service = SERVICES[settings.service_of(chosen)]
    values = settings.values_that_apply(getattr(chosen, service.name), service.parameters)
    return [
        f"{service.label} takes {value} until {_in_words(entry.ending[value])}: choose another"
        for entry in service.parameters
        if isinstance(entry, Text) and (value := values.get(entry.name)) in entry.ending
    ]


def _in_words(day: str) -> str:
    """A day as "2026-12-31" in words: "31 December 2026"."""
    date = datetime.date.fromisoformat(day)
    return f"{date.day} {date:%B} {date.year}"


def cost_of(job: "Job") -> int | None:
    """How many credits the service takes for what a job asks for; None where that is not known, or its record holds
    what the service does not take."""
    if job.service not in SERVICES:
        return None
    service = SERVICES[job.service]
    table = service.parameters
    try:
        return service.cost(check(table, renewed(table, {**job.parameters, pictures(table)[0]: ANY_PICTURE})))
    except ImageTo3DError:
        return None


class Price(NamedTuple):
    """What jobs take that go on."""

    credits: int | None
    """How many credits; None where that is not known of all."""
    is_sure: bool
    """Whether they are taken in any case."""

    @property
    def words(self) -> str:
        """What stands on a button after what it does: "for 30 Credits"."""
        if self.credits is None:
            return "(Costs Credits)" if self.is_sure else "(May Cost Credits)"
        return f"for {self.credits:,} Credits" if self.is_sure else f"for up to {self.credits:,} Credits"

    @property
    def sentence(self) -> str:
        """What stands in a question."""
        if self.credits is None:
            return "It costs credits" if self.is_sure else "It may cost credits"
        return f"About {self.credits:,} credits" if self.is_sure else f"Up to {self.credits:,} credits"


def price_of_retry(jobs: "Iterable[Job]") -> Price | None:
    """What it costs to try these jobs again; None for nothing."""
    from ..jobs.history import Payment, payment_of_retry

    paid = [(job, payment) for job in jobs if (payment := payment_of_retry(job)) is not Payment.NONE]
    if not paid:
        return None
    costs = [cost_of(job) for job, _ in paid]
    known = [cost for cost in costs if cost is not None]
    is_sure = all(payment is Payment.ANEW for _, payment in paid)
    return Price(sum(known) if len(known) == len(costs) else None, is_sure)
