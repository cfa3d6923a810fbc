"""The paper's figures and tables, recomputed: `python -m figures NAME…`, see `__main__`.

A figure is a module with `compute(settings) -> dict`, the numbers, JSON-able, and
`plot(numbers) -> Figure`; if it has `table(numbers) -> str`, that is printed.
"""
