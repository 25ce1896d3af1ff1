"""The facts that a check reads from AWS: alarms, roles, events, and the whole table."""

import shlex
import subprocess
from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

import bus
from bus import Bus
from caller import Checks
from deployment import LOUD_ALARM, Deployment, is_refused

VERIFY_SECONDS_MAX = 1800
_ALLOWED, _DENIED = "dynamodb:Query", "dynamodb:DeleteItem"
_LINES_MAX = 10


class StackFacts:
    """The checks of one stack."""

    def __init__(self, deployment: Deployment, checks: Checks) -> None:
        self.deployment, self._checks = deployment, checks
        self._bus: Bus | None = None
        self.has_events = False
        self.table = deployment.output("TableName")
        self.figures: dict = {}

    def listen(self, prefix: str) -> None:
        """A rule and a queue for the events"""
        name = self.deployment.output("EventBusName")
        fact = "the stack's bus delivers"
        if not name:
            self._checks.skip(fact, "the stack has no output EventBusName; deploy it with Outbox=On")
            return
        self._bus = Bus(self.deployment.client, name, prefix)
        delivers = self._asked(fact, self._bus.open)
        if delivers:
            delivers = self._asked(fact, self._bus.is_delivering)
        if delivers is not None:
            self._checks.that(fact, delivers, True)
        self.has_events = bool(delivers)

    def events(self, prefix: str, entries: list[dict], account: str) -> None:
        """Events of the entries"""
        mine = [entry for entry in entries if entry["reference"].startswith(prefix)]
        references = {entry["reference"] for entry in mine}
        fact = f"each of {len(references)} entries is an event on the bus"
        if self._asked(fact, lambda: self._bus.wait(references)) is None:
            return
        received = Counter(event["detail"]["reference"] for event in self._bus.events)
        missing = sorted(references - set(received))
        self._checks.that(fact, f"{len(missing)} missing: {missing[:_LINES_MAX]}", "0 missing: []")
        wrong = bus.differences(self._bus.events, mine, account)
        self._checks.that("each says what its entry says", wrong[:_LINES_MAX], [])
        self.figures |= {"events": received.total(), "events_twice": received.total() - len(received)}

    def hang_up(self) -> None:
        """The rule and the queue are deleted."""
        if self._bus is not None:
            self._checks.that("the rule and the queue are deleted", self._bus.close(), [])
            self._bus = None

    def alarms(self) -> None:
        """Alarms"""
        asked = self._asked("the stack's alarms", self.deployment.alarms)
        if asked is None:
            return
        alarms, missing = asked
        topic = self.deployment.output("AlarmTopicArn")
        self._checks.that(f"the stack's {len(alarms)} alarms are there", missing, [])
        silent = [alarm.name for alarm in alarms if topic not in alarm.tells]
        self._checks.that("each tells the topic AlarmTopicArn", silent, [])
        loud = [alarm.name for alarm in alarms if alarm.state == "ALARM"]
        # A crowd of debits may have set it off, an earlier check's too.
        self._checks.that("none has gone off", [name for name in loud if name != LOUD_ALARM], [])
        self.figures["alarms"] = dict(Counter(alarm.state for alarm in alarms))
        if LOUD_ALARM in loud:
            self.figures["alarms"]["gone off by many debits at once"] = LOUD_ALARM

    def roles(self) -> None:
        """Roles"""
        for function, name in self.deployment.functions().items():
            fact = f"{function} may query the table, and delete nothing outside of a transaction"
            asked = [_ALLOWED, _DENIED]
            decisions = self._asked(fact, lambda: self.deployment.decisions(name, self.table, asked))
            if decisions is None:
                continue
            # Denied by a policy or allowed by none: both keep it out.
            denied = decisions.get(_DENIED) in ("implicitDeny", "explicitDeny")
            self._checks.that(fact, (decisions.get(_ALLOWED), denied), ("allowed", True))

    def verify(self, program: str, endpoint_url: str | None) -> None:
        """The whole table"""
        command = [program, "--table", self.table]
        command += ["--endpoint-url", endpoint_url] if endpoint_url else []
        taken = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
        try:
            done = subprocess.run(command, timeout=VERIFY_SECONDS_MAX, **taken)
        except (OSError, subprocess.TimeoutExpired) as error:
            self._checks.that("verify finds nothing wrong", str(error), "an answer")
            return
        lines = (done.stdout + done.stderr).strip().splitlines()
        findings = lines[-_LINES_MAX:] if done.returncode else []
        self._checks.that("verify finds nothing wrong", (done.returncode, findings), (0, []))
        self.figures["verify"] = lines[-1] if lines else ""

    def _asked(self, fact: str, ask: Callable[[], Any]) -> Any:
        """The answer of AWS; without an answer the fact fails, or is skipped if these credentials may not ask."""
        try:
            return ask()
        except (BotoCoreError, ClientError) as error:
            if is_refused(error):
                self._checks.skip(fact, str(error))
            else:
                self._checks.that(fact, str(error), "an answer")
            return None

    def verify_command(self) -> str:
        """How to check the whole table."""
        return shlex.join(["cargo", "run", "--release", "--package", "scrip-verify", "--", "--table", self.table])
