"""Holds the parameters that samconfig.toml and docs/deploying.md set to what the template takes, as SAM reads them.

SAM takes quotes away by rules of its own, so that what is written isn't what is sent. Run by SAM's own Python.
"""

import re
import sys
import tomllib
from pathlib import Path

from samcli.cli.types import CfnParameterOverridesType
from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).parents[2]
# The expected result of the example in the document.
PRICES = '{"price_1AbC":"basic_monthly","price_1DeF":null}'


def main() -> int:
    parameters = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text())
    document = (ROOT / "docs/deploying.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", document, re.DOTALL)
    written = {
        stage: configuration[stage]["deploy"]["parameters"]["parameter_overrides"]
        for stage in ("staging", "production")
    } | {"docs/deploying.md": tomllib.loads(example)["parameter_overrides"]}
    faults, count = [], 0
    for place, overrides in written.items():
        for name, value in _read(overrides).items():
            count += 1
            if not _is_taken(parameters[name], value):
                faults.append(f"{place}: {name}={value}")
    if _read(written["docs/deploying.md"]) != {"StripePrices": PRICES}:
        faults.append(f"docs/deploying.md: its prices are read as {_read(written['docs/deploying.md'])}")
    # A check that takes anything would pass: SAM makes `{` of this.
    if _is_taken(parameters["StripePrices"], _read([f"StripePrices={PRICES}"])["StripePrices"]):
        faults.append("prices whose quotes SAM takes away are accepted")
    print("\n".join([*faults, f"{count} parameters are set, {len(faults)} faults"]))
    return 1 if faults else 0


def _read(overrides: list[str]) -> dict[str, str]:
    return CfnParameterOverridesType().convert(tuple(overrides), None, None)


def _is_taken(parameter: dict, value: str) -> bool:
    values = [str(allowed) for allowed in parameter.get("AllowedValues", [value])]
    parts = value.split(",") if parameter["Type"] == "CommaDelimitedList" else [value]
    pattern = parameter.get("AllowedPattern", "(?s).*")
    return value in values and all(re.fullmatch(pattern, part) for part in parts)


if __name__ == "__main__":
    sys.exit(main())
