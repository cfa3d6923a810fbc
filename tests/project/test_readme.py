"""The README: its examples print the text below them, its tables are those of the results."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from figures.__main__ import main as draw
from figures.experiments.paper import TABLE_1
from figures.registry import FIGURES, FigureSpec
from lai_ref import MLP, Lai, numerical_gradient, value_and_grad
from lai_ref.__main__ import main as train
from lai_ref.activations import ACTIVATIONS, Activation

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_examples_print_the_text_below_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", README, re.S | re.M)
    assert [example for example, _ in examples] == blocks("python")
    assert len(examples) == 2
    for example, expected in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example, "README.md", "exec"), {})
        assert printed.getvalue() == expected


def test_the_names_in_build_on_it_are_in_their_files() -> None:
    _, _, rest = README.partition("## Build on it")
    names = re.findall(r"`(\w+)` (?:of|in) \[[^\]]*\]\(([^)]+)\)", rest.partition("\n## ")[0])
    assert len(names) >= 8
    for name, path in names:
        text = (ROOT / path).read_text(encoding="utf-8")
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


def test_the_tables_are_those_of_the_committed_results() -> None:
    pairs = re.findall(r"<!-- (\S+\.json) -->\n```text\n(.*?)```", README, re.DOTALL)
    assert len(pairs) == 2
    for path, table in pairs:
        numbers = json.loads((ROOT / path).read_text(encoding="utf-8"))
        assert table == f"{FIGURES[numbers['figure']].table(numbers)}\n"


def test_the_sentences_quote_the_committed_results() -> None:
    results = ROOT / "figures" / "results"
    table_1 = json.loads((results / "smoothness.json").read_text(encoding="utf-8"))["table"]
    control, _, middle, last = table_1
    assert f"costs {middle['rmse_change']['mean']:+.1%} of the RMSE" in README
    assert f"takes {last['variance_change']['mean']:+.1%} of the variance" in README
    levels = [control[name]["mean"] / TABLE_1[name][0] - 1 for name in ("rmse", "variance")]
    assert levels[0] < 0.02 and f"the variance stays {levels[1]:.0%} too high" in README
    tables = json.loads((results / "samplings.json").read_text(encoding="utf-8"))["tables"]
    standard = {
        each["sampling"]: each["rows"][1:] for each in tables if each["scaling"] != "max-abs"
    }
    for name in ("rmse", "variance"):
        changes = [row[f"{name}_change"]["mean"] for row in standard["separate"]]
        assert ", ".join(f"{change:+.1%}" for change in changes) in README
    taken = -standard["points"][-1]["variance_change"]["mean"]
    assert f"takes {taken:.0%} of the variance away" in README


def test_every_file_and_folder_linked_to_exists() -> None:
    links = re.findall(r"\]\(((?!http|#)[^)]+)\)", README)
    assert len(links) > 10
    for link in links:
        file, _, heading = link.partition("#")
        assert (ROOT / file).exists(), link
        assert not heading or f"\n## {heading}\n" in (ROOT / file).read_text("utf-8"), link


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


def test_every_command_is_run_by_ci_or_a_test() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) >= 5
    for command in commands:
        # DIR: the real files are not on every machine; *.csv: test_own_data.py runs these
        if "--data DIR" not in command and "houses.csv" not in command and "new.csv" not in command:
            assert command in script, command


@pytest.mark.parametrize("deviation", range(1, 9))
def test_every_deviation_is_named(deviation: int) -> None:
    assert f"\n| E{deviation} |" in README
