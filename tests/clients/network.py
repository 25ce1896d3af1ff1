"""A bad network before the local stack: it hands on each request, and loses or replaces some answers.

Of a POST whose path or Idempotency-Key has "lost" in it, the first answer gets lost once the stack has given it, and
instead of the second the gateway's 503 comes. `GET /attempts?path=PATH&key=KEY` answers how often that was sent.

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
        if loses and attempt == 2:
            self.answer(503, [("Content-Type", "application/json")], b'{"message":"Service Unavailable"}')
            return
        connection = http.client.HTTPConnection(stack.hostname or "", stack.port, timeout=STACK_SECONDS_MAX)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        answered = response.read()
        connection.close()
        if loses and attempt == 1:
            self.close_connection = True
            return
        skipped = ("connection", "content-length", "transfer-encoding", "date")
        self.answer(response.status, [(n, v) for n, v in response.getheaders() if n.lower() not in skipped], answered)

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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
