# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a background Blender may take for a stranger's file, and the sentences for one that wanted more. Only says;
`program.py` holds the time, `cage.py` the memory."""

import re
from dataclasses import dataclass

GB = 1 << 30
"""Bytes, as Blender counts them."""

MEMORY_BYTES = 3 * GB
"""Blender itself takes 0.9 to 1.6 GB of address space on two cores, and with a model of 1,000,000 triangles with three
4096² maps 2.0 to 2.9 (4.2 to 5.2)."""
SECONDS = 600.0
"""That model took 25 on two cores that others used, too."""

MOST_THREADS = 4
"""How many threads a program with a bound gets at most, as each reserves 40 MB of address space. On 32 cores Blender
alone would reach the bound (4.5.15, 5.2.3)."""

SHORT_OF_MEMORY = re.compile(
    rb"^(?:MemoryError\b|[\w.]*\b_ArrayMemoryError:|OSError: \[Errno 12\]|.*\b[MC]alloc returns null: "
    rb"|.*: failed to map segment from shared object"
    rb"|.*\bstd::bad_alloc\b|  what\(\):  Resource temporarily unavailable)",
    re.MULTILINE,
)
"""What is printed by a program that was refused memory: Python, numpy, Blender (intern/guardedalloc), the linker, and
C++, of which the last says so of a thread."""

NEARLY = 0.9
"""Whoever crashes with so much of the bound taken has reached it: not every piece of code looks whether it got what it
asked for."""


@dataclass(frozen=True)
class Bounds:
    """What a background Blender may take: `memory_bytes` of address space, and `seconds` from when it has its
    request. `what` it works on is called so in the sentences."""

    memory_bytes: int = MEMORY_BYTES
    seconds: float = SECONDS
    what: str = "model"

    @property
    def out_of_memory(self) -> str:
        """The sentence for a program that needed more memory."""
        return (
            f"The {self.what} needs more than {self.memory_bytes / GB:.3g} GB of memory to be prepared: "
            "raise Model Memory in the preferences, then retry."
        )

    @property
    def out_of_time(self) -> str:
        """The sentence for a program that needed longer."""
        return (
            f"The {self.what} needs longer than {self.seconds / 60:.3g} minutes to be prepared: "
            "raise Model Time in the preferences, then retry."
        )

    def is_memory_short(self, peak_bytes: int, output: bytes, *, has_crashed: bool) -> bool:
        """Whether the program was refused memory, as it printed `output` and was seen to have `peak_bytes`."""
        return bool(SHORT_OF_MEMORY.search(output)) or (has_crashed and peak_bytes > NEARLY * self.memory_bytes)
