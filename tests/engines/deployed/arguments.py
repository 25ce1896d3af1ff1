"""The command line of `check`."""

import argparse
import os

_ABOUT = """\
Checks a deployed stack from outside, as its callers see it: who may call, a debit and its retry, many debits of one
account at once, reversals, and that the account's ledger adds up; with --stack also its alarms and roles, and with
more options events and a refund. It prints a line for each fact, and a report.
"""
_MORE = """\
It takes credits of a real account (one for each debit, two for the one that is replayed) and gives them back by
reversals, also if it is interrupted. It says how many and what it costs before it begins; --dry-run ends there.
The account's ledger keeps the entries forever: use an account made for this.

tokens are read from SCRIP_TOKEN and SCRIP_SUPPORT_TOKEN. The options of the same name show a token to everyone who
can list the machine's processes, and leave it in the shell's history. No token is ever printed.

exit codes:
  0  every fact is as it must be
  1  one is not, or what was taken could not be given back
  2  it could not run, or not to its end; the message says what to do

permissions, with the credentials and region of the AWS CLI's environment:
  --stack        cloudformation:DescribeStacks, ListStackResources; cloudwatch:DescribeAlarms;
                 lambda:GetFunctionConfiguration, iam:SimulatePrincipalPolicy (what they may not ask is skipped)
  --with-events  events:PutRule, PutTargets, RemoveTargets, DeleteRule, PutEvents; sqs:CreateQueue,
                 GetQueueAttributes, SetQueueAttributes, ReceiveMessage, DeleteMessage, DeleteQueue
  --verify       dynamodb:Scan, Query, GetItem
"""


def parse(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="check",
        description=_ABOUT,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--url", help="the API's URL; of --stack, its output ApiUrl if not given")
    add("--token", help="a token with credits:read, credits:debit and credits:settle (better: SCRIP_TOKEN)")
    add("--account", help="whose credits are used; if not given, the token's own")
    add("--account-claim", default="sub", help="the claim that names the account (%(default)s)")
    add("--debits", type=_number(8, 1000), default=200, help="how many at once, 8 to 1000 (%(default)s)")
    add("--parallel", type=_number(1, 200), default=64, help="connections, 1 to 200 (%(default)s)")
    add("--keep", action="store_true", help="give nothing back, and check no reversals")
    add("--stack", help="the stack's name, to read its outputs, alarms and roles from AWS")
    add("--with-events", action="store_true", help="hear the events, by a rule and a queue that are deleted again")
    add("--verify", metavar="PATH", help="run this program verify on the stack's table at the end")
    add("--endpoint-url", help="where AWS is, if not at AWS: of an emulator")
    add("--purchase", help="refund this purchase of the account, bought in Stripe's test mode")
    add("--support-token", help="a token with credits:refund (better: SCRIP_SUPPORT_TOKEN)")
    add("--stripe-test-mode", action="store_true", help="says that the stack's Stripe key is one of test mode")
    add("--json", metavar="FILE", help="write the report to this file too")
    add("--dry-run", action="store_true", help="look at the account, say what would be sent and taken, and end")
    options = parser.parse_args(given)
    options.token = options.token or os.environ.get("SCRIP_TOKEN", "")
    options.support_token = options.support_token or os.environ.get("SCRIP_SUPPORT_TOKEN", "")
    _fit(parser, options)
    return options


def _fit(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends with a message if some options don't go together."""
    if not options.url and not options.stack:
        parser.error("--url is needed, or --stack to take it from")
    if not options.token:
        parser.error("a token is needed: export SCRIP_TOKEN")
    for name in ("with_events", "verify", "endpoint_url"):
        if getattr(options, name) and not options.stack:
            parser.error(f"--{name.replace('_', '-')} needs --stack")
    if options.purchase:
        if not options.support_token:
            parser.error("--purchase needs a token with credits:refund: export SCRIP_SUPPORT_TOKEN")
        if not options.stripe_test_mode:
            parser.error(
                "--purchase sends money back, and nothing here tells in which mode of Stripe it was bought: "
                "look at the key in the SSM parameter of the stack, and say --stripe-test-mode if it is rk_test_…"
            )
        if options.purchase.startswith("cs_live_"):
            parser.error(f"{options.purchase} was bought in Stripe's live mode")
    options.parallel = min(options.parallel, options.debits)


def _number(least: int, most: int):
    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not within {least} and {most}")
        return value

    return number
