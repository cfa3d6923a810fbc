"""`python -m figures [NAME…]`: compute, print and draw the paper's figures and tables.

Without a name, all of them; `backends` only where PyTorch and JAX are installed. Each figure writes
its numbers first (OUT/NAME.json), then its pictures (PNG, SVG). Progress goes to standard error,
tables go to standard output. Each finished training is cached under OUT/arms: rerun an interrupted
command to resume. A JSON file of an earlier run, given in place of a name, is drawn again.

`--data FILE.csv --target COLUMN` names a table of your own, for the figures that are not about
California housing. Begin with `compare`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl

from figures.experiments.inputs import load_data
from figures.experiments.protocol import check_rows
from figures.experiments.settings import DELIMITERS, Settings, default_jobs
from figures.plotting.drawing import save_figure, style
from figures.registry import FIGURES
from lai_ref import DivergedError
from lai_ref.support.files import atomic_write, check_writable
from lai_ref.support.rounding import json_text
from lai_ref.support.terminal import option_names, run_program


def main(arguments: list[str] | None = None) -> int:
    """Make the figures. Exit status: 0 done, 1 failed, 2 invalid input, 130 interrupted."""
    options = _parser().parse_args(arguments)
    out = options.out or _default_out(options)
    settings = Settings(
        out,
        options.data,
        options.seeds or 3,
        options.jobs,
        options.quick,
        options.search,
        options.target,
        tuple(options.features) if options.features else None,
        options.test,
        options.delimiter,
        options.drop_missing,
        tuple(options.exclude) if options.exclude else None,
    )
    mpl.use("Agg")
    try:
        _check_table(options)
        names = _names(options.names, _all_names(options))
        if options.data:  # print notes on the data before the first figure starts
            with option_names("target", "features", "exclude", "test", path="data"):
                data = load_data(settings.inputs)
            for note in data.notes:
                print(f"figures: {note}", file=sys.stderr, flush=True)
            if options.target is not None:
                check_rows(len(data.x))
        _make_folder(settings.out)  # not before: a wrong table leaves no empty folder
        if options.search and "protocols" not in options.names:
            raise ValueError("--search: expected the figure protocols; run `protocols --search`")
        for place, name in enumerate(names, start=1):
            print(f"figures: {name}, {place} of {len(names)}", file=sys.stderr, flush=True)
            if name in FIGURES:
                _make(name, replace(settings, seeds=options.seeds or FIGURES[name].seeds))
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
        print("figures: a process was killed, perhaps out of memory; try --jobs 1", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("figures: interrupted; rerun the command to resume", file=sys.stderr)
        return 130


def _names(asked: list[str], figures: list[str]) -> list[str]:
    """The requested names, or else those of `figures` whose packages are installed."""
    names = []
    for name in asked or figures:
        missing = FIGURES[name].missing() if name in FIGURES else []  # a file needs none
        lacking = f'{name} needs {" and ".join(missing)}: pip install -e ".[backends]"'
        if missing and asked:
            raise ValueError(lacking)
        if name not in FIGURES and not Path(name).exists():  # raise before the first figure starts
            raise ValueError(f"NAME: expected a figure or an existing JSON file, got {name}")
        if missing:
            print(f"figures: {lacking}; left out", file=sys.stderr, flush=True)
        else:
            names.append(name)
    return names


def _all_names(options: argparse.Namespace) -> list[str]:
    return [name for name, figure in FIGURES.items() if figure.takes_csv or not options.target]


def _check_table(options: argparse.Namespace) -> None:
    """Reject options of a CSV file without one, and figures that take no CSV file."""
    data = options.data
    file = data is not None and not data.is_dir() and (data.is_file() or bool(data.suffix))
    if file and options.target is None:
        raise ValueError(f"--data {options.data}: expected --target COLUMN, the column to predict")
    for name in ("target", "features", "exclude", "test", "delimiter", "drop_missing"):
        if getattr(options, name) and not file:
            got = options.data or "no --data"
            option = name.replace("_", "-")
            raise ValueError(f"--{option}: expected with --data FILE.csv, got {got}")
    named = [name for name in options.names if name in FIGURES]
    rejected = [name for name in named if file and not FIGURES[name].takes_csv]
    if rejected:
        raise ValueError(
            f"NAME: expected a figure that takes a CSV file ({', '.join(_all_names(options))}),"
            f" got {', '.join(rejected)}"
        )


def _make_folder(out: Path) -> None:
    if out.is_file():
        raise ValueError(f"--out: expected a folder, got the file {out}")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{error.strerror}; name another"
        raise OSError(f"--out: expected a folder, got {out}: {reason}") from None
    check_writable("--out", out)


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
            f"{path}: expected the numbers of a figure, as `python -m figures` writes them, got"
            f" {error!r}; run `python -m figures` to make the file again"
        ) from error
    print(f"{name}: {out / name}.png, .svg", file=sys.stderr)


def _default_out(options: argparse.Namespace) -> Path:
    """The folder for this kind of run, so that no kind overwrites the results of another."""
    if options.names and not set(options.names) & set(FIGURES):
        return Path("figures", "out", "again")
    kind = ["data" if options.data else "stand-in"]
    if options.data and options.target:
        kind = ["csv", re.sub(r"[^\w-]+", "-", f"{options.data.stem}-{options.target}")]
    return Path("figures", "out", *kind, *(["quick"] if options.quick else []))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m figures",
        description=__doc__,
        epilog="\n".join(["figures:", *(f"  {n:<18} {e.question}" for n, e in FIGURES.items())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", type=_name, help="a figure listed below, or FILE.json")
    data = "the folder of Kaggle's two files, or a CSV file (default: synthetic data)"
    add("--data", type=Path, metavar="PATH", help=data)
    add("--target", metavar="COLUMN", help="the column of the CSV file to predict")
    features = "the columns of the CSV file to use (default: all others except an index)"
    columns = parser.add_mutually_exclusive_group()
    columns.add_argument("--features", nargs="+", metavar="COLUMN", help=features)
    exclude = "columns of the CSV file to leave out of the features, such as text or dates"
    columns.add_argument("--exclude", nargs="+", metavar="COLUMN", help=exclude)
    test = "a second CSV file; smoothness is measured at its rows (default: the validation rows)"
    add("--test", type=Path, metavar="FILE", help=test)
    delimiter = "of the CSV files (default: detected from the header)"
    add("--delimiter", choices=tuple(DELIMITERS), help=delimiter)
    drop = "drop rows of the CSV files with missing values"
    add("--drop-missing", action="store_true", help=drop)
    seeds = "random seeds 0 … N−1, for figures whose seeds are not fixed (default: 3; compare: 10)"
    add("--seeds", type=_count, metavar="N", help=seeds)
    jobs = "number of parallel processes (default: one per processor)"
    add("--jobs", type=_count, default=default_jobs(), metavar="J", help=jobs)
    add("--quick", action="store_true", help="small data, few epochs: check that everything runs")
    search = "with protocols: repeat the search for the paper's protocol; prints how long it takes"
    add("--search", action="store_true", help=search)
    add("--out", type=Path, metavar="DIR", help="results folder (default: below figures/out)")
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
