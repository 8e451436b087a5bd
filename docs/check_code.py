# SPDX-License-Identifier: BSL-1.0

"""check_code.py: whether the code in chat.md stands in the files that it names.

A block is preceded by a line `<!-- FILE -->`; "..." on a line of its own leaves lines out.
"""

import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
wrong = 0
blocks = 0
for page in [root / "docs/chat.md"]:
    found = re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```", page.read_text(), re.DOTALL)
    for name, code in found:
        blocks += 1
        source = (root / name).read_text()
        for part in re.split(r"^ *\.\.\.\n", code, flags=re.MULTILINE):
            if part not in source:
                wrong += 1
                print(f"{page.name}: this is not in {name}:\n{part}")
if blocks == 0:
    sys.exit("no code was found")
sys.exit(1 if wrong else 0)
