"""CSV files for tests."""

from __future__ import annotations

from pathlib import Path

# six rows, so that one may be dropped
ROWS = ("1,10,1.5", "2,21,2.5", "3,29,-4e0", "4,42,8", "5,49,.5", "6,60,12")
TABLE = "\n".join(("a,b,price", *ROWS)) + "\n"


def written(folder: Path, content: str | bytes, name: str = "flats.csv") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
