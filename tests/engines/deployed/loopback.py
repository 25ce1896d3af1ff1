"""JSON over HTTP on this machine: servers that end on request, and a client that takes every status."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

ANSWER_SECONDS_MAX = 60


@dataclass
class Request:
    """A request to a server."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Answer:
    """The answer to a client; the names of headers are in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


Reply = tuple[int, Any]


class Server:
    """Answers with what a function makes of each request, on a free port."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, body = answer(
                    Request(self.command, self.path, headers, self.rfile.read(length).decode())
                )
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = _handle

            def log_message(self, *_: object) -> None:
                """Says nothing: the checks tell what happens."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def ask(method: str, url: str, headers: dict[str, str], body: str | None = None) -> Answer:
    """One request; a body that isn't JSON is returned as text."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS_MAX)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, body.encode() if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        try:
            parsed = json.loads(text) if text else None
        except ValueError:
            parsed = text
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, parsed)
    finally:
        connection.close()
