# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets that never keep their reader waiting: looks, deadlines and limits at every wait. Knows nothing of HTTP.

A server decides when its bytes come, so every wait for one is cut into short ones (`LOOK_S`). Between them, and between
any two pieces that come, a `Watch` looks whether to go on, and for how long.
"""

import errno
import os
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

LOOK_S = 0.25
"""How long nobody is asked whether to go on."""

STEP_BYTES = 1 << 21
"""How much may come for one step of a reader: headers, or the next piece. More than that is no HTTP, and would only
fill the memory."""

SLOWEST_BYTES_S = 1024
"""What a file must bring on average. A line so slow would take a day for a model."""

CONNECTING = (errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK))

Clock = Callable[[], float]
T = TypeVar("T")


class Watch:
    """What one connection may take. `check_cancelled` is called several times a second and may raise, to end it.

    Seconds: `connect_s` for each address of the host, and for TLS; `send_s` while nothing is taken; `sending_s` for all
    that is sent; `silence_s` while no byte comes; `answer_s` for the whole answer. `has_proxy` is whether a proxy
    stands in between, and `line` the connection itself once its answer is read. Every limit ends in `TimeoutError` or
    another `OSError`, as sockets do.
    """

    def __init__(
        self,
        check_cancelled: Callable[[], None],
        *,
        connect_s: float,
        send_s: float,
        sending_s: float,
        silence_s: float,
        answer_s: float,
        clock: Clock = time.perf_counter,  # real time, whatever else a process's clocks are made to say
    ) -> None:
        self.connect_s = connect_s
        self.has_proxy = False
        self.line: Line | None = None
        self.is_silent = False
        self._trouble = ""
        self._has_received = False
        self._check_cancelled = check_cancelled
        self._clock = clock
        self._looked = clock()
        self._send_s = send_s
        self._silence_s = silence_s
        self._answer_s = answer_s
        self._sending_until = clock() + sending_s
        self._answer_until: float | None = None
        self._file_window_s: float | None = None
        self._window_until = 0.0
        self._window_bytes = 0
        self._step_bytes = 0

    @property
    def trouble(self) -> str:
        """What was wrong with the server where the connection has failed, as the rest of a sentence about it; "" where
        it never said a word."""
        return self._trouble or ("gave no whole answer" if self._has_received else "")

    def check_cancelled(self) -> None:
        """Ask whether to go on, where that is due."""
        now = self._clock()
        if now - self._looked >= LOOK_S:
            self._looked = now
            self._check_cancelled()

    def check_sending(self, stalled_s: float) -> None:
        """Look, in the middle of sending. Raises `TimeoutError` where nothing was taken for long, or all of it takes
        too long.

        An answer's time begins when the last is sent: what came before answers something else, as a proxy its CONNECT.
        """
        self._answer_until = None
        self.check_cancelled()
        if stalled_s >= self._send_s or self._clock() > self._sending_until:
            raise self._over("takes what is sent too slowly")

    def check_reading(self, silent_s: float) -> None:
        """Look, in the middle of reading. Raises `TimeoutError` where nothing came for long, or all of it takes too
        long."""
        now = self._clock()
        if self._answer_until is None:
            self._answer_until = now + self._answer_s
        self.check_cancelled()
        if silent_s >= self._silence_s:
            self.is_silent = True
            raise self._over("does not answer")
        if now > self._answer_until:
            raise self._over("answers too slowly")
        if self._file_window_s is not None and now > self._window_until:
            if self._window_bytes < SLOWEST_BYTES_S * self._file_window_s:
                raise self._over("sends too slowly")
            self._window_until, self._window_bytes = now + self._file_window_s, 0

    def count(self, received: int) -> None:
        """Note that so many bytes came. Raises `OSError` where they are more than one step of a reader can use."""
        self._window_bytes += received
        self._step_bytes += received
        self._has_received = True
        if self._step_bytes > STEP_BYTES:
            self._trouble = "sends what is no answer"
            raise OSError(errno.EMSGSIZE, "more came than HTTP allows")

    def next_step(self) -> None:
        """The reader has got what it wanted, and wants the next piece."""
        self._step_bytes = 0

    def expect_file(self, whole_s: float, window_s: float) -> None:
        """From here on a file comes: so long as a whole, and steadily, as seen over `window_s` seconds."""
        now = self._clock()
        self._answer_until = now + whole_s
        self._file_window_s, self._window_until, self._window_bytes = window_s, now + window_s, 0

    def expect_stream(self, silence_s: float) -> None:
        """From here on something comes now and then, and may be answered, for as long as `check_cancelled` allows; a
        silence is no trouble but its end."""
        self._answer_s = self._answer_until = self._sending_until = float("inf")
        self._silence_s = silence_s

    def _over(self, trouble: str) -> TimeoutError:
        self._trouble = trouble
        return TimeoutError(f"it {trouble}")


@dataclass(frozen=True)
class Line:
    """Both directions of a connection under watch, for what goes on after the head of an answer.

    `read` waits for so many bytes, and gives fewer at the end of the connection only; `say` sends all that it is given.
    """

    read: Callable[[int], bytes]
    say: Callable[[bytes], None]


class _Watched:
    """What both kinds of socket do. `watch` is set before anything else is done with one."""

    watch: Watch

    def recv_into(self, *arguments: Any) -> int:
        received: int = self._received(lambda: super(_Watched, self).recv_into(*arguments))  # type: ignore[misc]
        self.watch.count(received)
        return received

    def recv(self, *arguments: Any) -> bytes:  # which urllib3 calls for TLS to a host inside of TLS to a proxy
        received: bytes = self._received(lambda: super(_Watched, self).recv(*arguments))  # type: ignore[misc]
        self.watch.count(len(received))
        return received

    def _received(self, receive: Callable[[], T]) -> T:
        silent_s = 0.0
        while True:
            self.watch.check_reading(silent_s)
            self._wait_shortly()
            try:
                return receive()
            except TimeoutError:
                silent_s += LOOK_S

    def sendall(self, data: Any, *flags: int) -> None:
        view = memoryview(data).cast("B")
        stalled_s = 0.0
        while view:
            self.watch.check_sending(stalled_s)
            self._wait_shortly()
            try:
                view = view[self.send(view, *flags) :]  # type: ignore[attr-defined]
                stalled_s = 0.0
            except TimeoutError:
                stalled_s += LOOK_S

    def _wait_shortly(self) -> None:
        if self.gettimeout() != LOOK_S:  # type: ignore[attr-defined]  # urllib3 sets its own; and each setting asks the system
            self.settimeout(LOOK_S)  # type: ignore[attr-defined]


class Socket(_Watched, socket.socket):
    """A TCP connection under watch. `host` is whom it leads to in the end, also where through a proxy."""

    host = ""

    def connect(self, address: Any) -> None:
        self.setblocking(False)
        code = self.connect_ex(address)
        waited_s = 0.0
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_WRITE)
            while code in CONNECTING:
                if selector.select(LOOK_S):
                    code = self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    break
                waited_s += LOOK_S
                self.watch.check_cancelled()
                if waited_s >= self.watch.connect_s:
                    raise TimeoutError("no connection in time")
        if code:
            raise OSError(code, os.strerror(code))
        self.settimeout(LOOK_S)


class TlsSocket(_Watched, ssl.SSLSocket):
    """The same with TLS."""

    def do_handshake(self, block: bool = False) -> None:
        waited_s = 0.0
        while True:
            self.settimeout(LOOK_S)
            try:
                super().do_handshake(block)
                return
            except TimeoutError:
                waited_s += LOOK_S
                self.watch.check_cancelled()
                if waited_s >= self.watch.connect_s:
                    raise


class Context(ssl.SSLContext):
    """Makes watched TLS connections of watched ones."""

    sslsocket_class = TlsSocket

    def wrap_socket(self, sock: socket.socket, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        assert isinstance(sock, Socket)
        # urllib3 1.26.8 (Blender 4.2) names no host that is a number, and then its certificate could not be checked.
        options["server_hostname"] = options.get("server_hostname") or sock.host
        wrapped = super().wrap_socket(sock, *arguments, **{**options, "do_handshake_on_connect": False})
        try:
            wrapped.watch = sock.watch  # type: ignore[attr-defined]
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
        return wrapped


def open_socket(host: str, port: int, watch: Watch) -> Socket:
    """Connect to the first address of `host` that answers. Raises `OSError`, `socket.gaierror` among them."""
    failure: OSError = OSError(errno.EADDRNOTAVAIL, f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = Socket(family, kind, protocol)
        sock.watch = watch
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
    raise failure
