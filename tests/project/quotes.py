"""What the tutorials quote, in lines `# > `, beside what they print."""

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
    """Equal but for a unit or so in the last digit of a number with decimals."""
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
