"""`python -m figures [NAME…]`: compute, print and draw the paper's figures and tables.

Without a name, all of them; `backends` only where PyTorch and JAX are installed. Numbers are
written first (OUT/NAME.json), then the pictures (PNG, SVG). Progress goes to standard error, tables
go to standard output. Each finished training is cached under OUT/arms: rerun an interrupted command
to resume. In place of a name, the JSON of an earlier run is drawn again, in seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import matplotlib as mpl

from figures.experiments.inputs import california
from figures.experiments.settings import Settings, default_jobs
from figures.plotting.drawing import save_figure, style
from figures.registry import FIGURES
from lai_ref import DivergedError
from lai_ref.support.files import atomic_write, check_writable
from lai_ref.support.rounding import json_text
from lai_ref.support.terminal import run_program


def main(arguments: list[str] | None = None) -> int:
    """Make the figures. Exit status: 0 done, 1 failed, 2 invalid input, 130 interrupted."""
    options = _parser().parse_args(arguments)
    out = options.out or _default_out(options)
    settings = Settings(
        out, options.data, options.seeds, options.jobs, options.quick, options.search
    )
    mpl.use("Agg")
    try:
        _make_folder(settings.out)
        if options.data:
            california(options.data)  # said now, and not when the first figure needs it
        names = _names(options.names)
        if options.search and "protocols" not in options.names:
            raise ValueError("--search: expected the figure protocols, as in `protocols --search`")
        for place, name in enumerate(names, start=1):
            print(f"figures: {name}, {place} of {len(names)}", file=sys.stderr, flush=True)
            if name in FIGURES:
                _make(name, settings)
            else:
                _redraw(Path(name), settings.out)
        return 0
    except DivergedError as error:
        print(f"figures: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # of the output, for `run_program`
        raise
    except (ValueError, OSError) as error:
        print(f"figures: {error}", file=sys.stderr)
        return 2
    except BrokenProcessPool:
        print("figures: a process was killed, perhaps for memory; try --jobs 1", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("figures: interrupted; rerun the command to resume", file=sys.stderr)
        return 130


def _names(asked: list[str]) -> list[str]:
    """What is asked for; or else all figures, but for those that need packages not installed."""
    names = []
    for name in asked or FIGURES:
        missing = FIGURES[name].missing() if name in FIGURES else []  # a file needs none
        lacking = f'{name} needs {" and ".join(missing)}: pip install -e ".[backends]"'
        if missing and asked:
            raise ValueError(lacking)
        if name not in FIGURES and not Path(name).exists():  # said now, and not when its turn comes
            raise ValueError(f"NAME: expected a figure or the JSON of one, got {name}, no file")
        if missing:
            print(f"figures: {lacking}; left out", file=sys.stderr, flush=True)
        else:
            names.append(name)
    return names


def _make_folder(out: Path) -> None:
    if out.is_file():
        raise ValueError(f"--out: expected a folder, got the file {out}")
    out.mkdir(parents=True, exist_ok=True)
    check_writable(out)


def _make(name: str, settings: Settings) -> None:
    figure = FIGURES[name]
    numbers = figure.compute(settings)
    atomic_write(settings.out / f"{name}.json", json_text(numbers).encode())
    if table := figure.table(numbers):
        print(table, flush=True)
    with style():
        save_figure(figure.plot(numbers), settings.out / name)
    print(f"{name}: {settings.out / name}.json, .png, .svg", file=sys.stderr)


def _redraw(path: Path, out: Path) -> None:
    try:
        numbers = json.loads(path.read_bytes())
        name = numbers["figure"]
        with style():
            save_figure(FIGURES[name].plot(numbers), out / name)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: expected the numbers of a figure, as `python -m figures` writes them, got a"
            f" file that is damaged or of another kind ({error!r})"
        ) from error
    print(f"{name}: {out / name}.png, .svg", file=sys.stderr)


def _default_out(options: argparse.Namespace) -> Path:
    """A folder for each kind of run, so that none overwrites the results of another."""
    if options.names and not set(options.names) & set(FIGURES):
        return Path("figures", "out", "again")
    kind = "data" if options.data else "stand-in"
    return Path("figures", "out", kind, *(["quick"] if options.quick else []))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m figures",
        description=__doc__,
        epilog="\n".join(["figures:", *(f"  {n:<18} {e.question}" for n, e in FIGURES.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", type=_name, help="one of the below, or FILE.json")
    add("--data", type=Path, metavar="DIR", help="Kaggle's two files; without: a stand-in")
    seeds = "random seeds 0 … N−1, where a figure leaves them open (default: 3)"
    add("--seeds", type=_count, default=3, metavar="N", help=seeds)
    jobs = "processes at one time (default: one a processor)"
    add("--jobs", type=_count, default=default_jobs(), metavar="J", help=jobs)
    add("--quick", action="store_true", help="small and short: to see that all of it works")
    search = "with protocols: search for the paper's protocol anew; says how long it takes"
    add("--search", action="store_true", help=search)
    add("--out", type=Path, metavar="DIR", help="for the results (default: below figures/out)")
    return parser


def _name(text: str) -> str:
    if text not in FIGURES and not text.endswith(".json"):
        expected = f"{', '.join(FIGURES)} or a JSON file"
        raise argparse.ArgumentTypeError(f"expected one of {expected}, got {text!r}")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


if __name__ == "__main__":
    run_program(main)
