# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes of a glTF are hidden: marks them in their `extras`. Reads no file.

Source: KHR_node_visibility, by which a node hides all that is below it, too. Blender's importer (4.2 to 5.2) does not
know it, and shows them.
"""

from typing import Any

from .extras import EXTRAS

VISIBILITY = "KHR_node_visibility"


def mark_hidden(document: dict[str, Any], tag: str) -> None:
    """Put `tag` into the `extras` of each node with a mesh that is hidden."""
    nodes = document.get("nodes", [])
    waiting = [number for number, node in enumerate(nodes) if _is_hidden(node)]
    seen: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number in seen:
            continue
        seen.add(number)
        node = nodes[number]
        if "mesh" in node:
            node[EXTRAS] = {**node.get(EXTRAS, {}), tag: True}
        waiting += node.get("children", [])


def _is_hidden(node: dict[str, Any]) -> bool:
    said = node.get("extensions", {}).get(VISIBILITY)
    return isinstance(said, dict) and said.get("visible") is False
