"""`python -m figures [NAME…]`: compute, print and draw the paper's figures and tables.

Numbers are written first (OUT/NAME.json), then the pictures (PNG, SVG). Progress goes to standard
error, tables go to standard output. Finished arms are kept under OUT/arms: a run that was stopped
goes on where it was.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import matplotlib as mpl

from figures.drawing import style, write_pictures
from figures.settings import Settings, default_jobs
from lai_ref import DivergedError
from lai_ref.files import check_writable, write_whole

NAMES = ("smoothness",)


def main(arguments: list[str] | None = None) -> int:
    """Make the figures; returns the exit status: 0 done, 1 diverged, 2 unusable, 130 stopped."""
    options = _parser().parse_args(arguments)
    out = options.out or _default_out(options)
    settings = Settings(out, options.data, options.seeds, options.jobs, options.quick)
    mpl.use("Agg")
    try:
        settings.out.mkdir(parents=True, exist_ok=True)
        check_writable(settings.out)
        for name in options.names or NAMES:
            _make(name, settings)
        return 0
    except DivergedError as error:
        print(f"figures: {error}", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"figures: {error}", file=sys.stderr)
        return 2
    except BrokenProcessPool:
        print("figures: a process was killed, perhaps for memory; try --jobs 1", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("figures: stopped; the same command goes on with what is missing", file=sys.stderr)
        return 130


def _make(name: str, settings: Settings) -> None:
    figure = importlib.import_module(f"figures.{name}")
    numbers = figure.compute(settings)
    text = json.dumps(numbers, indent=1, ensure_ascii=False) + "\n"
    write_whole(settings.out / f"{name}.json", text.encode())
    if hasattr(figure, "table"):
        print(figure.table(numbers))
    with style():
        write_pictures(figure.plot(numbers), settings.out / name)
    print(f"{name}: {settings.out / name}.json, .png, .svg", file=sys.stderr)


def _default_out(options: argparse.Namespace) -> Path:
    """A folder for each kind of run, so that none overwrites the results of another."""
    kind = "data" if options.data else "stand-in"
    return Path("figures", "out", kind, *(["quick"] if options.quick else []))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m figures", description=__doc__)
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", type=_name, help=", ".join(NAMES))
    add("--data", type=Path, metavar="DIR", help="train.csv and test.csv; without: a stand-in")
    add("--seeds", type=_count, default=3, metavar="N", help="runs of each arm (default 3)")
    add("--jobs", type=_count, default=default_jobs(), metavar="J", help="processes at one time")
    add("--quick", action="store_true", help="small and short: to see that all of it works")
    add("--out", type=Path, metavar="DIR", help="for the results (default: below figures/out)")
    return parser


def _name(text: str) -> str:
    if text not in NAMES:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(NAMES)}, got {text!r}")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
