# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a background Blender may take for a stranger's file, and the sentences for one that wanted more. Only says;
`program.py` holds the time, `cage.py` the memory."""

import re
from dataclasses import dataclass

GB = 1_000_000_000
"""Bytes."""

MEMORY_BYTES = 3 * GB
"""Three times what a model of 1,000,000 triangles with three 4096² maps takes beyond Blender itself."""
SECONDS = 600.0
"""A hundred times what that model takes on two cores."""

SHORT_OF_MEMORY = re.compile(
    rb"^(?:MemoryError\b|[\w.]*\b_ArrayMemoryError:|.*\b[MC]alloc returns null: |.*\bstd::bad_alloc\b)", re.MULTILINE
)
"""What is printed by a program that was refused memory: Python, numpy, Blender (intern/guardedalloc), C++."""


@dataclass(frozen=True)
class Bounds:
    """What a background Blender may take: `memory_bytes` of address space, and `seconds` from when it has its
    request."""

    memory_bytes: int = MEMORY_BYTES
    seconds: float = SECONDS

    @property
    def out_of_memory(self) -> str:
        """The sentence for a program that needed more memory."""
        return (
            f"The model needs more than {self.memory_bytes / GB:.3g} GB of memory to be prepared: "
            "raise Memory for a Model in the preferences, then retry; nothing is paid twice."
        )

    @property
    def out_of_time(self) -> str:
        """The sentence for a program that needed longer."""
        return (
            f"The model needs longer than {self.seconds / 60:.3g} minutes to be prepared: "
            "raise Time for a Model in the preferences, then retry; nothing is paid twice."
        )


def is_short_of_memory(output: bytes) -> bool:
    """Whether a program that printed this was refused memory."""
    return SHORT_OF_MEMORY.search(output) is not None
