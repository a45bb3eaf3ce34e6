"""The regular expressions of forms, tried where they can hold up nothing.

Python's `re` cannot be told to give up, and keeps every other thread waiting meanwhile: one such as
`(a+)+b` would stop the emulator for hours. So each is tried in a process of its own.
"""

import json
import subprocess
import sys
from typing import Final, Literal, TypeAlias

Verdict: TypeAlias = Literal["fits", "differs", "unreadable", "too slow"]

LIMIT_S: Final = 3.0

_PROGRAM: Final = """
import json, re, sys
pattern, text = json.load(sys.stdin)
sys.exit(10 if re.fullmatch(pattern, text) else 11)
"""
_VERDICTS: Final[dict[int, Verdict]] = {10: "fits", 11: "differs"}


def try_pattern(pattern: str, text: str) -> Verdict:
    """Tell whether the whole text is what a pattern describes.

    Source: assumed: that all of the text has to fit, and that Python reads a pattern as an iPhone
    does. One it cannot read at all is "unreadable".
    """
    try:
        tried = subprocess.run(  # noqa: S603  # the program is ours, what is tried is its input
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            input=json.dumps([pattern, text]).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "too slow"
    except OSError:  # no process or file to be had
        return "unreadable"
    return _VERDICTS.get(tried.returncode, "unreadable")
