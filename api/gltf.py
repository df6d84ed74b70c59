# SPDX-License-Identifier: GPL-3.0-or-later
"""The properties of glTF 2.0 and what may stand in each: a table, and the look whether a file keeps to it. Reads no
file, changes nothing but that it takes out what is null.

Sources: glTF 2.0, section 5 "Properties Reference"; the extensions of KHR and EXT whose textures or data Blender's
importer (4.2 to 5.2) reads. What the table does not name is left alone, as the importer does not look at it.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from .errors import BrokenGlbError

EXTENSIONS = "extensions"
COUNT_MOST = 2**53 - 1
"""The largest integer that is the same to every reader of JSON (glTF 2.0, 2.9)."""


class Leaf(NamedTuple):
    """A value that is no object and no list of the table's: `fits(value, document)` says whether it may stand there."""

    words: str
    fits: Callable[[Any, dict[str, Any]], bool]


class Needed(NamedTuple):
    """A property that has to be there."""

    kind: Any


class Each(NamedTuple):
    """An object of names that the file chooses: what may stand under each."""

    kind: Any


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= COUNT_MOST


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= COUNT_MOST


def _index(array: str) -> Leaf:
    """The number of an entry in one of the arrays at the top."""

    def fits(value: Any, document: dict[str, Any]) -> bool:
        entries = document.get(array)
        return _is_count(value) and isinstance(entries, list) and value < len(entries)

    return Leaf(f"is no number of one of the {array}", fits)


def _numbers(count: int) -> Leaf:
    """A list of exactly so many numbers."""

    def fits(value: Any, document: dict[str, Any]) -> bool:
        return isinstance(value, list) and len(value) == count and all(map(_is_number, value))

    return Leaf(f"is no list of {count} numbers", fits)


def _one_of(*values: Any) -> Leaf:
    """One of what the importer knows: it ends where there is anything else."""
    return Leaf(
        f"is none of {', '.join(map(str, values))}",
        lambda value, document: isinstance(value, (int, str)) and not isinstance(value, bool) and value in values,
    )


TEXT = Leaf("is no text", lambda value, document: isinstance(value, str))
YES_OR_NO = Leaf("is neither true nor false", lambda value, document: isinstance(value, bool))
NUMBER = Leaf("is no number", lambda value, document: _is_number(value))
COUNT = Leaf("is no whole number from 0 on", lambda value, document: _is_count(value))
ANY_NUMBERS = Leaf(
    "is no list of numbers", lambda value, document: isinstance(value, list) and all(map(_is_number, value))
)

# A dict is an object with these properties, a list of one entry a list of any length. Every object may have
# "extensions": an object of objects, whatever their names.
ACCESSOR, BUFFER_VIEW, MATERIAL, NODE = map(_index, ("accessors", "bufferViews", "materials", "nodes"))

TEXTURE_INFO = {
    "index": Needed(_index("textures")),
    "texCoord": COUNT,
    "scale": NUMBER,  # of a normalTexture
    "strength": NUMBER,  # of an occlusionTexture
    "extensions": {
        "KHR_texture_transform": {
            "offset": _numbers(2),
            "rotation": NUMBER,
            "scale": _numbers(2),
            "texCoord": COUNT,
        }
    },
}

MATERIAL_EXTENSIONS = {
    "KHR_materials_anisotropy": {
        "anisotropyStrength": NUMBER,
        "anisotropyRotation": NUMBER,
        "anisotropyTexture": TEXTURE_INFO,
    },
    "KHR_materials_clearcoat": {
        "clearcoatFactor": NUMBER,
        "clearcoatTexture": TEXTURE_INFO,
        "clearcoatRoughnessFactor": NUMBER,
        "clearcoatRoughnessTexture": TEXTURE_INFO,
        "clearcoatNormalTexture": TEXTURE_INFO,
    },
    "KHR_materials_diffuse_transmission": {
        "diffuseTransmissionFactor": NUMBER,
        "diffuseTransmissionTexture": TEXTURE_INFO,
        "diffuseTransmissionColorFactor": _numbers(3),
        "diffuseTransmissionColorTexture": TEXTURE_INFO,
    },
    "KHR_materials_dispersion": {"dispersion": NUMBER},
    "KHR_materials_emissive_strength": {"emissiveStrength": NUMBER},
    "KHR_materials_ior": {"ior": NUMBER},
    "KHR_materials_iridescence": {
        "iridescenceFactor": NUMBER,
        "iridescenceTexture": TEXTURE_INFO,
        "iridescenceIor": NUMBER,
        "iridescenceThickness": NUMBER,  # not of the extension, but what Blender 5.2 reads
        "iridescenceThicknessMinimum": NUMBER,
        "iridescenceThicknessMaximum": NUMBER,
        "iridescenceThicknessTexture": TEXTURE_INFO,
    },
    "KHR_materials_pbrSpecularGlossiness": {
        "diffuseFactor": _numbers(4),
        "diffuseTexture": TEXTURE_INFO,
        "specularFactor": _numbers(3),
        "glossinessFactor": NUMBER,
        "specularGlossinessTexture": TEXTURE_INFO,
    },
    "KHR_materials_sheen": {
        "sheenColorFactor": _numbers(3),
        "sheenColorTexture": TEXTURE_INFO,
        "sheenRoughnessFactor": NUMBER,
        "sheenRoughnessTexture": TEXTURE_INFO,
    },
    "KHR_materials_specular": {
        "specularFactor": NUMBER,
        "specularTexture": TEXTURE_INFO,
        "specularColorFactor": _numbers(3),
        "specularColorTexture": TEXTURE_INFO,
    },
    "KHR_materials_transmission": {"transmissionFactor": NUMBER, "transmissionTexture": TEXTURE_INFO},
    "KHR_materials_unlit": {},
    "KHR_materials_volume": {
        "thicknessFactor": NUMBER,
        "thicknessTexture": TEXTURE_INFO,
        "attenuationDistance": NUMBER,
        "attenuationColor": _numbers(3),
    },
}

MESHOPT = {
    "buffer": Needed(_index("buffers")),
    "byteOffset": COUNT,
    "byteLength": Needed(COUNT),
    "byteStride": COUNT,
    "count": COUNT,
    "mode": TEXT,
    "filter": TEXT,
}

COMPONENT = _one_of(5120, 5121, 5122, 5123, 5125, 5126)  # of 1, 1, 2, 2, 4 bytes, and float (glTF 2.0, 3.6.2.2)
ELEMENT = _one_of("SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4")

SPARSE_PART = {"bufferView": Needed(BUFFER_VIEW), "byteOffset": COUNT}

GLTF = {
    "asset": Needed({"version": Needed(TEXT), "minVersion": TEXT, "generator": TEXT, "copyright": TEXT}),
    "extensionsUsed": [TEXT],
    "extensionsRequired": [TEXT],
    "accessors": [
        {
            "name": TEXT,
            "bufferView": BUFFER_VIEW,
            "byteOffset": COUNT,
            "componentType": Needed(COMPONENT),
            "normalized": YES_OR_NO,
            "count": Needed(COUNT),
            "type": Needed(ELEMENT),
            "max": ANY_NUMBERS,
            "min": ANY_NUMBERS,
            "sparse": {
                "count": Needed(COUNT),
                "indices": Needed({**SPARSE_PART, "componentType": Needed(COMPONENT)}),
                "values": Needed(SPARSE_PART),
            },
        }
    ],
    "animations": [
        {
            "name": TEXT,
            "channels": Needed(
                [
                    {
                        "sampler": Needed(COUNT),
                        "target": Needed(
                            {
                                "node": NODE,
                                "path": Needed(TEXT),
                                "extensions": {"KHR_animation_pointer": {"pointer": Needed(TEXT)}},
                            }
                        ),
                    }
                ]
            ),
            "samplers": Needed(
                [
                    {
                        "input": Needed(ACCESSOR),
                        "interpolation": _one_of("LINEAR", "STEP", "CUBICSPLINE"),
                        "output": Needed(ACCESSOR),
                    }
                ]
            ),
        }
    ],
    "buffers": [{"name": TEXT, "byteLength": COUNT}],  # uri: see `glb`, which decides about each
    "bufferViews": [
        {
            "name": TEXT,
            "buffer": Needed(_index("buffers")),
            "byteOffset": COUNT,
            "byteLength": Needed(COUNT),
            "byteStride": COUNT,
            "target": COUNT,
            "extensions": {"EXT_meshopt_compression": MESHOPT, "KHR_meshopt_compression": MESHOPT},
        }
    ],
    "images": [{"name": TEXT, "mimeType": TEXT, "bufferView": COUNT}],  # one that has no data is missing, and no more
    "materials": [
        {
            "name": TEXT,
            "pbrMetallicRoughness": {
                "baseColorFactor": _numbers(4),
                "baseColorTexture": TEXTURE_INFO,
                "metallicFactor": NUMBER,
                "roughnessFactor": NUMBER,
                "metallicRoughnessTexture": TEXTURE_INFO,
            },
            "normalTexture": TEXTURE_INFO,
            "occlusionTexture": TEXTURE_INFO,
            "emissiveTexture": TEXTURE_INFO,
            "emissiveFactor": _numbers(3),
            "alphaMode": TEXT,
            "alphaCutoff": NUMBER,
            "doubleSided": YES_OR_NO,
            "extensions": MATERIAL_EXTENSIONS,
        }
    ],
    "meshes": [
        {
            "name": TEXT,
            "primitives": Needed(
                [
                    {
                        "attributes": Needed(Each(ACCESSOR)),
                        "indices": ACCESSOR,
                        "material": MATERIAL,
                        "mode": COUNT,
                        "targets": [Each(ACCESSOR)],
                        "extensions": {
                            "KHR_draco_mesh_compression": {
                                "bufferView": Needed(BUFFER_VIEW),
                                "attributes": Needed(Each(COUNT)),
                            },
                            "KHR_materials_variants": {
                                "mappings": [{"variants": Needed([COUNT]), "material": Needed(MATERIAL)}]
                            },
                        },
                    }
                ]
            ),
            "weights": ANY_NUMBERS,
        }
    ],
    "nodes": [
        {
            "name": TEXT,
            "children": [NODE],
            "matrix": _numbers(16),
            "mesh": _index("meshes"),
            "rotation": _numbers(4),
            "scale": _numbers(3),
            "skin": _index("skins"),
            "translation": _numbers(3),
            "weights": ANY_NUMBERS,
            "extensions": {
                "EXT_mesh_gpu_instancing": {"attributes": Needed(Each(ACCESSOR))},
                "KHR_node_visibility": {"visible": YES_OR_NO},
            },
        }
    ],
    "samplers": [{"name": TEXT, "magFilter": COUNT, "minFilter": COUNT, "wrapS": COUNT, "wrapT": COUNT}],
    "scene": _index("scenes"),
    "scenes": [{"name": TEXT, "nodes": [NODE]}],
    "skins": [{"name": TEXT, "inverseBindMatrices": ACCESSOR, "joints": Needed([NODE]), "skeleton": NODE}],
    "textures": [
        {
            "name": TEXT,
            "sampler": _index("samplers"),
            "source": _index("images"),
            "extensions": {
                "EXT_texture_avif": {"source": _index("images")},
                "EXT_texture_webp": {"source": _index("images")},
                "KHR_texture_basisu": {"source": _index("images")},
                "MSFT_texture_dds": {"source": _index("images")},
            },
        }
    ],
    "extensions": {"KHR_materials_variants": {"variants": Needed([{"name": Needed(TEXT)}])}},
}
"""All but cameras and lights, which never reach the importer (`default_scene`)."""


EACH_OBJECT = Each({})


def broken(reason: str) -> BrokenGlbError:
    """The error for a file that came as it was made."""
    return BrokenGlbError(f"The model's file is damaged ({reason}): other programs may still open it.")


class _Misfit(Exception):
    """Something is not what its place is for. Each place on the way out adds its name, so that a file that fits costs
    nothing for its names."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.where = ""


def require(document: Any) -> None:
    """Raise `BrokenGlbError` where something in the JSON of a glTF is not what its place is for.

    What is null where it may be missing is taken out, as the importer takes it for missing.
    """
    try:
        _require(document, GLTF, document)
    except _Misfit as misfit:
        raise broken(f"{misfit.where.lstrip('.') or 'its JSON'} {misfit}") from None


def _require(value: Any, kind: Any, document: Any) -> None:
    """How deep this goes is up to the table, not to the file."""
    if isinstance(kind, Leaf):
        if not kind.fits(value, document):
            raise _Misfit(kind.words)
    elif isinstance(kind, list):
        if not isinstance(value, list):
            raise _Misfit("is no list")
        for number, entry in enumerate(value):
            try:
                _require(entry, kind[0], document)
            except _Misfit as misfit:
                misfit.where = f"[{number}]{misfit.where}"
                raise
    elif not isinstance(value, dict):
        raise _Misfit("is no object")
    elif isinstance(kind, Each):
        for entry in value.values():
            _require(entry, kind.kind, document)  # without its name, which is a stranger's word
    else:
        _require_properties(value, kind, document)


def _require_properties(value: dict[str, Any], properties: dict[str, Any], document: Any) -> None:
    name = EXTENSIONS
    try:
        for name, kind in properties.items():
            if value.get(name) is None:
                if isinstance(kind, Needed):
                    raise _Misfit("is missing")
                value.pop(name, None)
            elif name != EXTENSIONS:
                _require(value[name], kind.kind if isinstance(kind, Needed) else kind, document)
        name = EXTENSIONS
        if value.get(name) is None:
            value.pop(name, None)
            return
        _require(value[name], EACH_OBJECT, document)
        known = properties.get(name, {})
        for extension in value[name].keys() & known.keys():
            name = f"{EXTENSIONS}.{extension}"
            _require(value[EXTENSIONS][extension], known[extension], document)
    except _Misfit as misfit:
        misfit.where = f".{name}{misfit.where}"
        raise
