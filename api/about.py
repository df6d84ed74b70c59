# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service says of itself: `About`. Everything in the interface follows from it. Loads no client and connects to
nothing, and is cheap to import.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .parameters import Table

if TYPE_CHECKING:
    from .task import Service


DRAWN = -1
"""The value of a seed that is drawn anew for each job."""


@dataclass(eq=False, repr=False, kw_only=True)  # without what is not needed, as Blender waits for it at its start
class About:
    """A service, as it is known before anything is asked of it. Nobody changes one."""

    name: str
    """The wire name, as "csm"."""
    number: int
    """What a .blend stores for the service: it never changes, and no other service ever gets it."""
    label: str
    """What people call it."""
    description: str
    """Who makes the model, and what that takes: one sentence without a full stop."""
    purpose: str = ""
    """What it is for, in as few words as stand in one line of a sidebar."""
    needs: str = ""
    """What people need for it, in as few words; "" for nothing beyond this computer."""
    parameters: Table
    needs_key: bool
    """Whether nothing can be asked without an API key."""
    is_paid: bool
    """Whether a create costs, so that it is never repeated blindly; else a task that was lost is simply created
    again."""
    reach: Literal["none", "own", "web"]
    """"none": works in this process, and has no address. "own": a server of the user's, so plain http is fine in
    private networks. "web": https only, except on this machine."""
    views: tuple[str, ...] = ()
    """The parameters that are further pictures of the same object, by wire name: `services.rows.VIEWS`, or none."""
    seed: str = ""
    """The parameter that makes another model of the same picture, by wire name; "" where the service has none. `DRAWN`
    stands for any."""
    can_cancel: bool
    """Whether a task can be given up at the service at all."""
    tells_credits: bool = False
    """Whether `Service.check_key` gives the credits that the account has."""
    tells_lacks: bool = False
    """Whether `Service.check_ready` finds out what a server of the user's lacks, before a job is started."""
    names_tasks: bool = True
    """Whether the service gives a task its id; else whoever asks for one does (`Service.create`)."""
    paints: str = ""
    """The parameter that has a model without a texture painted with its pictures here, by wire name; "" where the
    service has none."""
    is_watertight: bool = False
    """Whether its models are closed, so that points at one place, which a file splits along the borders of a texture,
    are one."""
    closed: str = ""
    """What people should know of a service that is said to have closed: one sentence without a full stop, "" for all
    others."""
    at_once: int = 0
    """How many tasks an account may have there at the same time, in the largest plan that the service tells of; 0 where
    it tells of none."""
    account_page: str = ""
    """Where in the web people get a key; "" where none is needed."""
    default_url: str = ""
    """Where the service is unless another address is given; "" where it has none."""
    candidates: Mapping[str, Callable[[Mapping[str, Any]], list[tuple[str, str]]]] = field(default_factory=dict)
    """What there is to choose from for a text, by the wire name of its parameter: each value, and what people call it.
    Reads a file that the other checked parameters name; raises `ParameterError` where it cannot be used."""
    client: "Callable[[], type[Service]]"
    """Imports what talks to the service, and returns its class."""
    asks_quads: Callable[[Mapping[str, Any]], bool]
    """Whether these checked parameters ask for faces with four sides."""
    cost: Callable[[Mapping[str, Any]], int | None] = lambda parameters: None
    """The credits that a create with these parameters takes, as far as the service's documents say; None where not.
    What is left out is at its default; nothing is checked, which `api.cost` does."""
    check_request: Callable[[Mapping[str, Any]], None] = lambda parameters: None
    """Raises `ParameterError` where a file that these checked parameters name cannot be used. Called once before a job
    is made, and never by what draws."""
