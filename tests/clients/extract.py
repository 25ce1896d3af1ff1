"""Writes the files that a document shows: each block of code below a comment that names its file.

  extract.py DOCUMENT FOLDER NAME...     the names are those that must be there
"""

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)

document, folder, *expected = sys.argv[1:]
blocks = BLOCK.findall(Path(document).read_text())
names = [name for name, _ in blocks]
if sorted(names) != sorted(expected):
    sys.exit(f"{document} shows {names}, not {expected}")
for name, code in blocks:
    Path(folder, name).write_text(code)
