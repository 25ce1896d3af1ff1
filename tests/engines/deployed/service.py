"""The deployed API over HTTPS: connections that are kept, and requests that are sent again until they are answered.

Invariant: what it sends is bounded. A call has a time-out and `AGAIN_MAX` repetitions, all together have a number and
a time, and `Stopped` is raised instead of the first request beyond.
"""

import json
import random
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from loopback import Answer

# The gateway itself waits for 30.
CALL_SECONDS_MAX = 35
AGAIN_MAX = 8
WAIT_SECONDS_MAX = 5.0
BODY_BYTES_MAX = 1 << 20
# No answer at all.
LOST = 0
# Asked again: with its key a debit is carried out once, however often it is sent.
_AGAIN = {LOST, 429, 500, 502, 503, 504}


class Stopped(Exception):
    """Nothing more is sent; says why, and whether the request was sent before."""

    def __init__(self, why: str, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent


class Unreachable(Exception):
    """The URL is none of an API that answers; says what to do."""


@dataclass
class Exchange:
    """A request until it was answered for good."""

    answer: Answer
    # The answers before the last: each was 429 or 503.
    before: list[Answer] = field(default_factory=list)
    # From the first request to the last answer.
    seconds: float = 0.0


class Service:
    """The API at a URL. Each thread has a connection of its own."""

    def __init__(self, url: str, user_agent: str) -> None:
        self._url, self._user_agent = parsed(url), user_agent
        self._tls = ssl.create_default_context()
        self._mine = threading.local()
        self._connections: list[HTTPConnection] = []
        self._lock = threading.Lock()
        self._calls_left, self._until = 0, 0.0
        self.stop = threading.Event()
        self.statuses: Counter[int] = Counter()

    def allow(self, calls: int, seconds: float) -> None:
        """Lets that much be sent from now on, also after a stop."""
        self.stop.clear()
        self._calls_left, self._until = calls, time.monotonic() + seconds

    def connect(self) -> None:
        """Opens this thread's connection, so that the first request doesn't wait for it."""
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            connection = HTTPSConnection(host, port, timeout=CALL_SECONDS_MAX, context=self._tls)
        else:
            connection = HTTPConnection(host, port, timeout=CALL_SECONDS_MAX)
        connection.connect()
        self._mine.connection = connection
        with self._lock:
            self._connections.append(connection)

    def close(self) -> None:
        """Closes all connections; a thread that sends more opens its own again."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def reach(self, path: str) -> Answer:
        """A first look, whose failures are explained."""
        host = self._url.hostname
        try:
            self.connect()
            return self._once("GET", path, {}, None)
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(f"{host} has no certificate that is trusted: {error.verify_message}") from error
        except TimeoutError as error:
            raise Unreachable(f"{host} doesn't answer within {CALL_SECONDS_MAX} s") from error
        except (OSError, HTTPException) as error:
            raise Unreachable(f"{host} can't be reached ({error}): compare --url with the output ApiUrl") from error

    def call(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> Answer:
        return self.exchange(method, path, headers, body).answer

    def exchange(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> Exchange:
        """Sends it until the answer is another than "try again", or it was sent often enough."""
        started, before = time.monotonic(), []
        while True:
            self._count(bool(before))
            answer = self._attempt(method, path, headers, body)
            with self._lock:
                self.statuses[answer.status] += 1
            if answer.status not in _AGAIN or len(before) == AGAIN_MAX:
                return Exchange(answer, before, time.monotonic() - started)
            before.append(answer)
            self.stop.wait(pause(len(before), answer.headers.get("retry-after", "")))

    def _count(self, sent: bool) -> None:
        with self._lock:
            if self.stop.is_set():
                raise Stopped("it was interrupted", sent)
            if time.monotonic() > self._until:
                raise Stopped("it takes too long", sent)
            if self._calls_left == 0:
                raise Stopped("too many requests had to be sent again", sent)
            self._calls_left -= 1

    def _attempt(self, method: str, path: str, headers: dict[str, str], body: str | None) -> Answer:
        kept = getattr(self._mine, "connection", None) is not None
        try:
            return self._once(method, path, headers, body)
        except (TimeoutError, ssl.SSLError):
            return Answer(LOST)
        except (OSError, HTTPException):
            if not kept:
                return Answer(LOST)
        # The other side may have closed a connection that was kept for long: that tells nothing.
        self._count(sent=True)
        try:
            return self._once(method, path, headers, body)
        except (OSError, HTTPException):
            return Answer(LOST)

    def _once(self, method: str, path: str, headers: dict[str, str], body: str | None) -> Answer:
        if getattr(self._mine, "connection", None) is None:
            self.connect()
        connection = self._mine.connection
        try:
            data = body.encode() if body is not None else None
            connection.request(method, self._url.path + path, data, {"User-Agent": self._user_agent, **headers})
            answer = connection.getresponse()
            text = answer.read(BODY_BYTES_MAX).decode(errors="replace")
        except BaseException:
            self._close()
            raise
        if answer.will_close or not answer.isclosed():
            self._close()
        try:
            read = json.loads(text) if text else None
        except ValueError:
            read = text
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, read)

    def _close(self) -> None:
        self._mine.connection.close()
        self._mine.connection = None


def parsed(url: str) -> SplitResult:
    """The API's URL in its parts, or why it can't be one."""
    try:
        parts = urlsplit(url.rstrip("/"))
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise Unreachable(f"{url} is no URL: {error}") from error
    if parts.scheme not in ("https", "http") or not host:
        raise Unreachable("--url must be like https://abc123.execute-api.us-east-1.amazonaws.com")
    if parts.scheme == "http" and not _is_loopback(host):
        raise Unreachable("--url must be https: a token is as good as its owner")
    if parts.username is not None or parts.query or parts.fragment:
        raise Unreachable("--url must have no user, query or fragment")
    return parts


def pause(times: int, retry_after: str) -> float:
    """The seconds to wait after the `times`th answer that asked to try again."""
    least = float(retry_after) if retry_after.isdigit() else 0.0
    return min(WAIT_SECONDS_MAX, least + random.uniform(0.5, 1.0) * 0.1 * 2**times)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
