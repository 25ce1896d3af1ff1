"""An account's entries: read page by page, and what is wrong with them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

KINDS = ("playground", "tune", "tune_image")
PAGE = 100


@dataclass
class Statement:
    """The entries after one that was read before, oldest first."""

    before: dict
    entries: list[dict]

    def faults(self) -> list[str]:
        """Gaps, and balances that are not the one before plus the change."""
        found, last = [], self.before
        for entry in self.entries:
            sequence = entry["sequence"]
            if sequence != last["sequence"] + 1:
                found.append(f"{sequence} follows {last['sequence']}")
            for kind in KINDS:
                is_now, should = entry["balance"][kind], last["balance"][kind] + entry["credits"][kind]
                if is_now != should:
                    found.append(f"{sequence} has {is_now} {kind}, and the one before and its change make {should}")
                if is_now < 0:
                    found.append(f"{sequence} has {is_now} {kind}")
            last = entry
        return found

    def strays(self, kind: str, prefix: str, answers: dict[str, dict]) -> list[str]:
        """The entries of a kind that differ from the answers, by their ids: missing, doubled, or with other figures."""
        mine = [entry for entry in self.entries if entry["kind"] == kind and entry["reference"].startswith(prefix)]
        times = Counter(entry["reference"] for entry in mine)
        found = [f"{name} is in it {times[name]} times" for name in answers if times[name] != 1]
        found += [f"{name} is in it, and was not answered" for name in times if name not in answers]
        for entry in mine:
            if answer := answers.get(entry["reference"]):
                found += [
                    f"{entry['reference']} has the {figure} {entry[figure]}, and was answered {expected}"
                    for figure, expected in figures(kind, answer).items()
                    if entry[figure] != expected
                ]
        return found


def figures(kind: str, answer: dict) -> dict:
    """The entry that the answer to a debit or a reversal promises."""
    credits, offset = answer["credits"], answer.get("offset", dict.fromkeys(KINDS, 0))
    sign = -1 if kind == "debit" else 1
    change = {name: sign * (credits[name] - offset[name]) for name in KINDS}
    return {"credits": change, "balance": answer["balance"], "sequence": answer["sequence"]}


def read(page: Callable[[str], dict], before: dict, pages_max: int) -> Statement:
    """Reads back to `before`, which must be as it was; an entry that isn't reached is a gap."""
    newest_first: list[dict] = []
    cursor, seen = "", before
    for _ in range(pages_max):
        answer = page(cursor)
        newest_first += answer["entries"]
        cursor = answer.get("next_cursor") or ""
        if not cursor or newest_first[-1]["sequence"] <= before["sequence"]:
            break
    for entry in newest_first:
        if entry["sequence"] == before["sequence"]:
            seen = entry
    later = [entry for entry in newest_first if entry["sequence"] > before["sequence"]]
    return Statement(seen, later[::-1])


def added(all_of: list[dict]) -> dict[str, int]:
    """The sum of credits."""
    return {kind: sum(credits[kind] for credits in all_of) for kind in KINDS}


def written(credits: dict[str, int]) -> str:
    """Credits in words: `2 playground, 1 tune`."""
    return ", ".join(f"{count} {kind}" for kind, count in credits.items() if count) or "none"
