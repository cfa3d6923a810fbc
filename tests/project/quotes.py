"""Compare the lines `# > ` of the tutorials, which quote the output, with the output."""

from __future__ import annotations

import io
import re
import tokenize

QUOTE = "# > "
NUMBER = re.compile(r"(?<![\w.])[+\-−]?\d+(?:\.\d+)?(?:e[+\-]?\d+)?")


def comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def quoted(text: str) -> list[str]:
    return [c.removeprefix(QUOTE) for c in comments(text) if c.startswith(QUOTE)]


def same(quote: str, line: str) -> bool:
    """Whether two lines are equal, except for 1.5 units in the last digit of a decimal number."""
    if NUMBER.sub("#", quote) != NUMBER.sub("#", line):
        return False
    return all(
        _close(*pair) for pair in zip(NUMBER.findall(quote), NUMBER.findall(line), strict=True)
    )


def _close(quote: str, number: str) -> bool:
    a, b = (text.replace("−", "-") for text in (quote, number))
    mantissa, _, exponent = a.partition("e")
    decimals = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(exponent or 0) - decimals)
    return abs(float(a) - float(b)) <= (1.5 * unit if decimals or exponent else 0)
