# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebSocket, read from a real server (aiohttp's) and from servers that may say anything at all. No test asserts a
time: where a server would go on for longer than a test may take, that it ends is the proof."""

import asyncio
import base64
import hashlib
import itertools
import json
import queue
import ssl

import pytest
import trustme
from aiohttp import WSMsgType, web
from hostile import Answer, Hostile
from proxy import Proxy
from scripted import http
from service.loopback import Loopback

from image_to_3d import api
from image_to_3d.api import errors
from image_to_3d.api.client import Client
from image_to_3d.api.sockets import FRAME_BYTES, MESSAGE_BYTES, messages

pytestmark = pytest.mark.timeout(30)

KEY = "some-key-0123456789"
PATH = "/ws?clientId=me"
FOREVER = 3600.0
ONE, TWO = {"type": "one"}, {"type": "two", "of": "\u72d0"}


def client(url, **network):
    network = api.Network(**{"online": False, "connect_s": 3.0, "read_s": 5.0, "quiet_s": FOREVER, **network})
    return Client(label="Own", url=url, headers={"Authorization": f"Bearer {KEY}"}, away="start it", network=network)


def read(url, wait=lambda seconds: None, **network):
    """All messages until they end, None where there is no socket."""
    with messages(client(url, **network), PATH, wait) as found:
        return None if found is None else list(found)


# A real server.


class Server:
    """`speak` is what it does with a socket; `requests` holds what came, `closings` how each socket was closed."""

    def __init__(self, tls=None):
        self.requests = []
        self.closings = queue.Queue()
        self.speak = None
        app = web.Application()
        app.router.add_get("/ws", self._serve)
        self._loopback = Loopback([app], [0], tls)
        self.url = self._loopback.urls[0]
        self.close = self._loopback.close

    async def _serve(self, request):
        self.requests.append(request)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        await self.speak(socket)
        await socket.close()
        self.closings.put(socket.close_code)
        return socket


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("certificates") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def served(authority, *hosts):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts).configure_cert(context)
    return context


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def secure(authority):
    server = Server(served(authority, "127.0.0.1", "own.example"))
    server.speak = say_two
    yield server
    server.close()


async def say_two(socket):
    await socket.send_json(ONE)
    await socket.send_bytes(bytes(100))
    await socket.send_json(TWO)


def test_messages_come_as_they_were_sent_until_the_server_closes(server):
    server.speak = say_two
    assert read(server.url) == [ONE, TWO]
    (request,) = server.requests
    assert request.path_qs == PATH and request.headers["Authorization"] == f"Bearer {KEY}"
    assert "Origin" not in request.headers


def test_a_message_is_there_before_the_next_one_is_said(server):
    async def speak(socket):
        await socket.send_json(ONE)
        await socket.receive()  # until whoever listens has gone

    server.speak = speak
    with messages(client(server.url), PATH, lambda seconds: None) as found:
        assert next(found) == ONE


def test_a_large_message_is_whole(server):
    large = {"text": "x" * (MESSAGE_BYTES - 1000)}

    async def speak(socket):
        await socket.send_json(large)
        await socket.send_json({"text": "x" * 70_000})

    server.speak = speak
    assert [len(message["text"]) for message in read(server.url)] == [MESSAGE_BYTES - 1000, 70_000]


def test_a_ping_is_answered_with_what_it_says(server):
    async def speak(socket):
        for words in (b"", b"here", bytes(range(125))):
            await socket.ping(words)
            answer = await socket.receive()
            await socket.send_json({"is_pong": answer.type is WSMsgType.PONG and answer.data == words})

    server.speak = speak
    assert read(server.url) == [{"is_pong": True}] * 3


def test_a_ping_is_answered_when_the_socket_has_lasted_longer_than_an_answer_may(server):
    async def speak(socket):
        for _ in range(2):
            await asyncio.sleep(1.0)
            await socket.ping(b"x")
            await socket.receive()
            await socket.send_json(ONE)

    server.speak = speak
    assert read(server.url, read_s=0.2) == [ONE, ONE]


def test_a_close_is_answered(server):
    server.speak = say_two
    read(server.url)
    assert server.closings.get(timeout=10.0) == 1000


def test_it_goes_over_tls_where_the_certificate_is_trusted(secure, ca_file):
    assert read(secure.url, ca_file=ca_file) == [ONE, TWO]
    with pytest.raises(errors.CertificateError):
        read(secure.url)
    with pytest.raises(errors.CertificateError):
        read(secure.url.replace("127.0.0.1", "localhost"), ca_file=ca_file)
    assert len(secure.requests) == 1


@pytest.mark.parametrize("has_tls", [False, True], ids=["plain", "TLS"])
def test_it_goes_through_the_proxy_to_what_is_not_on_this_machine(secure, authority, ca_file, has_tls):
    context = served(authority, "localhost") if has_tls else None
    proxy = Proxy(int(secure.url.rpartition(":")[2]), tls=context)
    assert read("https://own.example", online=True, proxy=proxy.url, ca_file=ca_file) == [ONE, TWO]
    assert proxy.asked == ["own.example:443"] and KEY not in proxy.heads[0]
    proxy.close()


def test_nothing_leaves_the_machine_without_online_access():
    with pytest.raises(errors.OfflineError):
        read("https://own.example")


# What is no socket.


@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "400 Bad Request", "401 Unauthorized", "404 Not Found"])
def test_where_the_server_answers_with_anything_else_there_are_no_messages(hostile, status):
    hostile.play(lambda request: [http(b"{}", status)])
    assert read(hostile.url) is None and len(hostile.requests) == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect"])
def test_a_redirect_is_not_followed_so_the_key_goes_nowhere_else(hostile, status):
    other = Hostile()
    hostile.play(lambda request: [http(b"", status, Location=f"{other.url}{PATH}")])
    assert read(hostile.url) is None
    other.close()
    assert KEY in hostile.requests[0].head and not other.requests


def upgraded(request, **changed):
    """The head that opens a socket, but for the headers in `changed`."""
    lines = dict(line.split(": ", 1) for line in request.head.split("\r\n")[1:])
    named = {name.lower(): value for name, value in lines.items()}
    accept = base64.b64encode(
        hashlib.sha1(f"{named['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    ).decode()
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Accept": accept, **changed}
    return http(b"", "101 Switching Protocols", Content_Length=None, **headers)


@pytest.mark.parametrize(
    "changed",
    [
        {"Sec_WebSocket_Accept": "x"},
        {"Sec_WebSocket_Accept": None},
        {"Sec_WebSocket_Accept": "icX+Yqv66kxgM0FcWaLWlFLwTAI="},  # of a request that another client made
        {"Upgrade": "h2c"},
        {"Upgrade": None},
        {"Sec_WebSocket_Extensions": "permessage-deflate"},
    ],
    ids=str,
)
def test_a_server_that_has_not_understood_is_not_listened_to(hostile, changed):
    hostile.play(lambda request: [upgraded(request, **changed), text(ONE), FOREVER])
    assert read(hostile.url) is None


def test_each_request_has_a_key_of_its_own(hostile):
    hostile.play(lambda request: [upgraded(request), frame(CLOSE)])
    read(hostile.url)
    read(hostile.url)
    one, other = (
        next(line for line in request.head.split("\r\n") if line.startswith("Sec-WebSocket-Key"))
        for request in hostile.requests
    )
    assert one != other


def test_a_server_that_is_away_is_told_of(hostile):
    url = hostile.url
    hostile.close()
    with pytest.raises(errors.ServiceAwayError, match="Own cannot be reached at 127.0.0.1: start it"):
        read(url)


def test_a_server_that_takes_the_request_and_says_nothing_is_given_up(hostile):
    hostile.play(lambda request: [FOREVER])
    with pytest.raises(errors.ServiceAwayError, match="does not answer"):
        read(hostile.url, read_s=0.3)


# Frames, word for word.

MORE, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def frame(opcode, payload=b"", *, last=True, reserved=0, mask=None, length=None):
    length = len(payload) if length is None else length
    sizes = [length] if length < 126 else [126, *length.to_bytes(2)] if length < 1 << 16 else [127, *length.to_bytes(8)]
    sizes[0] |= 0 if mask is None else 0x80
    return bytes([(0x80 if last else 0) | reserved | opcode, *sizes]) + (mask or b"") + payload


def text(content):
    return frame(TEXT, json.dumps(content, ensure_ascii=False).encode())


def parted(content, *cuts, opcode=TEXT):
    """A message in frames, cut at these bytes."""
    content = json.dumps(content, ensure_ascii=False).encode() if opcode == TEXT else content
    parts = [content[start:end] for start, end in itertools.pairwise([0, *cuts, len(content)])]
    return [frame(MORE if at else opcode, part, last=at == len(parts) - 1) for at, part in enumerate(parts)]


AT_A_LETTER = json.dumps(TWO, ensure_ascii=False).encode().index("\u72d0".encode()) + 1
"""A byte in the middle of a letter."""


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ([text(ONE), text(TWO)], [ONE, TWO]),
        (parted(TWO, 5), [TWO]),
        (parted(TWO, AT_A_LETTER, AT_A_LETTER + 1), [TWO]),
        (parted(TWO, 0, 0, 7, 7), [TWO]),
        ([parted(TWO, 5)[0], frame(PING, b"x"), frame(PONG), parted(TWO, 5)[1]], [TWO]),
        ([frame(BINARY, b"\0" * 70_000), frame(BINARY, json.dumps(TWO).encode()), text(ONE)], [ONE]),
        ([*parted(b"{}" * 200, 126, opcode=BINARY), text(ONE)], [ONE]),
        ([frame(TEXT, part) for part in (b"", b"no", b"[1]", b"7", b"null", b"[" * 100_000)] + [text(ONE)], [ONE]),
        ([frame(TEXT, b'{"a": "\xff"}'), text(ONE)], [{"a": "\ufffd"}, ONE]),
        ([frame(TEXT, json.dumps(ONE).encode("utf-16")), text(TWO)], [TWO]),
    ],
    ids=[
        "two",
        "in frames",
        "cut in a letter",
        "empty frames",
        "a ping inside",
        "binary",
        "binary in frames",
        "no objects",
        "no UTF-8",
        "UTF-16",
    ],
)
def test_what_frames_say(hostile, said, heard):
    hostile.play(lambda request: [upgraded(request), *said, frame(CLOSE)])
    assert read(hostile.url) == heard


def test_frames_may_come_byte_by_byte_and_with_the_head(hostile):
    said = b"".join([text(ONE), frame(PING), *parted(TWO, 5), frame(CLOSE, b"\x03\xe8bye")])
    hostile.play(lambda request: [upgraded(request), *itertools.chain(*((bytes([byte]), 0.001) for byte in said))])
    assert read(hostile.url) == [ONE, TWO]
    hostile.play(lambda request: [upgraded(request) + said])
    assert read(hostile.url) == [ONE, TWO]


@pytest.mark.parametrize(
    "said",
    [
        frame(CLOSE),
        frame(CLOSE, b"\x03\xe8"),
        frame(CLOSE, b"\xff" * 125),
        frame(TEXT, b"{}", mask=b"abcd"),
        frame(PONG, mask=frame(PONG) * 2),  # without a mask these would be frames
        frame(TEXT, b"{}", reserved=0x40),
        frame(TEXT, b"{}", reserved=0x10),
        frame(0x3, b"{}"),
        frame(0xB),
        frame(MORE, b"{}"),
        frame(TEXT, b"{", last=False) + frame(TEXT, b"}"),
        frame(BINARY, b"{", last=False) + frame(TEXT, b"{}"),
        frame(PING, b"x", last=False),
        frame(PING, b"x" * 126),
        frame(CLOSE, b"x" * 70_000),
        frame(TEXT, length=MESSAGE_BYTES + 1),
        frame(BINARY, length=MESSAGE_BYTES + 1),
        frame(TEXT, length=(1 << 64) - 1),
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"\xff" * 5000,
    ],
    ids=lambda said: said[:8].hex(),
)
def test_what_is_no_frame_or_the_last_one_ends_the_messages(hostile, said):
    """The server says a message after it, and then nothing for longer than the test may take."""
    hostile.play(lambda request: [upgraded(request), text(ONE), said, text(TWO), FOREVER])
    assert read(hostile.url) == [ONE]


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 9])
def test_a_connection_that_breaks_off_ends_the_messages(hostile, cut):
    hostile.play(lambda request: [upgraded(request), text(ONE), text(TWO)[:cut]])
    assert read(hostile.url) == [ONE]


def test_so_does_one_that_breaks_as_one_does_whose_server_has_died(hostile):
    def answer(request):
        made = Answer(version="", framing="as is", is_reset=True)
        made.before = upgraded(request) + text(ONE)
        return made

    hostile.play(answer)
    assert read(hostile.url) in ([ONE], []), "what was under way may be lost with it"


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [0, 50_000])
def test_a_message_without_end_is_given_up(hostile, opcode, size):
    sent = []

    def answer(request):
        yield upgraded(request) + text(ONE) + frame(opcode, last=False)
        piece = frame(MORE, bytes(size), last=False)
        bunch = max(1, 50_000 // len(piece))
        while True:
            sent.append(bunch * (size + FRAME_BYTES))
            yield piece * bunch

    hostile.play(answer)
    assert read(hostile.url) == [ONE]
    assert sum(sent) < 20 * MESSAGE_BYTES, "the rest lies in what the system holds ready"


def test_silence_ends_the_messages(hostile):
    hostile.play(lambda request: [upgraded(request), text(ONE), 0.4, frame(PING), 0.4, text(TWO), FOREVER])
    assert read(hostile.url, quiet_s=0.6) == [ONE, TWO]


class Stop(Exception):
    pass


def stop_after(looks):
    """A `wait` that ends it when it was called so often."""
    left = iter(range(looks))

    def wait(seconds):
        assert seconds == 0.0
        if next(left, None) is None:
            raise Stop

    return wait


@pytest.mark.parametrize("when", ["before the head", "after it", "in a frame", "in a head of one"])
def test_who_cancels_is_heeded_while_the_server_is_silent(hostile, when):
    said = {"before the head": b"", "after it": b"", "in a frame": text(ONE)[:-1], "in a head of one": b"\x81"}[when]
    hostile.play(
        lambda request: [FOREVER] if when == "before the head" else [upgraded(request), text(TWO), said, FOREVER]
    )
    with pytest.raises(Stop):
        read(hostile.url, stop_after(3), read_s=FOREVER)


@pytest.mark.parametrize("flood", [text(ONE), frame(PONG), frame(BINARY, b"x"), frame(TEXT, b"no")], ids=str)
def test_who_cancels_is_heeded_while_the_server_says_more_and_more(hostile, flood):
    hostile.play(lambda request: itertools.chain([upgraded(request)], itertools.repeat(flood * 1000)))
    with pytest.raises(Stop), messages(client(hostile.url), PATH, stop_after(3)) as found:
        for _ in found:
            pass


def test_who_cancels_is_heeded_while_pings_come_and_nobody_takes_the_answers(hostile):
    hostile.play(lambda request: itertools.chain([upgraded(request)], itertools.repeat(frame(PING, b"x" * 125) * 1000)))
    with pytest.raises(Stop):
        read(hostile.url, stop_after(8))
