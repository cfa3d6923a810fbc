"""Helper modules: input validation, the complex step, the kink, chunks and files."""
