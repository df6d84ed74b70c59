# SPDX-License-Identifier: GPL-3.0-or-later
"""A small web server on loopback for pictures. For tests only; speaks no service's language."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Web:
    """Serves what it was given, whatever is asked of it, and 404 for everything else."""

    def __init__(self):
        self.content = {}
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path if self.path in web.content else self.path.partition("?")[0]
                if path not in web.content:
                    self.send_error(404)
                    return
                body, media_type, announced = web.content[path]
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(announced))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def address(self, path):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def serve(self, path, body, media_type, announced=None):
        """Serve `body` at `path` from now on, and return its address."""
        self.content[path] = (body, media_type, len(body) if announced is None else announced)
        return self.address(path)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
