"""The README: its examples print what it quotes, its numbers are those of the results."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from figures.__main__ import main as draw
from figures.experiments.paper import TABLE_1_CHANGE
from figures.plotting.words import with_interval
from figures.registry import FIGURES, FigureSpec
from lai_ref import MLP, Lai, numerical_gradient, value_and_grad
from lai_ref.__main__ import main as train
from lai_ref.activations import ACTIVATIONS, Activation

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
RESULTS = ROOT / "figures" / "results"
GALLERY = (ROOT / "figures" / "README.md").read_text(encoding="utf-8")


def committed(name: str) -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return numbers


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def test_the_numpy_example_prints_what_its_comment_quotes() -> None:
    example, *others = blocks("python")
    assert len(others) == 2  # PyTorch, JAX: tests/ports/test_readme_examples.py
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, "README.md", "exec"), {})
    assert example.splitlines()[-1].endswith(f"  # {printed.getvalue().strip()}")


def test_the_programs_of_contributors_print_the_text_below_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", GUIDE, re.S | re.M)
    assert len(examples) == GUIDE.count("```python") == 2
    for example, expected in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example, "CONTRIBUTING.md", "exec"), {})
        assert printed.getvalue() == expected


def test_the_readme_is_at_most_220_lines() -> None:
    assert README.count("\n") <= 220


def test_the_names_in_build_on_it_are_in_their_files() -> None:
    _, _, rest = GUIDE.partition("## Build on it")
    names = re.findall(r"`(\w+)` (?:of|in) \[[^\]]*\]\(([^)]+)\)", rest.partition("\n## ")[0])
    assert len(names) >= 8
    for name, path in names:
        text = (ROOT / ".github" / path).read_text(encoding="utf-8")
        assert re.search(rf"^(?:def |class )?{name}\b", text, re.M), (name, path)


def test_an_activation_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    sine = Activation(np.sin, lambda z, a: np.cos(z), lambda z, a, df: -a)
    monkeypatch.setitem(ACTIVATIONS, "sine", sine)
    rng = np.random.default_rng(0)
    net, x, t = MLP((2, 3, 1), "sine"), rng.normal(size=(5, 2)), rng.normal(size=5)
    theta = net.init(rng)
    _, grad = value_and_grad(net, theta, x, t, Lai(0.1))
    numeric = numerical_gradient(
        lambda theta: value_and_grad(net, theta, x, t, Lai(0.1))[0], theta, "complex"
    )
    np.testing.assert_allclose(grad, numeric, rtol=1e-12)
    epochs = ["--pretrain-epochs", "1", "--lai-epochs", "0", "--batch-size", "4096"]
    assert train(["train", "--activation", "sine", *epochs]) == 0


def test_a_figure_is_a_module_and_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = types.ModuleType("figures.mine")
    mine.__dict__["compute"] = lambda settings: settings.provenance("mine", seeds=())
    mine.__dict__["plot"] = lambda numbers: Figure()
    monkeypatch.setitem(sys.modules, "figures.mine", mine)
    monkeypatch.setitem(FIGURES, "mine", FigureSpec("Which?", "mine"))
    assert draw(["mine", "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"mine.json", "mine.png", "mine.svg"}


def test_the_tables_of_the_gallery_are_those_of_the_committed_results() -> None:
    pairs = re.findall(r"<!-- results/(\w+\.json) -->\n```text\n(.*?)```", GALLERY, re.DOTALL)
    assert [name for name, _ in pairs] == ["smoothness.json", "backends.json"]
    for name, table in pairs:
        numbers = json.loads((RESULTS / name).read_text(encoding="utf-8"))
        assert table == f"{FIGURES[numbers['figure']].table(numbers)}\n"


def test_table_1_in_short_is_that_of_the_committed_results() -> None:
    rows = committed("smoothness")["table"][1:]
    for name, label in (("rmse", "RMSE"), ("variance", "variance of the outputs")):
        cells = [
            f"{with_interval(row[f'{name}_change'])}, paper {paper:+.1%}"
            for row, paper in zip(rows, TABLE_1_CHANGE[name][1:], strict=True)
        ]
        assert f"| {label} | {' | '.join(cells)} |" in README


def test_the_sentences_quote_the_committed_results() -> None:
    steepest = committed("smoothness")["table"][-1]
    norm, variance, rmse = (
        steepest[f"{name}_change"]["mean"] for name in ("mean_grad_norm", "variance", "rmse")
    )
    paper = {name: changes[-1] for name, changes in TABLE_1_CHANGE.items()}
    assert f"the mean gradient norm falls by {-norm:.1%}" in README
    assert f"the outputs by {-variance:.1%} (paper {-paper['variance']:.1%})" in README
    assert f"the RMSE rises by {rmse:.1%} (paper {paper['rmse']:.1%})" in README
    penalty = committed("frontier")["primary"]
    assert (penalty["baseline"], penalty["measure"]) == (
        "gradient penalty, same samples",
        "mean_grad_norm",
    )
    assert penalty["low"] > 0
    assert f"at equal gradient norm the RMSE of the Lai loss is {penalty['mean']:.1%} hi" in README
    (ratio,) = re.findall(r"^Lai step, N = 16,384 .* ms, (\d\.\d\d) \(.*,.*,", GALLERY, re.M)
    assert f"a Lai step takes {ratio} times as long as in `lai_ref`" in README
    standard = {
        each["sampling"]: each["rows"][1:]
        for each in committed("samplings")["tables"]
        if each["scaling"] == "standard"
    }
    taken = -standard["points"][-1]["variance_change"]["mean"]
    assert f"λ = 1e-3 takes {taken:.0%} of the variance away" in README


PAGES = (
    "README.md",
    ".github/CONTRIBUTING.md",
    "figures/README.md",
    "lai_ref/oracle/README.md",
    "tutorials/README.md",
    "tutorials/ports/README.md",
)


@pytest.mark.parametrize("name", PAGES)
def test_every_file_and_heading_linked_to_exists(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\(((?!http)[^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert links
    for link in links:
        file, _, heading = link.partition("#")
        path = page.parent / file if file else page
        assert path.exists(), link
        assert not heading or heading in slugs(path.read_text(encoding="utf-8")), link


def slugs(page: str) -> list[str]:
    """The anchors that GitHub makes of headings."""
    headings = re.findall(r"^#+ (.+)$", page, re.M)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_every_function_of_the_map_is_in_its_file() -> None:
    rows = re.findall(
        r"\[\w+\.py\]\((\S+)\.py\)(?:, \[\w+\.py\]\((\S+)\.py\))? \| (.+) \|$", README, re.M
    )
    assert len(rows) > 10
    for first, second, names in rows:
        modules = [importlib.import_module(m.replace("/", ".")) for m in (first, second) if m]
        for name in re.findall(r"`\.?([\w.]+)`", names):
            owner, _, method = name.partition(".")
            places = [
                getattr(m, owner, getattr(getattr(m, "MLP", None), owner, None)) for m in modules
            ]
            assert any(p is not None and (not method or hasattr(p, method)) for p in places), name


@pytest.mark.parametrize("page", [README, GUIDE], ids=["README", "CONTRIBUTING"])
def test_every_command_is_run_by_ci_or_a_test(page: str) -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for block in blocks("sh", page) for line in block.splitlines()]
    assert len(commands) >= 5
    for command in commands:
        # DIR: the real files are not on every machine; *.csv: test_own_data.py runs these
        if "--data DIR" not in command and "houses.csv" not in command and "new.csv" not in command:
            assert command in script, command


@pytest.mark.parametrize("deviation", range(1, 9))
def test_every_deviation_is_named(deviation: int) -> None:
    assert f"\n| E{deviation} |" in README
