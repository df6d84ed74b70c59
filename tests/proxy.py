# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy on loopback that knows one way only. Speaks no service's language."""

import socket
import threading


class Proxy:
    """Leads every CONNECT to one port of this machine, and remembers where to it was asked. `answer` refuses
    instead."""

    def __init__(self, port, answer=b"", tls=None):
        self._tls = tls
        self.asked = []
        self.heads = []
        self._port, self._answer = port, answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"https://localhost:{self.address[10:]}" if tls else f"http://{self.address}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client):
        if self._tls:
            client = self._tls.wrap_socket(client, server_side=True)
        head = b""
        while not head.endswith(b"\r\n\r\n") and (more := client.recv(1)):
            head += more
        self.heads.append(head.decode())
        self.asked.append(head.split(b" ")[1].decode())
        if self._answer:
            client.sendall(self._answer)
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", self._port))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    @staticmethod
    def _copy(one, other):
        try:
            while piece := one.recv(65536):
                other.sendall(piece)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass
