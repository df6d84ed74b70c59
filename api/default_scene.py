# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON of a glTF -> the same with its default scene alone, and without cameras and lights. Reads no file.

Blender's importer (4.2 to 5.2) brings in all nodes of a file, whatever scene they are in, and turns what is below a
camera or a light with it. Source: glTF 2.0, 3.5 "Scenes"; KHR_lights_punctual; KHR_animation_pointer.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from .gltf import broken

DEPTH_AT_MOST = 900
"""How many nodes may stand below each other. The importer calls itself for each, and Python (3.11, 3.13) lets it do so
1,000 times, of which some are used up before (960 were taken by 4.2, 4.5 and 5.2)."""

NODES_AT_MOST = 300
"""Where there are more, those at the ends of branches that carry nothing are left out: each would become an object."""

LIGHTS = "KHR_lights_punctual"
POINTER = "KHR_animation_pointer"
MOVED = ("translation", "rotation", "scale", "weights")


def reached(document: dict[str, Any]) -> tuple[list[int], set[int]]:
    """Return the topmost nodes of the default scene, and all nodes at and below them.

    The default scene is `scene`, else the first one; where it has no nodes, all nodes are meant. Joints that stand
    elsewhere come along with all that is around them. Raises `BrokenGlbError` where nodes go round in circles, have two
    parents, or are nested too deep.
    """
    nodes = document.get("nodes", [])
    parents = _parents(nodes, range(len(nodes)))
    scenes = document.get("scenes") or [{}]
    listed = scenes[document.get("scene", 0)].get("nodes") or [n for n in range(len(nodes)) if n not in parents]
    found = _below(nodes, listed)
    joints = {joint for skin in _skins_of(document, found) for joint in skin["joints"]}
    listed = list(dict.fromkeys([*listed, *(_top(joint, parents) for joint in sorted(joints - found))]))
    found = _below(nodes, listed)
    parents = _parents(nodes, found)
    roots = [node for node in listed if node not in parents]
    if len(_below(nodes, roots)) < len(found) or (nodes and not roots):
        raise broken("its nodes stand below each other in a circle")
    return roots, found


def keep_default_scene(document: dict[str, Any], gone_tag: str) -> None:
    """Leave the nodes of the default scene alone in a checked `document`, with what refers to them; `gone_tag` is put
    into the `extras` of those that were only a camera or a light. Raises `BrokenGlbError` as `reached` does."""
    roots, found = reached(document)
    nodes = document.get("nodes", [])
    parents = _parents(nodes, found)
    bones = _bones(document, parents)
    _take_off_cameras_and_lights(document, bones, gone_tag)
    if len(found) > NODES_AT_MOST:
        found = _without_idle_ends(nodes, parents, found, bones | _animated(document))
    places = {node: place for place, node in enumerate(sorted(found))}
    _keep_skins(document, places)
    for node in places:
        _renumber(nodes[node], "children", places)
    document["nodes"] = [nodes[node] for node in places]
    scenes = document.get("scenes") or [{}]
    scene = scenes[document.get("scene", 0)]
    scene["nodes"] = [places[node] for node in roots if node in places]
    document["scenes"], document["scene"] = [scene], 0
    _keep_animations(document, places)
    _name_extensions(document)
    for name in ("nodes", "skins", "animations", "extensionsUsed", "extensionsRequired"):
        if not document.get(name):
            document.pop(name, None)


def _parents(nodes: list[dict[str, Any]], among: Iterable[int]) -> dict[int, int]:
    """What each child of the nodes `among` all is below."""
    return {child: number for number in among for child in nodes[number].get("children", [])}


def _top(node: int, parents: dict[int, int]) -> int:
    """The topmost of those that `node` is below."""
    for _ in range(DEPTH_AT_MOST):
        if node not in parents:
            return node
        node = parents[node]
    raise broken("its nodes are nested too deep, or stand below each other in a circle")


def _below(nodes: list[dict[str, Any]], roots: Iterable[int]) -> set[int]:
    """All nodes at and below `roots`, of which some may be below others."""
    listed = set(roots)
    found, level = set(listed), sorted(listed)
    below: set[int] = set()
    for _ in range(DEPTH_AT_MOST):
        following: list[int] = []
        for node in level:
            following += nodes[node].get("children", [])
        if not following:
            return found
        if len(set(following)) < len(following) or below.intersection(following):
            raise broken("a node stands below two others, or below itself")
        below.update(following)
        level = [node for node in following if node not in listed]
        found.update(following)
    raise broken(f"more than {DEPTH_AT_MOST} of its nodes are nested in each other")


def _skins_of(document: dict[str, Any], found: Iterable[int]) -> list[dict[str, Any]]:
    """The skins of the nodes in `found`."""
    numbers = {document["nodes"][node].get("skin") for node in found}
    skins = [document["skins"][number] for number in sorted(numbers - {None})]
    if not all(skin["joints"] for skin in skins):
        raise broken("a skin has no joints")
    return skins


def _take_off_cameras_and_lights(document: dict[str, Any], bones: set[int], gone_tag: str) -> None:
    """`bones` get no tag: they stay whatever was at them."""
    for number, node in enumerate(document.get("nodes", [])):
        extensions = node.get("extensions", {})
        had = [node.pop("camera", None), extensions.pop(LIGHTS, None)]
        if "extensions" in node and not extensions:
            del node["extensions"]
        if had != [None, None] and "mesh" not in node and number not in bones:
            node["extras"] = {**node.get("extras", {}), gone_tag: True}
    document.pop("cameras", None)
    document.get("extensions", {}).pop(LIGHTS, None)


def _bones(document: dict[str, Any], parents: dict[int, int]) -> set[int]:
    """The joints, and what they are below: the importer makes bones or an armature of them."""
    bones: set[int] = set()
    for skin in document.get("skins", []):
        for node in (*skin["joints"], skin.get("skeleton")):
            while node is not None and node not in bones:
                bones.add(node)
                node = parents.get(node)
    return bones


def _animated(document: dict[str, Any]) -> set[int]:
    """The nodes that an animation moves."""
    moved: set[int] = set()
    for _, channel in _channels(document):
        target = channel["target"]
        moved.add(target.get("node", -1))
        path = _pointer(target)
        if path[:1] == ["nodes"] and len(path) > 1 and path[1].isdecimal():
            moved.add(int(path[1][:10]))
    return moved


def _without_idle_ends(
    nodes: list[dict[str, Any]], parents: dict[int, int], found: set[int], used: set[int]
) -> set[int]:
    """`found` without the ends of branches that carry no mesh and are not in `used`."""
    left = set(found)
    children = Counter(parents.values())
    waiting = [node for node in found if not children[node]]
    while waiting:
        node = waiting.pop()
        if "mesh" in nodes[node] or node in used:
            continue
        left.discard(node)
        if node in parents:
            children[parents[node]] -= 1
            if not children[parents[node]]:
                waiting.append(parents[node])
    return left


def _keep_skins(document: dict[str, Any], places: dict[int, int]) -> None:
    """Leave the skins whose joints are all there."""
    skins = document.get("skins", [])
    kept = [n for n, skin in enumerate(skins) if skin["joints"] and all(joint in places for joint in skin["joints"])]
    numbers = {old: new for new, old in enumerate(kept)}
    for number in kept:
        skin = skins[number]
        skin["joints"] = [places[joint] for joint in skin["joints"]]
        _renumber(skin, "skeleton", places)
    for node in places:
        _renumber(document["nodes"][node], "skin", numbers)
    document["skins"] = [skins[number] for number in kept]


def _renumber(holder: dict[str, Any], name: str, places: dict[int, int]) -> None:
    """Give one number, or each in a list, its new place; what has none goes."""
    old = holder.pop(name, None)
    if isinstance(old, list):
        new = [places[number] for number in old if number in places]
        if new:
            holder[name] = new
    elif old in places:
        holder[name] = places[old]


def _channels(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for animation in document.get("animations", []):
        yield from ((animation, channel) for channel in animation["channels"])


def _keep_animations(document: dict[str, Any], places: dict[int, int]) -> None:
    """Leave the channels that move something that is there, and the animations that have any."""
    for animation in document.get("animations", []):
        animation["channels"] = [
            channel
            for channel in animation["channels"]
            if channel["sampler"] < len(animation["samplers"]) and _aim(channel["target"], document, places)
        ]
    document["animations"] = [animation for animation in document.get("animations", []) if animation["channels"]]


def _aim(target: dict[str, Any], document: dict[str, Any], places: dict[int, int]) -> bool:
    """Give the target of a channel the new number of its node. Return whether it is there."""
    if "node" in target:
        _renumber(target, "node", places)
        return "node" in target and target["path"] in MOVED
    path = _pointer(target)
    if target["path"] != "pointer" or len(path) < 3:
        return False
    if path[0] == "nodes":
        node = places.get(int(path[1])) if path[1].isdecimal() and len(path[1]) < 10 else None
        if node is None:
            return False
        path[1] = str(node)
        target["extensions"][POINTER]["pointer"] = "/" + "/".join(path)
        return path[2] in MOVED
    return path[0] in ("materials", "meshes") and _leads_somewhere(document, path[:-1])


def _name_extensions(document: dict[str, Any]) -> None:
    """Say which extensions are used: the importer ends where one is required and not used (4.2 to 5.2), or where one
    animates and was not told of."""
    pointers = [POINTER] if any(_pointer(channel["target"]) for _, channel in _channels(document)) else []
    required = [entry for entry in document.get("extensionsRequired", []) if entry != LIGHTS]
    used = [entry for entry in document.get("extensionsUsed", []) if entry != LIGHTS]
    document["extensionsRequired"] = required
    document["extensionsUsed"] = list(dict.fromkeys([*used, *required, *pointers]))


def _pointer(target: dict[str, Any]) -> list[str]:
    """The steps of a JSON pointer (RFC 6901), without the escapes, which no name in glTF needs."""
    pointer = target.get("extensions", {}).get(POINTER, {}).get("pointer", "")
    return pointer.split("/")[1:] if pointer.startswith("/") and pointer.isascii() else []


def _leads_somewhere(document: Any, path: list[str]) -> bool:
    value = document
    for step in path:
        if isinstance(value, list):
            value = value[int(step)] if step.isdecimal() and len(step) < 10 and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return isinstance(value, (dict, list))
