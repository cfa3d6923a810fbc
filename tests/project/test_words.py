"""Plain words: terms that readers can search for, in all texts of the project."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("lai_ref", "figures", "tests", "tutorials")
    for path in (ROOT / folder).rglob("*.py")
    if path != Path(__file__)
)
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "build", "out", ".pytest_cache"} & set(path.relative_to(ROOT).parts)
)

# What a text must not contain (a regular expression), and what to write in its place.
BANNED = {
    r"whoever": "anyone who, or name the actor",
    r"(?:is|are|was|were) due": "expected",
    r"(?:go|goes|going|gone|went) on\b(?! to)": "resume, continue",
    r"hang(?:s|ing)? on": "depend on",
    r"mend(?:s|ed|ing)?": "fix, correct",
    r"foret(?:ell|ells|old)": "predict",
    r"doors?": "input validation",
    r"stand-?ins?": "synthetic data",
    r"endless(?:ly)?": "infinite, unlimited",
    r"but for(?= the| a| one| its)": "except for",
    r"matter of": "covered in, a question of",
    r"all the same": "nevertheless, or nothing",
    r"as it stands": "unchanged",
    r"for one(?=[,.;:])": "for example",
    r"hardly": "little, rarely, almost no",
    r"nobody|anybody": "no one, anyone",
    r"refus(?:e|es|ed|al|als|ing)": "reject, raise",
    r"knees?": "kink",
    r"quieten(?:s|ed)?": "reduce",
    r"spoilt": "corrupted",
    r"fudg(?:e|es|ed|ing)": "perturb",
    r"dearer": "worse, slower, more expensive",
    r"in the mean": "on average, in expectation",
    r"the truth": "the reference, the exact value",
    r"unusable": "invalid",
    r"no such(?! file or directory)": "unknown, not found",
    r"far out": "for large |k|",
    r"upright": "vertical",
    r"of which": "split the sentence",
    r"tells?|told": "prints, reports, returns; people tell",
    r"hears?(?: of)?": "name what the code does",
    r"knows?": "has, supports, contains",
    r"stands?(?! out)": "is; for a symbol: means",
    r"asks? for": "requires, needs",
    r"(?<!paper )(?<!appendix )(?<!page )(?<!author )says": "prints, reports, names, states",
    r"one an? (?:feature|step|process|case|sample|seed|worker|epoch|figure)": "one per …",
    r"(?:valid|right) (?:slope|derivative)s?": "subgradient",
    r"plain line": "linear model",
    r"kept from": "cached from",
    r"lest|whence|thereof|whereby": "plain conjunctions",
}
WORDS = re.compile(
    "|".join(f"(?P<w{i}>(?<![\\w-])(?:{word})(?![\\w-]))" for i, word in enumerate(BANNED)), re.I
)

# Text to leave as it is: part of the path of its file, the text around the word, and why.
FOLDER = "the name of a folder"
EXCEPTIONS = [
    ("figures/__main__.py", "stand-in", FOLDER),
    ("figures/README.md", "results/stand-in/", FOLDER),
    ("tests/figures/test_registry.py", "stand-in", FOLDER),
    ("tests/figures/test_smoothness.py", "stand-in/", FOLDER),
]


def texts_of_python(source: str) -> list[tuple[int, str]]:
    """Line and text of each comment, docstring and other string."""
    found = [
        (node.lineno, node.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            found.append((token.start[0], token.string))
    return found


def banned_words(text: str) -> list[tuple[str, str, str]]:
    """Each banned word with the text around it and what to write."""
    advice = list(BANNED.values())
    found = []
    for match in WORDS.finditer(" ".join(text.split())):
        index = int(str(match.lastgroup)[1:])
        around = match.string[max(0, match.start() - 40) : match.end() + 30]
        found.append((match[0], around, advice[index]))
    return found


@pytest.mark.parametrize("path", [*SOURCES, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_text_has_plain_words(path: Path) -> None:
    name, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    texts = texts_of_python(text) if path.suffix == ".py" else list(enumerate(text.split("\n"), 1))
    found = [
        f"{name}:{line}: {word!r} in '{around}': write {advice}"
        for line, text in texts
        for word, around, advice in banned_words(text)
        if not any(part in name and quote in around for part, quote, _ in EXCEPTIONS)
    ]
    assert not found, "\n" + "\n".join(found)


def test_the_words_are_found() -> None:
    assert [word for word, _, _ in banned_words("Whoever refuses goes on.")] == [
        "Whoever",
        "refuses",
        "goes on",
    ]
    assert banned_words("the paper says so; kink-refused; understands; standing") == []


def test_every_exception_is_needed() -> None:
    for part, quote, reason in EXCEPTIONS:
        paths = [path for path in [*SOURCES, *PAGES] if part in path.relative_to(ROOT).as_posix()]
        text = " ".join(" ".join(path.read_text(encoding="utf-8").split()) for path in paths)
        assert quote in text, (part, quote)
        assert banned_words(quote), (part, quote)
        assert reason
