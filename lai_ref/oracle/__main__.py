"""`python -m lai_ref.oracle`: test a port of the Lai loss, and find where it is wrong.

Exit status: 0 all cases of the level passed; 1 some failed, are missing or not implemented;
2 the answers are invalid or the command failed; 3 the vectors are damaged.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from lai_ref.oracle.case import DTYPES, GROUPS, LEVELS, Case, CorruptVectorsError, cases
from lai_ref.oracle.grading.kills import KILLS, kill_matrix
from lai_ref.oracle.reporting.exchange import (
    InvalidAnswersError,
    ask_command,
    grade_answers,
    prompt,
    read_file,
    run_command,
)
from lai_ref.oracle.reporting.report import Report
from lai_ref.oracle.verify import verify
from lai_ref.support.terminal import run_program

OK, FAILED, MALFORMED, DAMAGED = range(4)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        return status
    except CorruptVectorsError as error:
        print(f"oracle: {error}", file=sys.stderr)
        return DAMAGED
    except BrokenPipeError:  # handled by `run_program`
        raise
    except (InvalidAnswersError, OSError) as error:
        print(f"oracle: {error}", file=sys.stderr)
        return MALFORMED
    except KeyboardInterrupt:
        return 130


def _prompt(options: argparse.Namespace) -> int:
    print(prompt(_chosen(options), options.dtype))
    return OK


def _grade(options: argparse.Namespace) -> int:
    chosen = _chosen(options)
    content = read_file(options.answers)
    return _print_report(grade_answers(content, chosen, level=options.level), options)


def _run(options: argparse.Namespace) -> int:
    chosen = _chosen(options)
    content = run_command(options.cmd, prompt(chosen, options.dtype), options.timeout)
    ask = ask_command(options.cmd, options.dtype, options.timeout, _follow_up_failed)
    return _print_report(grade_answers(content, chosen, options.dtype, options.level, ask), options)


def _follow_up_failed(words: str) -> None:
    print(f"oracle: the further questions got no answers: {words}", file=sys.stderr)


def _list(options: argparse.Namespace) -> int:
    chosen = _chosen(options)
    if options.json:
        rows = [{"id": c.id, "group": c.group, "level": c.level, "about": c.about} for c in chosen]
        print(json.dumps(rows))
        return OK
    for case in chosen:
        print(f"{case.id}: {case.about}" + " [strict]" * (case.level == "strict"))
    counts = Counter(case.group for case in chosen)
    print(f"{len(chosen)} cases: " + ", ".join(f"{n} {group}" for group, n in counts.items()))
    return OK


def _verify(options: argparse.Namespace) -> int:
    wrong, chosen = [], [case for case in _chosen(options) if case.expected is not None]
    for i, (case, problem) in enumerate(verify(chosen), start=1):
        if sys.stderr.isatty():
            print(f"\r{i}/{len(chosen)}", end="", file=sys.stderr, flush=True)
        if problem:
            wrong.append({"id": case.id, "problem": problem})
    if options.json:
        print(json.dumps({"cases": len(chosen), "wrong": wrong}))
    else:
        for row in wrong:
            print(f"WRONG {row['id']}: {row['problem']}")
        print(f"{len(chosen) - len(wrong)} of {len(chosen)} expected answers are correct")
    return DAMAGED if wrong else OK


def _mutants(options: argparse.Namespace) -> int:
    matrix = kill_matrix()
    if options.write:
        KILLS.write_text(matrix.text(), encoding="utf-8")
    print(json.dumps(matrix.as_json()) if options.json else matrix.text(), end="\n" * options.json)
    return OK


def _chosen(options: argparse.Namespace) -> list[Case]:
    return [case for group in options.groups or GROUPS for case in cases(group, options.level)]


def _print_report(report: Report, options: argparse.Namespace) -> int:
    print(json.dumps(report.as_json()) if options.json else report)
    return OK if report else FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lai_ref.oracle",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True)

    def command(name: str, run: object, words: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=words, description=words)
        one.set_defaults(run=run)
        if run is not _mutants:
            words = f"only these groups; default: {', '.join(GROUPS)}"
            one.add_argument("--groups", nargs="+", choices=GROUPS, metavar="GROUP", help=words)
            words = "basic: what any correct port passes; strict (default): also extreme values"
            one.add_argument("--level", choices=LEVELS, default="strict", help=words)
        if run is not _prompt:
            one.add_argument("--json", action="store_true", help="print the result as JSON")
        if run in (_prompt, _run):
            words = "dtype of the port (default: float64)"
            one.add_argument("--dtype", choices=DTYPES, default="float64", help=words)
        return one

    command("prompt", _prompt, "print the inputs of the cases, as JSON")
    grade = command("grade", _grade, "grade a file of answers")
    # options last: --groups would take the file for a group
    grade.usage = (
        "%(prog)s [-h] ANSWERS.json [--json] [--level {basic,strict}] [--groups GROUP [GROUP ...]]"
    )
    words = "the format is in lai_ref/oracle/README.md"
    grade.add_argument("answers", type=Path, metavar="ANSWERS.json", help=words)
    run = command("run", _run, "run a program on the prompt and grade its answers")
    words = "the program and its arguments, run in this folder without a shell"
    run.add_argument("--cmd", required=True, metavar="COMMAND", help=words)
    words = "time limit for all cases together (default: 60)"
    run.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help=words)
    command("list", _list, "list the cases and the purpose of each")
    command("verify", _verify, "compute every expected number again")
    mutants = command("mutants", _mutants, "print which mutants (wrong ports) each case kills")
    words = "also write the published file, KILLS.txt"
    mutants.add_argument("--write", action="store_true", help=words)
    return parser


if __name__ == "__main__":
    run_program(main)
