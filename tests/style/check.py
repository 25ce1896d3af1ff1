#!/usr/bin/env python3
"""Checks how the project reads: words of words.toml, documents' columns and links, the length of files and functions,
and that each public function has a use outside its file.

    tests/style/check.py [PATH ...]

Looks through the files that git knows or would add, or those below the paths. Prints each finding as file:line and
exits 1 if there is one, 0 if there is none. Needs Python 3.11 or newer and git, nothing else.
"""

import argparse
import collections
import functools
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLUMNS_MAX = 120
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
README_LINES_MAX = 150
# Files of others, generated files, and recordings: nothing in them is ours to word.
NOT_OURS = ("docs/images/", "tests/local/page/vendor/")
READ_SUFFIXES = {".css", ".html", ".js", ".md", ".mjs", ".py", ".rs", ".sh", ".snap", ".toml", ".ts", ".txt", ".yaml", ".yml", ""}
# A part of a name: `is_kept`, `KeptEvent` and `kept` all have the part "kept".
PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
FUNCTION = re.compile(r"^(?P<indent> *)(?:pub(?:\([a-z: ]+\))? )?(?:default |const |async |unsafe |extern \"C\" )*fn (?P<name>\w+)")

PUBLIC = re.compile(r"^ *pub(?:\([a-z: ]+\))? (?:const |async |unsafe )*(?:fn|const|static) (?P<name>\w+)", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]*))?\)")

Finding = tuple[str, int, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="a file or a folder, instead of everything")
    paths = [str(Path(path).resolve().relative_to(ROOT)) for path in parser.parse_args().paths]

    with (ROOT / "tests/style/words.toml").open("rb") as file:
        rules = tomllib.load(file)
    with (ROOT / "tests/style/lengths.toml").open("rb") as file:
        lengths = tomllib.load(file)
    words, lengthy = Exceptions(rules["exceptions"]), Exceptions(lengths["exceptions"])

    found: list[Finding] = []
    files = [path for path in own_files(paths) if is_read(path)]
    for path in files:
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        found.extend(banned_words(path, lines, rules["words"], words))
        found.extend(long_lines(path, lines))
        found.extend(long_files(path, lines, lengthy))
        if path.endswith(".rs"):
            found.extend(long_functions(path, lines, lengthy))
        if path.endswith(".md"):
            found.extend(broken_links(path, lines))
    found.extend(unused_functions(paths))
    # Of a part of the files, an exception for another part is not needed.
    if not paths:
        found.extend(words.unused("tests/style/words.toml"))
        found.extend(lengthy.unused("tests/style/lengths.toml"))

    for path, line, what in found:
        print(f"{path}:{line}: {what}")
    print(f"{len(files)} files, {len(found)} findings", file=sys.stderr)
    return 1 if found else 0


class Exceptions:
    """Where a rule doesn't hold, each with its reason. One that is never used is a finding."""

    def __init__(self, rows: list[dict]) -> None:
        for row in rows:
            if not row.get("reason"):
                sys.exit(f"the exception for {row.get('path')} has no reason")
        self.rows = rows
        self.used: set[tuple[int, str]] = set()

    def allow(self, path: str, what: str) -> bool:
        """Whether this is allowed in that file; the exception counts as used then."""
        for index, row in enumerate(self.rows):
            is_place = path.startswith(row["path"]) if row["path"].endswith("/") else path == row["path"]
            if is_place and what in row["words"]:
                self.used.add((index, what))
                return True
        return False

    def unused(self, file: str) -> Iterator[Finding]:
        for index, row in enumerate(self.rows):
            for what in row["words"]:
                if (index, what) not in self.used:
                    yield file, 1, f"the exception of {what!r} for {row['path']} is not needed any more"


def own_files(paths: list[str]) -> list[str]:
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted({path for path in listed.split("\0") if path and (ROOT / path).is_file()})


def is_read(path: str) -> bool:
    is_lock = path.endswith((".lock", "-lock.json")) or path.endswith("LICENSE")
    return not is_lock and not path.startswith(NOT_OURS) and Path(path).suffix in READ_SUFFIXES


def banned_words(path: str, lines: list[str], words: dict[str, str], exceptions: Exceptions) -> Iterator[Finding]:
    for number, line in enumerate(lines, 1):
        parts = {part.lower() for part in PART.findall(line)}
        for word in sorted(parts & words.keys()):
            if not exceptions.allow(path, word):
                yield path, number, f"{word!r}: write {words[word]}"


def long_lines(path: str, lines: list[str]) -> Iterator[Finding]:
    """A document's lines; a line of one link or one address can't be broken."""
    if not path.endswith(".md"):
        return
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX and " " in line.strip():
            yield path, number, f"{len(line)} columns, at most {COLUMNS_MAX}"


def long_files(path: str, lines: list[str], exceptions: Exceptions) -> Iterator[Finding]:
    if path == "README.md" and len(lines) > README_LINES_MAX:
        yield path, 1, f"{len(lines)} lines, at most {README_LINES_MAX}"
    if path.endswith(".rs") and len(lines) > FILE_LINES_MAX and not exceptions.allow(path, "file"):
        yield path, 1, f"{len(lines)} lines, at most {FILE_LINES_MAX}"


def long_functions(path: str, lines: list[str], exceptions: Exceptions) -> Iterator[Finding]:
    """Functions as rustfmt writes them: the closing brace stands under the function's first letter."""
    begun: tuple[int, str, str] | None = None
    for number, line in enumerate(lines, 1):
        if begun and line == f"{begun[1]}}}":
            first, _, name = begun
            length = number - first + 1
            if length > FUNCTION_LINES_MAX and not exceptions.allow(path, name):
                yield path, first, f"fn {name} has {length} lines, at most {FUNCTION_LINES_MAX}"
            begun = None
        elif not begun and (match := FUNCTION.match(line)) and not line.endswith((";", "}")):
            begun = number, match["indent"], match["name"]


def broken_links(path: str, lines: list[str]) -> Iterator[Finding]:
    """Links to files that aren't there, and to headings that their document doesn't have."""
    for number, line in enumerate(lines, 1):
        for link in LINK.finditer(line):
            target = (ROOT / path).parent / link["path"] if link["path"] else ROOT / path
            if not target.exists():
                yield path, number, f"there is no {link['path']}"
            elif link["anchor"] and target.suffix == ".md" and link["anchor"] not in anchors(target):
                yield path, number, f"{target.name} has no heading #{link['anchor']}"


@functools.cache
def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives a document's headings: two of the same text differ by a number."""
    found: set[str] = set()
    is_code = False
    for line in document.read_text(encoding="utf-8").splitlines():
        is_code ^= line.startswith("```")
        if is_code or not re.match(r"#{1,6} ", line):
            continue
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", line.lstrip("#").strip())
        anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        same = sum(1 for other in found if other == anchor or re.fullmatch(re.escape(anchor) + r"-\d+", other))
        found.add(f"{anchor}-{same}" if same else anchor)
    return found


def unused_functions(paths: list[str]) -> Iterator[Finding]:
    """Public functions and constants of crates that no other file names: they need not be public."""
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in own_files([]) if path.endswith(".rs")}
    named_in = collections.Counter(name for text in texts.values() for name in set(re.findall(r"\w+", text)))
    looked_at = set(own_files(paths))
    for path, text in texts.items():
        if path not in looked_at or "/src/" not in path:
            continue
        for public in PUBLIC.finditer(text):
            if named_in[public["name"]] == 1:
                line = text.count("\n", 0, public.start("name")) + 1
                yield path, line, f"{public['name']} is public, and no other file names it"


if __name__ == "__main__":
    sys.exit(main())
