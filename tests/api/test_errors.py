# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors are sentences for users, and the package is quick to import and explains itself. Plain Python."""

import ast
import errno
import inspect
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import image_to_3d
from image_to_3d import api
from image_to_3d.api import errors
from image_to_3d.programs import process

CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
API = Path(api.__file__).parent
SOURCES = sorted(API.rglob("*.py"))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_ours_and_says_what_it_means(kind):
    assert issubclass(kind, errors.ImageTo3DError) and kind.__name__.endswith("Error")
    assert kind.__doc__ and kind.__doc__ != (kind.__base__.__doc__ or "")


def test_only_what_may_pass_passes():
    passing = {kind.__name__ for kind in CLASSES if errors.is_transient(kind("x"))}
    assert passing == {
        "ConnectionFailedError",
        "ServiceAwayError",
        "ProxyError",
        "AnswerLostError",
        "UnavailableError",
        "RateLimitError",
        "QueueFullError",
    }
    assert not errors.is_transient(OSError()) and not errors.is_transient(ValueError())


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({}, "No."),
        ({"status": 429}, "No. (status 429)"),
        ({"request_id": "r-1"}, "No. (request id r-1)"),
        ({"status": 500, "request_id": "r-1", "retry_after_s": 3.0}, "No. (status 500, request id r-1)"),
    ],
)
def test_the_facts_stand_in_parentheses_after_the_sentence(facts, text):
    error = errors.ServiceError("No.", **facts)
    assert str(error) == text
    assert (error.status, error.request_id, error.retry_after_s) == (
        facts.get("status"),
        facts.get("request_id", ""),
        facts.get("retry_after_s"),
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "The disk is full: free some space"),
        (PermissionError(13, "Permission denied", "/data/x"), "at /data/x (Permission denied)"),
        (OSError(), "The disk cannot be used"),
        (OSError(errno.EIO, ""), "The disk cannot be used (Input/output error)"),
        (OSError(errno.EROFS, "", "/data/x"), "The disk cannot be used at /data/x (Read-only file system)"),
        (TimeoutError(errno.ETIMEDOUT, "", "/net/x"), "The disk cannot be used at /net/x (Connection timed out)"),
        (errors.GlbError("The model is odd."), "The model is odd."),
    ],
)
def test_what_the_system_reports_becomes_a_sentence_too(is_sentence, error, words):
    assert words in errors.user_message(error) and is_sentence(errors.user_message(error))


def in_windows(number, name=None):
    """An error as Windows raises it, where the number that every system knows is a guess."""
    error = OSError(errno.EINVAL, "The system said this.", name)
    error.winerror = number
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "A program has ended in the middle of its work (Broken pipe)"),
        (ConnectionResetError(errno.ECONNRESET, ""), "The connection broke off (Connection reset by peer)"),
        (ConnectionRefusedError(errno.ECONNREFUSED, ""), "The connection broke off (Connection refused)"),
        (TimeoutError("it does not answer"), "The connection broke off (it does not answer)"),
        (OSError(errno.ENETUNREACH, ""), "The connection broke off (Network is unreachable)"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "broke off (Name or service not known)"),
        (ssl.SSLError(1, "[ASN1] not enough data (_ssl.c:4035)"), "broke off ([ASN1] not enough data (_ssl.c:4035))"),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "broke off (certificate verify failed)"),
        (requests.ConnectionError("gone: https://me:secret@host/?Signature=secret"), "The connection broke off (gone:"),
        (OSError(errno.EMFILE, "", "/data/x"), "Too many files are open (Too many open files)"),
        (OSError(errno.ENFILE, ""), "Too many files are open"),
        (OSError(errno.ENOMEM, ""), "no room for another program or its data (Cannot allocate memory)"),
        (BlockingIOError(errno.EAGAIN, ""), "no room for another program"),
        (
            OSError(errno.ENAMETOOLONG, "", "/data/x"),
            "The name of a file or folder cannot be used at /data/x (File name",
        ),
        (OSError(errno.EFBIG, ""), "The disk takes no file so large"),
        (FileNotFoundError(errno.ENOENT, "", "/data/x"), "A file or folder is missing at /data/x (No such file"),
        (in_windows(123, "C:\\a?b"), "The name of a file or folder cannot be used at C:\\a?b (The system said this)"),
        (in_windows(32, "C:\\x"), "Another program holds a file open at C:\\x (The system said this)"),
        (process.StartError(errno.EACCES, "", "/opt/python"), "Python could not be started at /opt/python (Permission"),
        (process.StartError(errno.EAGAIN, "", "/opt/python"), "Python could not be started at /opt/python (Resource"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_is_not_the_disk_s_fault_is_not_called_that(is_sentence, error, words):
    said = errors.user_message(error)
    assert words in said and is_sentence(said) and "secret" not in said
    if error.errno != errno.EFBIG:
        assert "disk" not in said.lower()


def texts_of(node):
    """The text that a call builds its sentence from, with {} for what is filled in; None where it is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def sentences():
    names = {kind.__name__ for kind in CLASSES}
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
                text = texts_of(node.args[0])
                if text is not None:
                    yield pytest.param(text, id=f"{source.name}:{node.lineno}")


@pytest.mark.parametrize("text", list(sentences()))
def test_every_error_that_is_raised_holds_one_sentence(text):
    assert text.endswith((".", "{}")) and "\n" not in text and not text[0].islower()
    assert "Traceback" not in text and "  " not in text and not text.endswith("..")


def test_there_are_sentences_to_look_at():
    assert len(list(sentences())) > 30


@pytest.mark.parametrize("name", [*api.__all__, "connect"])
def test_everything_public_explains_itself(name):
    thing = getattr(api, name)
    assert inspect.getdoc(thing)
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            if inspect.isfunction(value) and not member.startswith("_"):
                assert inspect.getdoc(value), f"{name}.{member}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(API)))
def test_every_file_begins_with_its_licence_and_its_contract(source):
    text = source.read_text(encoding="utf-8")
    assert text.startswith("# SPDX-License-Identifier: GPL-3.0-or-later\n")
    assert ast.get_docstring(ast.parse(text))


def test_to_import_it_loads_neither_blender_nor_the_network():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import image_to_3d.api;"
        "heavy = {'bpy', 'requests', 'urllib3', 'ssl', 'threading', 'numpy'}; print(*sorted(heavy & set(sys.modules)))"
    )
    root = str(Path(image_to_3d.__path__[0]).parent)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, root], capture_output=True, text=True, timeout=30, check=True
    )
    assert set(done.stdout.split()) <= {"threading"}, "subprocess brings threading along, nothing else may come"
