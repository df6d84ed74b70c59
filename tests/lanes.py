# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the cases of a fuzz in lanes side by side, each with a worker of its own. Knows nothing of what a case is."""

import queue
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol


class Lane(Protocol):
    """Runs one case after the other."""

    def run(self, kind: str, number: int) -> list[Any]:
        """Run the case, and return what was wrong."""

    def close(self) -> None:
        """End the worker."""


def run(
    wanted: Iterable[tuple[str, int]],
    lanes: int,
    make_lane: Callable[[Path], Lane],
    told: Callable[[str, int, list[Any]], None] | None = None,
) -> list[Any]:
    """Run these cases in so many lanes; return what was wrong. `make_lane` gets a folder that is not there yet, and
    `told` hears of each case that ended. An error of ours in a lane ends all of them, and is raised."""
    left: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
    for one in wanted:
        left.put(one)
    faults: list[Any] = []
    problems: list[BaseException] = []

    def drive(folder: Path) -> None:
        lane = make_lane(folder)
        try:
            while not problems:
                kind, number = left.get_nowait()
                found = lane.run(kind, number)
                faults.extend(found)
                if told:
                    told(kind, number, found)
        except queue.Empty:
            return
        except BaseException as error:
            problems.append(error)
        finally:
            lane.close()

    with tempfile.TemporaryDirectory(prefix="image_to_3d_fuzz_") as name:
        threads = [threading.Thread(target=drive, args=(Path(name) / str(count),)) for count in range(lanes)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:
            problems.append(KeyboardInterrupt())
            for thread in threads:
                thread.join()
            raise
    if problems:
        raise problems[0]
    return faults


def lines_of(started: "subprocess.Popen[str]") -> "queue.SimpleQueue[str]":
    """The lines that a worker prints, as they come, and "" at their end."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def hand_on() -> None:
        assert started.stdout
        for line in started.stdout:
            lines.put(line)
        lines.put("")

    threading.Thread(target=hand_on, daemon=True).start()
    return lines
