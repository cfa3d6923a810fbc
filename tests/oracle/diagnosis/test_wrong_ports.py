"""The diagnosis of ports with one mistake each, written without knowledge of the diagnosis.

FINDINGS.txt has the first sentence of each report, with a judgement by hand whether it points to
the mistake. These are the ports in NumPy; those for PyTorch are tested in tests/ports.
"""

from __future__ import annotations

import pytest

from tests.independent.wrong_ports import WRONG_PORTS, WrongPort
from tests.oracle.diagnosis.first_findings import first_sentence, recorded, wrong_report

# some in the default run
QUICK = {
    "sin-and-cos-swapped",
    "slope-line-copied",
    "weights-then-biases",
    "nesterov-momentum",
}


def test_every_wrong_port_is_judged() -> None:
    judged = recorded()
    assert {port.name for port in WRONG_PORTS} <= set(judged)
    assert {finding.points for finding in judged.values()} <= {"yes", "partly", "no"}
    assert len(judged) >= 130


def test_at_least_85_of_100_first_findings_point_to_the_mistake() -> None:
    points = [finding.points for finding in recorded().values()]
    assert points.count("yes") >= 0.85 * len(points)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(w, id=w.name, marks=() if w.name in QUICK else pytest.mark.slow)
        for w in WRONG_PORTS
    ],
)
def test_a_wrong_port_is_found_in_its_group_and_said_to_be_so(wrong: WrongPort) -> None:
    report = wrong_report(type(wrong.port)())  # a new object: some ports keep state between calls
    assert report.diagnosis[0].group == wrong.group
    assert first_sentence(report) == recorded()[wrong.name].sentence
