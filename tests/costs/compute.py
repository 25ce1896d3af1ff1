#!/usr/bin/env python3
"""The costs of Scrip: idle by the month, and by the million debits.

Reads the list prices (prices.toml), what is used (measured.toml) and the template's alarms, log format and defaults.

  compute.py            shows the computed parts of docs/costs.md
  compute.py --write    writes them into docs/costs.md
  compute.py --check    fails if docs/costs.md or README.md say anything else, or a bound is missed

Python 3.11 or newer; nothing to install.
"""

import argparse
import re
import sys
import textwrap
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENT = ROOT / "docs" / "costs.md"
README = ROOT / "README.md"

COLUMNS_MAX = 120
MILLION = 1_000_000
GB = 1_000_000_000
SWITCHES = ("Outbox", "Dashboard", "Tracing", "RouteMetrics", "Backups")


class Mistake(Exception):
    """Something in the files that the computation does not know, or a figure that differs."""


# ---- the template ----


@dataclass(frozen=True)
class Template:
    """The parts of template.yaml that cost something. Each list names the switch that a part hangs on, or None."""

    defaults: dict[str, str]
    alarm_metrics: tuple[str | None, ...]
    dashboards: tuple[str | None, ...]
    routes: int
    schedules: frozenset[str]
    access_log: str
    has_system_lines: bool


def section(text: str, name: str) -> str:
    """The lines of a top-level section."""
    found = re.search(rf"^{name}:\n((?:[ #].*\n|\n)*)", text, re.MULTILINE)
    return found.group(1) if found else ""


def blocks(text: str) -> dict[str, str]:
    """The members of a section, by name."""
    parts = re.split(r"^  (\w+):[^\S\n]*", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def read_template(path: Path) -> Template:
    """Reads the template by its lines: its style is fixed, and what is not understood is a mistake."""
    text = path.read_text(encoding="utf-8")
    defaults = {}
    for name, block in blocks(section(text, "Parameters")).items():
        default = re.search(r'^    Default: "?([^"\n]*)"?$', block, re.MULTILINE)
        defaults[name] = default.group(1) if default else ""
    conditions = {}
    for name, block in blocks(section(text, "Conditions")).items():
        switch = re.match(r'!Equals \[!Ref (\w+), "?On"?\]', block.strip())
        if switch:
            conditions[name] = switch.group(1)

    def switch_of(condition: str | None) -> str | None:
        if condition is None or condition in conditions:
            return conditions.get(condition) if condition else None
        raise Mistake(f"{path.name}: a part hangs on {condition}, which is no switch")

    def condition_of(block: str) -> str | None:
        found = re.search(r"^    Condition: (\w+)$", block, re.MULTILINE)
        return switch_of(found.group(1) if found else None)

    alarm_metrics, dashboards = [], []
    resources = blocks(section(text, "Resources"))
    for name, block in resources.items():
        if "    Type: AWS::CloudWatch::Dashboard" in block:
            dashboards.append(condition_of(block))
        if "    Type: AWS::CloudWatch::Alarm" not in block:
            continue
        own = condition_of(block)
        if "\n      Metrics:\n" not in block:
            alarm_metrics.append(own)
            continue
        # An alarm on a sum: each metric that it reads, some of them only where a switch is on.
        items = re.split(r"^        - ", block, flags=re.MULTILINE)[1:]
        of_alarm = [item for item in items if "MetricStat:" in item]
        if not of_alarm:
            raise Mistake(f"{path.name}: {name} has Metrics, but no MetricStat")
        for item in of_alarm:
            inner = re.match(r"!If\n\s+- (\w+)", item)
            alarm_metrics.append(switch_of(inner.group(1)) if inner else own)
    functions = text.count("Type: AWS::Serverless::Function")
    quiet = len(re.findall(r"^ +SystemLogLevel: WARN$", text, re.MULTILINE))
    in_globals = "SystemLogLevel: WARN" in section(text, "Globals")
    access_log = re.search(r"AccessLogSettings:\n.*\n +Format: >-\n((?: {10}.*\n)+)", text)
    if not access_log or not alarm_metrics:
        raise Mistake(f"{path.name}: no access log or no alarms found")
    return Template(
        defaults=defaults,
        alarm_metrics=tuple(alarm_metrics),
        dashboards=tuple(dashboards),
        routes=len(re.findall(r"^ +Type: HttpApi$", text, re.MULTILINE)),
        schedules=frozenset(re.findall(r"^ {8}(\w+):\n {10}Type: ScheduleV2$", text, re.MULTILINE)),
        access_log=" ".join(line.strip() for line in access_log.group(1).splitlines()),
        has_system_lines=not in_globals and quiet < functions,
    )


# ---- the computation ----


@dataclass(frozen=True)
class Costs:
    """Prices, use and template together, with the switches as they are set."""

    prices: dict
    used: dict
    template: Template
    switches: dict[str, bool]
    architecture: str

    def usd(self, price: str, amount: float) -> float:
        """The price of so much."""
        return self.prices[price]["usd"] / self.prices[price]["per"] * amount

    def beyond_free(self, price: str, amount: float) -> float:
        """The price of so much, if the account uses its free tier for nothing else."""
        return self.usd(price, max(0, amount - self.prices[price].get("free_a_month", 0)))

    def is_on(self, switch: str | None) -> bool:
        """Whether a part is there, by the switch it hangs on."""
        return switch is None or self.switches[switch]

    def with_switch(self, name: str, on: bool) -> "Costs":
        """The same with one switch set."""
        return replace(self, switches={**self.switches, name: on})

    def lambda_usd(self, runs: float, billed_ms: float) -> float:
        """Requests and duration."""
        seconds = billed_ms / 1000 * self.used["debit"]["memory_gb"] * runs
        return self.usd("lambda_request", runs) + self.usd(f"lambda_gb_second_{self.architecture}", seconds)

    def alarm_metrics(self) -> int:
        """How many metrics the alarms read."""
        return sum(self.is_on(switch) for switch in self.template.alarm_metrics)

    def dashboards(self) -> int:
        """How many dashboards there are."""
        return sum(self.is_on(switch) for switch in self.template.dashboards)

    def schedules(self) -> list[dict]:
        """The scheduled runs; the measured ones must be those of the template."""
        measured = self.used["schedules"]
        if set(measured) != self.template.schedules:
            raise Mistake(f"schedules: {sorted(measured)} measured, {sorted(self.template.schedules)} in the template")
        return list(measured.values())

    def idle(self) -> list[tuple[str, str, float]]:
        """A month without calls: part, how much of it, dollars."""
        hours = self.used["month"]["hours"]
        runs = self.schedules()
        times = sum(run["runs"] for run in runs)

        def total(name: str) -> float:
            return sum(run["runs"] * run[name] for run in runs)

        metric_hours = total("metrics")
        queue = self.used["queue"]
        polls = hours * 3600 / queue["poll_seconds"] * queue["pollers"]
        scheduled = (
            sum(self.lambda_usd(run["runs"], run["billed_ms"]) for run in runs)
            + self.usd("dynamodb_read_unit", total("read_units"))
            + self.usd("log_ingested_gb", total("log_bytes") / GB)
            + self.usd("schedule", times)
            + self.usd("kms_request", times * self.used["kms"]["requests_a_run"])
        )
        alarms, dashboards = self.alarm_metrics(), self.dashboards()
        rows = [
            ("Alarms", f"{alarms} metrics that they read", self.usd("alarm_metric_month", alarms)),
            ("Dashboard", f"{dashboards}", self.usd("dashboard_month", dashboards)),
            (
                "Custom metrics",
                f"{metric_hours / hours:.2f}: two are sent each hour, two each day, four each month",
                self.usd("custom_metric_month", metric_hours / hours),
            ),
            ("The refill's queue", f"{polls:,.0f} polls by Lambda", self.usd("queue_request", polls)),
            ("Schedules", f"{times:,.0f} runs: Lambda, DynamoDB, logs, KMS", scheduled),
        ]
        if self.switches["Outbox"]:
            outbox = self.used["outbox"]
            reads = hours * 3600 * outbox["polls_a_second"] * outbox["shards"]
            rows.append(("Outbox", f"{reads:,.0f} reads of the stream", self.usd("dynamodb_stream_read", reads)))
        return rows

    def idle_free_usd(self) -> float:
        """A month without calls, in an account whose free tier nothing else uses: what runs by schedule is free too."""
        hours, queue, outbox = self.used["month"]["hours"], self.used["queue"], self.used["outbox"]
        metric_hours = sum(run["runs"] * run["metrics"] for run in self.schedules())
        reads = hours * 3600 * outbox["polls_a_second"] * outbox["shards"] * self.switches["Outbox"]
        return (
            self.beyond_free("alarm_metric_month", self.alarm_metrics())
            + self.beyond_free("dashboard_month", self.dashboards())
            + self.beyond_free("custom_metric_month", metric_hours / hours)
            + self.beyond_free("queue_request", hours * 3600 / queue["poll_seconds"] * queue["pollers"])
            + self.beyond_free("dynamodb_stream_read", reads)
        )

    def log_bytes(self) -> list[tuple[str, float]]:
        """The bytes that a debit writes to the logs, with those that CloudWatch adds to each event."""
        logs = self.used["logs"]
        added = logs["event_overhead_bytes"] + logs["timestamp_bytes"]
        access = self.template.access_log
        for name, value in sorted(self.used["access_log"].items(), key=lambda pair: -len(pair[0])):
            access = access.replace(f"${name}", value)
        if "$" in access:
            raise Mistake(f"the access log has fields that measured.toml lacks: {access}")
        rows = [
            ("its line", logs["line_bytes"] + added),
            ("its metrics (EMF)", logs["emf_bytes"] + added * logs["emf_documents"]),
            ("the API's access log", len(access) + logs["event_overhead_bytes"]),
        ]
        if self.switches["Tracing"]:
            rows.append(("the trace's id", logs["trace_id_bytes"]))
        if self.template.has_system_lines:
            system = logs["system_bytes"] + logs["system_events"] * logs["event_overhead_bytes"]
            rows.append(("START, END and REPORT", system))
        return rows

    def traced(self, debits: float) -> float:
        """How many of a month's debits X-Ray records."""
        traces = self.used["traces"]
        first = self.used["month"]["hours"] * 3600 * traces["first_of_a_second"]
        return min(debits, first) + traces["share_of_others"] * max(0, debits - first)

    def million(self) -> list[tuple[str, str, float]]:
        """A million debits: part, how much of it, dollars."""
        debit = self.used["debit"]
        logged = dict(self.log_bytes())
        emf = logged.pop("its metrics (EMF)")
        others = sum(logged.values())
        units = self.usd("dynamodb_write_unit", debit["write_units"] * MILLION) + self.usd(
            "dynamodb_read_unit", debit["read_units"] * MILLION
        )
        out = self.usd("internet_out_gb", debit["answer_bytes"] * MILLION / GB)
        rows = [
            ("API", "requests", self.usd("http_api_request", MILLION)),
            ("", f"{debit['answer_bytes']} bytes out to the internet", out),
            ("Lambda", f"requests, {debit['billed_ms']} ms of 256 MB", self.lambda_usd(MILLION, debit["billed_ms"])),
            ("DynamoDB", f"{debit['write_units']} write units, {debit['read_units']} read unit", units),
            ("Logs", f"{others} bytes: " + ", ".join(logged), self.usd("log_ingested_gb", others * MILLION / GB)),
            ("Metrics", f"{emf} bytes of EMF", self.usd("log_ingested_gb", emf * MILLION / GB)),
        ]
        if self.switches["Outbox"]:
            events = self.usd("custom_event", debit["events"] * MILLION)
            pipe = self.usd("pipe_request", debit["pipe_requests"] * MILLION)
            made = self.lambda_usd(debit["event_runs"] * MILLION, debit["event_billed_ms"])
            rows.append(("Stream", "an event, a request of the pipe, a run of Lambda each", events + pipe + made))
        else:
            rows.append(("Stream", "nothing reads it: `Outbox` is off", 0.0))
        if self.switches["Tracing"]:
            rows.append(("Traces", "the first of each second", self.usd("trace", self.traced(MILLION))))
        return rows

    def stored_gb(self) -> float:
        """What a million debits leave in the table."""
        debit = self.used["debit"]
        return (debit["entry_bytes"] + debit["claim_bytes"] + 2 * debit["item_overhead_bytes"]) * MILLION / GB

    def used_metrics(self, name: str) -> float:
        """The custom metrics of a month with debits in each hour."""
        return self.usd("custom_metric_month", self.used["metrics"][name])

    def idle_usd(self) -> float:
        """A month without calls."""
        return sum(usd for *_, usd in self.idle())

    def million_usd(self) -> float:
        """A million debits."""
        return sum(usd for *_, usd in self.million())


# ---- the document's parts ----


def dollars(usd: float, signed: bool = False) -> str:
    """In cents: $3.29, -$3.00; fractions of a cent as such."""
    if signed and round(usd, 2) == 0:
        return "–"
    if 0 < usd < 0.005:
        return "< $0.01"
    sign = "" if usd >= 0 and not signed else ("+" if usd >= 0 else "−")
    return f"{sign}${abs(usd):.2f}"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table; the last column holds dollars."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * (len(head) - 1) + "---:|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def idle_table(costs: Costs) -> str:
    """What a month without calls costs, as a table."""
    rows = [(part, amount, dollars(usd)) for part, amount, usd in costs.idle()]
    rows.append(("**Idle, a month**", "", f"**{dollars(costs.idle_usd())}**"))
    rows.append(("with a free tier that nothing else uses", "", dollars(costs.idle_free_usd())))
    return table(("", "", "a month"), rows)


def million_table(costs: Costs) -> str:
    """What a million debits cost."""
    rows = [(part, amount, dollars(usd)) for part, amount, usd in costs.million()]
    rows.append(("**All-in**", "", f"**{dollars(costs.million_usd())}**"))
    return table(("", "", "a million debits"), rows)


def month_table(costs: Costs) -> str:
    """Whole months, with what does not grow with the debits."""
    rows = []
    for debits in (0, 100_000, 1_000_000, 10_000_000, 100_000_000):
        fixed = costs.idle_usd()
        metrics = costs.used_metrics("of_debits_of_one_operation") if debits else 0.0
        total = fixed + metrics + costs.million_usd() * debits / MILLION
        each = dollars(total / debits * MILLION) if debits else ""
        rows.append((f"{debits:,}", dollars(metrics), each, dollars(total)))
    return table(("debits in a month", "custom metrics of debits", "by the million", "the month"), rows)


def metrics_sentence(costs: Costs) -> str:
    """How many custom metrics debits send."""
    metrics = costs.used["metrics"]
    text = (
        f"A month costs both, and the custom metrics of its debits: {metrics['of_debits_of_one_operation']} for one "
        f"operation, {metrics['of_debits_of_every_operation']} for all of them, charged in each hour that has a "
        "debit. Their number doesn't grow with the debits."
    )
    return textwrap.fill(text, COLUMNS_MAX)


def switch_table(costs: Costs) -> str:
    """What each switch changes."""
    rows = []
    for name in SWITCHES:
        if name not in costs.template.defaults:
            continue
        on, off = costs.with_switch(name, True), costs.with_switch(name, False)
        default = "On" if costs.switches[name] else "Off"
        month = on.idle_usd() - off.idle_usd()
        million = on.million_usd() - off.million_usd()
        note = ""
        if name == "RouteMetrics":
            of_route = costs.used_metrics("of_a_route")
            every = of_route * costs.template.routes
            note = f"{dollars(of_route)} for each route in use, {dollars(every)} for all {costs.template.routes}"
        if name == "Tracing":
            traced = costs.usd("trace", costs.traced(10 * MILLION) / 10)
            note = f"{dollars(traced)} a million at ten million in a month"
        if name == "Outbox":
            reads = on.idle()[-1][2]
            runs = costs.used["debit"]["event_runs"] * MILLION
            made = costs.lambda_usd(runs, costs.used["debit"]["event_billed_ms"])
            note = (
                f"{dollars(reads)} are reads of the stream, if AWS charges a pipe for them; "
                f"{dollars(made)} are Lambda's"
            )
        if name == "Backups":
            copies = costs.stored_gb() * 52 * costs.usd("dynamodb_backup_gb_month", 1)
            note = f"full copies: after a year {dollars(copies)} a month for each million debits kept"
        rows.append((f"`{name}`", default, note, dollars(month, True), dollars(million, True)))
    intel = replace(costs, architecture="x86_64")
    million = intel.million_usd() - costs.million_usd()
    rows.append(("`Architecture`", "arm64", "x86_64 instead", "–", dollars(million, True)))
    return table(("switch", "default", "beside", "On: idle month", "On: a million debits"), rows).replace(
        "|---|---:|", "|---:|---:|"
    )


def kept_table(costs: Costs) -> str:
    """What is paid for keeping, each month."""
    stored = costs.stored_gb()
    table_usd = costs.usd("dynamodb_gb_month", stored)
    recovery = costs.usd("dynamodb_recovery_gb_month", stored)
    log_gb = sum(size for _, size in costs.log_bytes()) * MILLION / GB * costs.used["logs"]["stored_share"]
    rows = [
        ("The table", f"{stored:.2f} GB: entry and claim", dollars(table_usd)),
        ("Point-in-time recovery", "the same", dollars(recovery)),
        ("Logs, until `LogRetentionDays`", f"{log_gb:.2f} GB", dollars(costs.usd("log_stored_gb_month", log_gb))),
    ]
    return table(("", "", "each month"), rows)


def dynamodb_table(costs: Costs) -> str:
    """DynamoDB's part, beside an idempotency table's."""
    debit = costs.used["debit"]
    own = next(usd for part, _, usd in costs.million() if part == "DynamoDB")
    other = costs.usd("dynamodb_write_unit", debit["write_units_with_idempotency_table"] * MILLION)
    rows = [
        (
            "Scrip",
            f"{debit['write_units']} write units, {debit['read_units']} read unit",
            f"{own / other:.2f} ×",
            f"${own:.3f}",
        ),
        (
            "an idempotency table, a balance and a ledger row",
            f"{debit['write_units_with_idempotency_table']} write units",
            "1 ×",
            f"${other:.3f}",
        ),
    ]
    return table(("", "a debit", "", "a million debits"), rows)


PARTS = {
    "idle": idle_table,
    "million": million_table,
    "metrics": metrics_sentence,
    "month": month_table,
    "switches": switch_table,
    "kept": kept_table,
    "dynamodb": dynamodb_table,
}


def written(text: str, costs: Costs) -> str:
    """The document with its tables and its sentence on metrics as they are computed now."""
    for name, draw in PARTS.items():
        marked = re.compile(rf"(<!-- computed: {name} -->\n)(?:.*\n)*?(<!-- end -->)")
        text, count = marked.subn(lambda found: f"{found.group(1)}{draw(costs)}\n{found.group(2)}", text)
        if count != 1:
            raise Mistake(f"{DOCUMENT.name} needs the markers of {name} once, and has them {count} times")
    return text


# ---- the checks ----


def check(costs: Costs) -> list[str]:
    """The checks that fail, as text."""
    wrong = []
    document = DOCUMENT.read_text(encoding="utf-8")
    if written(document, costs) != document:
        wrong.append("docs/costs.md has other figures: run tests/costs/compute.py --write")
    idle, million = costs.idle_usd(), costs.million_usd()
    bounds = costs.used["bounds"]
    if idle > bounds["idle_usd"]:
        wrong.append(f"an idle month costs {dollars(idle)}, and may cost {dollars(bounds['idle_usd'])}")
    if million > bounds["million_usd"]:
        wrong.append(f"a million debits cost {dollars(million)}, and may cost {dollars(bounds['million_usd'])}")
    # A paragraph or list item of the README that leads to docs/costs.md says these figures and no others.
    without = costs.with_switch("Dashboard", False).idle_usd()
    known = {dollars(usd) for usd in (idle, without, costs.idle_free_usd(), million)}
    items = re.split(r"\n(?=\n|- |\| )", README.read_text(encoding="utf-8"))
    linked = [item for item in items if "docs/costs.md" in item]
    figures = {figure for item in linked for figure in re.findall(r"\$\d+\.\d\d", item)}
    if dollars(idle) not in figures:
        wrong.append(f"README.md must say, beside a link to docs/costs.md, that an idle month costs {dollars(idle)}")
    if figures - known:
        wrong.append(f"README.md says {sorted(figures - known)} beside docs/costs.md; computed are {sorted(known)}")
    return wrong


def read_costs(prices: Path, template: Path) -> Costs:
    """Everything, with the template's defaults."""

    def load(path: Path) -> dict:
        return tomllib.loads(path.read_text(encoding="utf-8"))

    read = read_template(template)
    # A template from before a switch has its part always.
    switches = {name: read.defaults.get(name, "Off" if name == "Backups" else "On") == "On" for name in SWITCHES}
    architecture = read.defaults.get("Architecture", "arm64")
    return Costs(load(prices), load(HERE / "measured.toml"), read, switches, architecture)


def main() -> int:
    """Shows, writes or checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prices", type=Path, default=HERE / "prices.toml", help="other prices than the list's")
    parser.add_argument("--template", type=Path, default=ROOT / "template.yaml", help="another template")
    parser.add_argument("--set", action="append", default=[], metavar="SWITCH=On|Off", help="set a switch")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="write the computed parts into docs/costs.md")
    action.add_argument("--check", action="store_true", help="compare, and hold the bounds")
    arguments = parser.parse_args()
    try:
        costs = read_costs(arguments.prices, arguments.template)
        for setting in arguments.set:
            name, _, value = setting.partition("=")
            if name not in SWITCHES or value not in ("On", "Off"):
                parser.error(f"no switch: {setting}")
            costs = costs.with_switch(name, value == "On")
        if arguments.check:
            wrong = check(costs)
            figures = f"idle {dollars(costs.idle_usd())} a month, {dollars(costs.million_usd())} a million debits"
            print("\n".join(wrong) or figures)
            return 1 if wrong else 0
        if arguments.write:
            DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), costs), encoding="utf-8")
            return 0
        print("\n\n".join(draw(costs) for draw in PARTS.values()))
    except Mistake as mistake:
        print(f"compute.py: {mistake}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
