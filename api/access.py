# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be there before a service may be asked: a key, online access. Names the variables of the environment, and
says what is missing. Reads no preferences and sends nothing, and is cheap to import.

The sentences have no full stop: a panel shows them without, an error adds it.
"""

from .errors import NoKeyError

OFFLINE = "Online access is off: turn on Allow Online Access in the preferences, under System"


def key_variable(service: str) -> str:
    """The environment variable that may hold the key of the service with this wire name."""
    return f"{service.upper()}_API_KEY"


def url_variable(service: str) -> str:
    """The environment variable that may hold the address of the service with this wire name."""
    return f"{service.upper()}_API_URL"


def no_key(service: str, label: str) -> str:
    """What is said where the service that people know as `label` has no key."""
    return f"{label} needs an API key: enter it in the preferences of Image to 3D, or set {key_variable(service)}"


def no_key_given(service: str, label: str) -> str:
    """The same where a script connects by itself, whatever stands in Blender's preferences."""
    return f'{label} needs an API key: set {key_variable(service)}, or connect with key="..."'


def enter_key(service: str, *, for_script: bool) -> str:
    """What to do where a service does not accept the key."""
    if for_script:
        return f'enter a valid one in the preferences or in {key_variable(service)}, or connect with key="..."'
    return "enter a valid one in the preferences"


def header_value(key: str, service: str, label: str, *, for_script: bool = False) -> str:
    """Return the API key as it goes into a header. Raises `NoKeyError` where there is none, or none that could be one:
    `for_script` says that a script has to give it."""
    key = key.strip()
    if not key:
        raise NoKeyError(f"{(no_key_given if for_script else no_key)(service, label)}.")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise NoKeyError(f"The API key for {label} holds characters that no key has: copy it again.")
    return key
