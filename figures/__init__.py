"""The paper's figures and tables, recomputed: `python -m figures NAME…`, see `__main__`.

A module here is a figure: it has `compute(settings) -> Numbers`, ready for JSON, `plot(numbers) ->
Figure` and perhaps `table(numbers) -> str`, which is printed. It imports no other figure, only
`experiments`, which compute, and `plotting`, which imports no figure either.
"""
