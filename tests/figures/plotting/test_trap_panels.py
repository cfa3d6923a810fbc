from __future__ import annotations

from matplotlib.figure import Figure

from figures.plotting import trap_panels


def test_rows_are_hollow_where_most_trapped_runs_are_flat() -> None:
    row = {"method": "Lai alone", "noise": 1.0, "lam": 1.0, "expected": None}
    rows = [{**row, "runs": 4}, {**row, "runs": 4, "noise": 2.0}]
    for flat, hollow in ((1, False), (2, True)):
        changed = [{**row, "trapped": 2, "interval": [0, 1], "flat": flat} for row in rows]
        axes = Figure().subplots()
        trap_panels.draw_counts(axes, changed)
        marked = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]  # type: ignore[arg-type]
        assert [line.get_markerfacecolor() == "white" for line in marked] == [hollow] * len(rows)
        words = [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[union-attr]
        assert any("hollow" in word for word in words) == hollow
