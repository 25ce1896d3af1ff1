"""Packages the functions as zips, and holds their sizes and what is in them to `sizes.toml`.

A cold start loads the whole binary, so a function that grows starts later for everyone. One that grew by
more than the tolerance fails here, with the crates that are new in it, until
`tests/engines/deployed/run --update-sizes` has written its new size down: a change shows what it costs.
"""

import argparse
import os
import subprocess
import sys
import textwrap
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
SIZES = Path(__file__).with_name("sizes.toml")
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/Cargo.toml"))

ZIP_BYTES_MAX = 3_000_000
GROWTH_PERCENT_MAX = 3

# One TLS stack (rustls with ring), one HTTP stack (hyper 1), and credentials from Lambda's environment only.
BANNED = {
    "a second TLS stack": ["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "rustls@0.21"],
    "a second HTTP stack": ["h2@0.3", "hyper@0.14", "reqwest", "ureq"],
    "a client that no function calls": ["aws-sdk-sso", "aws-sdk-ssooidc"],
}
_HEAD = """\
# The size of each function's zip, and the crates in it, by `tests/engines/deployed/run --update-sizes`. The check
# fails where a zip has grown by more than 3 % since. Crates carry what semver compares of their versions.
"""


def packaged() -> dict[str, Path]:
    """A zip of each function's binary, as `sam deploy` makes them."""
    zips = {}
    for name in FUNCTIONS:
        zips[name] = TARGET / "lambda" / f"{name}.zip"
        entry = zipfile.ZipInfo("bootstrap")  # from 1980: the same binary makes the same zip
        entry.external_attr = 0o755 << 16
        with zipfile.ZipFile(zips[name], "w") as file:
            file.writestr(entry, (TARGET / "lambda" / name / "bootstrap").read_bytes(), zipfile.ZIP_DEFLATED)
    return zips


def crates(function: str) -> set[str]:
    """The crates that end up in a function's binary, as `hyper@1` or `http@0.2`."""
    tree = subprocess.run(
        [
            "cargo",
            "tree",
            "--locked",
            "--package",
            f"scrip-{function}",
            "--edges",
            "normal,no-proc-macro",
            "--target",
            "x86_64-unknown-linux-gnu",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = set()
    for line in tree.stdout.splitlines():
        name, version = line.split()[:2]
        numbers = version.removeprefix("v").split(".")
        # Before 1.0, the second number says what is compatible, and before 0.1 the third.
        compared = next(count for count in (1, 2, 3) if numbers[count - 1] != "0" or count == 3)
        found.add(f"{name}@{'.'.join(numbers[:compared])}")
    return found


def banned(found: set[str]) -> Iterator[str]:
    """Which of these crates must not be there, and why."""
    for why, names in BANNED.items():
        for name in names:
            for crate in found:
                if name in (crate, crate.split("@")[0]):
                    yield f"{crate} is {why}"


def too_large() -> list[str]:
    """Prints the sizes, and returns which are above the limit."""
    wrong = []
    print(f"{'zip':<18}{'bytes':>10}{'limit':>10}")
    for name, path in packaged().items():
        size = path.stat().st_size
        print(f"{name:<18}{size:>10}{ZIP_BYTES_MAX:>10}")
        if size > ZIP_BYTES_MAX:
            wrong.append(f"{name} weighs {size} bytes, more than {ZIP_BYTES_MAX}")
    return wrong


def check(architecture: str) -> list[str]:
    """Prints the sizes, and returns what is wrong with them."""
    kept = tomllib.loads(SIZES.read_text()) if SIZES.exists() else {}
    known = kept.get("bytes", {}).get(architecture, {})
    wrong = []
    print(f"{'zip':<18}{'bytes':>10}{'limit':>10}{'kept':>10}   change")
    for name, path in packaged().items():
        size, was, found = path.stat().st_size, known.get(name), crates(name)
        change = f"{100 * (size - was) / was:+.1f} %" if was else "not kept"
        print(f"{name:<18}{size:>10}{ZIP_BYTES_MAX:>10}{was or '-':>10}   {change}")
        if size > ZIP_BYTES_MAX:
            wrong.append(f"{name} weighs {size} bytes, more than {ZIP_BYTES_MAX}")
        if was and size * 100 > was * (100 + GROWTH_PERCENT_MAX):
            new = found - set(kept["crates"]["all"]) - set(kept["crates"][name])
            what = (
                ", ".join(sorted(new)) or "none, so it is our own code, a feature, a version or the compiler"
            )
            wrong.append(f"{name} has grown by {change}; crates that are new in it: {what}")
        wrong += [f"{name}: {fault}" for fault in banned(found)]
    return wrong


def update(architecture: str) -> None:
    """Writes down the sizes and crates as they are now; other architectures' sizes stay."""
    kept = tomllib.loads(SIZES.read_text()) if SIZES.exists() else {}
    sizes = kept.get("bytes", {}) | {
        architecture: {name: path.stat().st_size for name, path in packaged().items()}
    }
    found = {name: crates(name) for name in FUNCTIONS}
    shared = set.intersection(*found.values())
    lists = {"all": shared} | {name: of_it - shared for name, of_it in found.items()}
    parts = [_HEAD]
    for name, bytes_of in sorted(sizes.items()):
        parts.append(
            f"\n[bytes.{name}]\n" + "".join(f"{function} = {size}\n" for function, size in bytes_of.items())
        )
    parts.append("\n[crates]\n")
    for name, of_it in lists.items():
        listed = textwrap.fill(
            ", ".join(f'"{crate}"' for crate in sorted(of_it)), 104, break_on_hyphens=False
        )
        parts.append(f"{name} = [\n{textwrap.indent(listed, '    ')}\n]\n")
    SIZES.write_text("".join(parts))


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--architecture", choices=["arm64", "x86_64"], required=True)
    arguments.add_argument(
        "--update", action="store_true", help="write the sizes down instead of checking them"
    )
    arguments.add_argument("--limit-only", action="store_true", help="hold them to the limit, and not to what was kept")
    given = arguments.parse_args()
    if given.update:
        update(given.architecture)
    wrong = too_large() if given.limit_only else check(given.architecture)
    for fault in wrong:
        print(f"FAIL  {fault}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
