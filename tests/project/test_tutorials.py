"""The tutorials run and print the text of their `# >` lines."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import tokenize
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.inputs.strict_python import STRICT_PYTHON
from tests.project.percent import FOLDER, TUTORIALS, every_tutorial
from tests.project.quotes import QUOTE, comments, quoted, same

SECONDS = ("00", "08")  # the longest runs
RUN = [
    pytest.param(path, marks=pytest.mark.slow) if path.name[:2] in SECONDS else path
    for path in TUTORIALS
]
NEEDS = {"09": ("torch", "jax"), "10": ("torch", "jax")}  # not installed with lai_ref
DECIMAL = re.compile(r"\d+\.\d+(?:e[+\-]?\d+)?|\d+e[+\-]?\d+")


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.stem)
def test_a_tutorial_prints_what_it_quotes_and_saves_its_pictures(
    path: Path, tmp_path: Path
) -> None:
    for framework in NEEDS.get(path.stem[:2], ()):
        if find_spec(framework) is None:
            pytest.skip(f"{path.name} needs {framework}")
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONUTF8": "1"}
    run = subprocess.run(
        [*STRICT_PYTHON, str(path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stderr
    lines, quotes = run.stdout.splitlines(), quoted(path.read_text(encoding="utf-8"))
    for quote, line in zip(quotes, lines, strict=False):
        assert same(quote, line)
    assert len(quotes) == len(lines) > 5
    pictures = [line.partition(": ")[2] for line in lines if line.startswith("picture: ")]
    assert pictures and all(name.startswith(f"tutorials_out/{path.stem[:2]}_") for name in pictures)
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.png")} == set(pictures)


@every_tutorial
def test_numbers_in_prose_are_printed_or_in_the_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    prose = [c for c in comments(text) if not c.startswith(QUOTE)]
    code = ast.unparse(ast.parse(text))
    known = {*DECIMAL.findall("\n".join(quoted(text))), *DECIMAL.findall(code)}
    known |= set(DECIMAL.findall(text_of_code(text)))
    assert prose
    for comment in prose:
        for number in DECIMAL.findall(re.sub(r"arXiv \d{4}\.\d{5}", "", comment)):
            assert number in known, comment


def text_of_code(text: str) -> str:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return " ".join(token.string for token in tokens if token.type != tokenize.COMMENT)


@every_tutorial
def test_a_tutorial_has_its_header_cells_exercises_and_answers(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    header, *_ = text.partition("\n# %%\n")
    assert re.match(rf"# %% \[markdown\]\n# # {path.stem[:2]} · .+\n#\n", header)
    fields = re.findall(r"^# - \*\*(.+?):?\*\*", header, re.M)
    assert fields == ["Question", "Prerequisites", "You will learn to", "Minutes"]
    titles = re.findall(r"^# ## (.+)$", text, re.M)
    exercises = [title for title in titles if re.match(r"Exercise \d: ", title)]
    assert 2 <= len(exercises) <= 4
    assert titles[-len(exercises) - 2] == "Next"
    assert titles[-1] == "Answers"
    following = text.partition("# ## Next\n")[2].partition("\n# %%")[0]
    assert re.search(r"\n# \*\*Beyond this paper\.\*\* (?:.|\n)*\b(?:19|20)\d\d\b", following)
    answers = text.partition("# ## Answers\n")[2]
    for number in range(1, len(exercises) + 1):
        assert re.search(rf"^# (?:\*\*)?(?:Exercise )?{number}\.", answers, re.M), number
    assert "assert" in answers


def test_quotes_are_compared_digit_by_digit() -> None:
    assert same("k = 0.123, n = 3", "k = 0.124, n = 3")
    assert not same("k = 0.123, n = 3", "k = 0.125, n = 3")
    assert not same("k = 0.123, n = 3", "k = 0.123, n = 4")
    assert not same("k = 0.123", "k: 0.123")
    assert same("1.5e-07", "1.6e-07") and not same("1.5e-07", "1.5e-08")


def test_the_series_is_whole() -> None:
    assert [int(path.stem[:2]) for path in TUTORIALS] == list(range(len(TUTORIALS)))
    assert len(TUTORIALS) >= 11


def test_the_page_names_every_tutorial_with_its_minutes_and_a_picture() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    links = r"\[(\d\d) .+\]\((\S+)\.ipynb\) \(\[script\]\((\S+)\)\)"
    rows = re.findall(rf'^\| {links}, (\d+) minutes \| .+<img src="(\S+)"', page, re.M)
    assert [f"{notebook}.py" for _, notebook, _, _, _ in rows] == [path.name for path in TUTORIALS]
    assert [name for _, _, name, _, _ in rows] == [path.name for path in TUTORIALS]
    for number, _, name, minutes, picture in rows:
        assert f"# - **Minutes:** {minutes}\n" in (FOLDER / name).read_text("utf-8")
        assert picture.startswith(f"pictures/{number}_") and (FOLDER / picture).exists()
    for link in re.findall(r"\]\((\.\./[^)]+)\)", page):
        assert (FOLDER / link).exists(), link
