"""Write the tutorials as executed notebooks, with their outputs and pictures.

    python tutorials/notebooks.py            all tutorials
    python tutorials/notebooks.py 01 05      some tutorials

The scripts `NN_name.py` are the source, in Jupytext's percent format. Each becomes `NN_name.ipynb`
beside it, or in the folder `--out`. The lines `# > `, which quote what a cell prints, are omitted,
since a notebook contains the output itself. Needs `pip install -e ".[notebooks]"`; tutorials 09 and
10 also need `".[backends]"`.
"""

import argparse
import os
import re
import sys
import time
from importlib.util import find_spec
from pathlib import Path

try:
    import jupytext
    import nbformat
    from nbclient import NotebookClient
except ImportError as missing:
    raise SystemExit(f'{missing}. Install it: pip install -e ".[notebooks]"') from None

from lai_ref.support.files import atomic_write
from lai_ref.support.terminal import run_program

FOLDER = Path(__file__).parent
NEEDS = {"09": ("torch", "jax"), "10": ("torch", "jax")}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}


def read_script(path):
    """The notebook of a script, without outputs."""
    notebook = jupytext.read(path, fmt="py:percent")
    notebook.metadata = METADATA  # without versions and paths
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"  # random otherwise
        cell.metadata.pop("lines_to_next_cell", None)  # Jupytext's, for the way back
        if cell.cell_type == "code":
            cell.source = re.sub(r"^# > .*\n?", "", cell.source, flags=re.M).rstrip()
    return notebook


def execute(notebook):
    """Run all cells in the folder of the tutorials; raises CellExecutionError if one fails."""
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # no warning about unencrypted TCP
        coalesce_streams=True,  # one output per cell, even if it arrives in pieces
        resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute()
    notebook.metadata = METADATA  # the kernel added its version


def main(arguments=None):
    parser = argparse.ArgumentParser(description="write the tutorials as executed notebooks")
    parser.add_argument("numbers", nargs="*", help="which tutorials, such as 01 05 (default: all)")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder (default: beside them)")
    chosen = parser.parse_args(arguments)

    scripts = {path.name[:2]: path for path in sorted(FOLDER.glob("[0-9][0-9]_*.py"))}
    for number in chosen.numbers:
        if number not in scripts:
            parser.error(f"numbers: expected some of {', '.join(scripts)}, got {number}")

    os.environ.pop("MPLBACKEND", None)  # the kernel shows pictures below their cells
    chosen.out.mkdir(parents=True, exist_ok=True)
    for number in chosen.numbers or scripts:
        missing = [name for name in NEEDS.get(number, ()) if find_spec(name) is None]
        if missing:
            install = 'pip install -e ".[backends]"'
            raise SystemExit(f"tutorial {number}: expected {missing[0]}, not found; run {install}")
        start = time.perf_counter()
        notebook = read_script(scripts[number])
        execute(notebook)
        path = chosen.out / f"{scripts[number].stem}.ipynb"
        atomic_write(path, f"{nbformat.writes(notebook)}\n".encode())
        seconds = time.perf_counter() - start
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB, {seconds:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(run_program(main))
