"""The paper's figures and tables, recomputed: `python -m figures NAME…`, see `__main__`.

Each module here is one figure. `compute(settings) -> Numbers` returns what is written as JSON,
`plot(numbers) -> Figure` draws it, and `table(numbers) -> str`, where there is one, returns the
text to print. A figure imports no other figure, only `experiments` (computations) and `plotting`
(drawing), which import no figure either.
"""
