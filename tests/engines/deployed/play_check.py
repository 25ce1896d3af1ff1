"""Runs `check` on the deployed emulator as an operator would: it must pass, and fail where something is wrong."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import stripe
from caller import Caller, Checks
from emulator import REGION, STACK, Stack
from issuer import Issuer
from outbox import Outbox

ROOT = Path(__file__).parents[3]
CHECK = Path(__file__).parent / "check"
VERIFY = ROOT / "target" / "debug" / "verify"
ACCOUNT = "checked"
DEBITS, AT_ONCE = 24, 8
# Each debit and the one that is replayed, what comes back of each, and the half that came back before.
ENTRIES = 2 * (DEBITS + 1) + 1
SECONDS_MAX = 180


class PlayCheck:
    """An account is made for it, with a plan and a pack."""

    def __init__(self, stack: Stack, issuer: Issuer, provider: stripe.Api, checks: Checks) -> None:
        self._stack, self._issuer, self._provider, self._checks = stack, issuer, provider, checks
        self._caller = Caller(stack, issuer)
        self._token = issuer.token(ACCOUNT, "credits:read", "credits:debit", "credits:settle")
        self._support = issuer.token("support", "credits:refund")

    def play(self) -> None:
        """A check of what is deployed, and of all that was played"""
        print(f"\n{self.play.__doc__}", flush=True)
        now = int(time.time())
        for sold in (self._provider.sell_plan(ACCOUNT, now), self._provider.sell_pack(ACCOUNT, now)):
            self._caller.tell(sold)
        outbox = Outbox(self._stack)
        try:
            self._passes()
        finally:
            outbox.close()
        self._is_interrupted()
        self._sees_an_alarm()
        self._refuses()

    def _passes(self) -> None:
        pack = stripe.event("checkout.session.completed", ACCOUNT, 0)["data"]["object"]["payment_intent"]
        asked = ["--stack", STACK, "--with-events", "--purchase", pack, "--stripe-test-mode"]
        if VERIFY.is_file():
            asked += ["--verify", str(VERIFY)]
        else:
            self._checks.skip("verify on the emulator's table", f"{VERIFY} is not built")
        code, output, report = self._run(*asked)
        totals = {name: report.get(name) for name in ("passed", "failed", "skipped")}
        right = {"passed": len(report.get("facts", [])), "failed": 0, "skipped": 0}
        self._checks.that("it passes", (code, totals), (0, right))
        if code != 0:
            print(output)
        figures = report.get("figures", {})
        counts = {name: figures.get(name) for name in ("taken", "entries_read", "events")}
        # Beside the check's own entries there is the refund, whose reference is the purchase.
        self._checks.that(
            "it took, read and received all", counts, {"taken": DEBITS, "entries_read": ENTRIES + 1, "events": ENTRIES}
        )
        back = figures.get("credits_back"), figures.get("credits_taken")
        self._checks.that("what it took came back", back[0], back[1])
        if VERIFY.is_file():
            self._checks.that("verify agrees", figures.get("verify"), "Nothing is wrong.")
        names = self._stack.client("events").list_rules(EventBusName=self._stack.id("EventBus"))["Rules"]
        self._checks.that("its rule is gone", names, [])
        shown = output + json.dumps(report)
        tokens = [token for token in (self._token, self._support) if token in shown]
        self._checks.that("it shows no token", len(tokens), 0)

    def _is_interrupted(self) -> None:
        before = self._balance()
        process = subprocess.Popen(
            self._command("--debits", "200", "--parallel", "2"),
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in process.stdout:
            if line.startswith("Many debits at once"):
                break
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=SECONDS_MAX)[0]
        ended = process.returncode, "Not to its end" in output
        self._checks.that("interrupted, it ends and says so", ended, (2, True))
        self._checks.that("and has given back what it took", self._balance(), before)

    def _sees_an_alarm(self) -> None:
        watch, alarm = self._stack.client("cloudwatch"), self._stack.id("InternalAlarm")
        watch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="played")
        code, _, report = self._run("--stack", STACK)
        watch.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="played")
        wrong = [fact["fact"] for fact in report.get("facts", []) if fact["outcome"] == "failed"]
        self._checks.that("it fails by an alarm that has gone off", (code, wrong), (1, ["none has gone off"]))

    def _refuses(self) -> None:
        past = self._issuer.token(ACCOUNT, "credits:read", "credits:debit", exp=int(time.time()) - 1)
        poor = self._issuer.token(ACCOUNT, "credits:read", "credits:debit")
        for fact, asked, token, message in (
            ("a token that expired", (), past, "the token expired at"),
            ("a token that can't give back", (), poor, "no credits:settle"),
            ("more than the account has", ("--debits", "1000"), self._token, "playground are needed"),
        ):
            code, output, _ = self._run(*asked, token=token)
            self._checks.that(f"it doesn't run with {fact}", (code, message in output), (2, True))

    def _balance(self) -> dict:
        return self._caller.get(f"/v1/accounts/{ACCOUNT}", self._token).body["balance"]

    def _run(self, *asked: str, token: str = "") -> tuple[int, str, dict]:
        """The exit code, what was printed, and the report."""
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            done = subprocess.run(
                self._command("--debits", str(DEBITS), "--json", str(report), *asked),
                env=self._environment(token),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=SECONDS_MAX,
            )
            written = report.read_text() if report.exists() else ""
            return done.returncode, done.stdout, json.loads(written or "{}")

    def _command(self, *asked: str) -> list[str]:
        aws = self._stack.emulator_url
        at = ["--endpoint-url", aws] if "--stack" in asked else []
        url = f"{aws}/_aws/execute-api/{self._stack.id('Api')}/$default"
        return [str(CHECK), "--url", url, "--parallel", str(AT_ONCE), *at, *asked]

    def _environment(self, token: str = "") -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return inherited | {
            # This python3 has boto3.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "SCRIP_TOKEN": token or self._token,
            "SCRIP_SUPPORT_TOKEN": self._support,
        }
