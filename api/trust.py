# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose certificates are trusted, and how requests is made to use watched connections only. Sends nothing itself."""

import functools
import ssl
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from . import certificates
from .watch import Context, Line, Socket, Watch, open_socket


class WatchedAdapter(HTTPAdapter):
    """Trusts what the system trusts, what requests brings along, and the user's own file; every connection is under
    `watch`.

    But for those through a SOCKS proxy, which a module of its own makes.
    """

    def __init__(self, ca_file: str, watch: Watch) -> None:
        self._ca_file = ca_file
        self._watch = watch
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=_trust(self._ca_file))
        self.poolmanager.pool_classes_by_scheme = _pools(self._watch)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        context = _trust(self._ca_file)
        manager = super().proxy_manager_for(proxy, **options, ssl_context=context, proxy_ssl_context=context)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _pools(self._watch)
        return manager


def _pools(watch: Watch) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's pools, by scheme, with connections that open watched sockets (the same in urllib3 1.26 and 2)."""

    class Response(HTTPResponse):
        # http.client takes what follows a 101 for nothing. It reads ahead, so what has come is in its own file.
        def __init__(self, sock: Any, *arguments: Any, **options: Any) -> None:
            super().__init__(sock, *arguments, **options)
            watch.line = Line(self.fp.read, sock.sendall)

    class Connection(HTTPConnection):
        response_class = Response

        def _new_conn(self) -> Socket:
            return _opened(self, watch)

    class SecureConnection(HTTPSConnection):
        response_class = Response

        def _new_conn(self) -> Socket:
            return _opened(self, watch)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": Pool, "https": SecurePool}


def _opened(connection: HTTPConnection, watch: Watch) -> Socket:
    """The socket of a connection; its failures as urllib3 names them, so that requests tells a proxy's apart."""
    try:
        sock = open_socket(connection.host.strip("[]"), connection.port, watch)
        target: str = (
            getattr(connection, "_tunnel_host", None) or connection.host
        )  # as http.client calls what is behind a proxy
        sock.host = target.strip("[]")
        return sock
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, str(error)) from error
    except (OSError, UnicodeError) as error:  # UnicodeError: a label of a name is longer than 63 characters
        raise NewConnectionError(connection, str(error)) from error


@functools.cache
def _trust(ca_file: str) -> Context:
    """The one context of this process for this file; making it takes some 30 ms. Raises `CertificateError`."""
    return certificates.trusting(lambda: Context(ssl.PROTOCOL_TLS_CLIENT), ca_file)  # asks for one that fits the host
