"""Python with warnings as errors, in a separate process, as pyproject.toml sets it for the tests.

An old matplotlib with a new pyparsing warns about itself; on the command line, a filter names a
module in full. Naming "pyparsing" keeps it from looking for more to warn of.
"""

from __future__ import annotations

import sys

THEIRS = ("matplotlib._fontconfig_pattern", "matplotlib._mathtext", "pyparsing.util", "pyparsing")
STRICT_PYTHON = [sys.executable, "-W", "error"] + [
    f"-Wignore::DeprecationWarning:{module}" for module in THEIRS
]
