"""A bad network before the local stack: it hands on each request, and loses or replaces some answers.

Of a POST whose path or Idempotency-Key has "lost" in it, the first answer gets lost once the stack has given it, and
instead of the second the gateway's 503 comes, with a date to retry after. Of one that has "cut" in it, the first answer
is cut within its body. `GET /attempts?path=PATH&key=KEY` answers how often that was sent.

  network.py STACK     prints its own address, and runs until it is ended
"""

import collections
import http.client
import json
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STACK_SECONDS_MAX = 30

stack = urllib.parse.urlsplit(sys.argv[1])
lock = threading.Lock()
attempts: collections.Counter[tuple[str, str]] = collections.Counter()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = self.headers.get("Idempotency-Key", "")
        with lock:
            attempts[self.path, key] += 1
            attempt = attempts[self.path, key]
        loses = self.command == "POST" and "lost" in self.path + key
        cuts = self.command == "POST" and "cut" in self.path + key and attempt == 1
        if loses and attempt == 2:
            headers = [("Content-Type", "application/json"), ("Retry-After", "Sun, 29 Nov 2026 12:00:00 GMT")]
            self.answer(503, headers, b'{"message":"Service Unavailable"}')
            return
        connection = http.client.HTTPConnection(stack.hostname or "", stack.port, timeout=STACK_SECONDS_MAX)
        sent = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        connection.request(self.command, self.path, body, sent)
        response = connection.getresponse()
        answered = response.read()
        connection.close()
        if loses and attempt == 1:
            self.close_connection = True
            return
        skipped = ("connection", "content-length", "transfer-encoding", "date")
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in skipped]
        self.answer(response.status, headers, answered, is_cut=cuts)

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes, *, is_cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if is_cut else body)
        self.close_connection = self.close_connection or is_cut

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        if url.path != "/attempts":
            self.hand_on()
            return
        query = dict(urllib.parse.parse_qsl(url.query))
        with lock:
            count = attempts[query["path"], query.get("key", "")]
        self.answer(200, [("Content-Type", "application/json")], json.dumps(count).encode())

    def do_POST(self) -> None:
        self.hand_on()

    def log_message(self, format: str, *values: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
