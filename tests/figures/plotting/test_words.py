from __future__ import annotations

from typing import Any

import pytest

from figures.experiments.protocol import PROTOCOL
from figures.plotting.words import (
    SAMPLED,
    balanced,
    from_to,
    listed,
    loss_name,
    network_name,
    settings_caption,
    short_names,
    with_interval,
)
from lai_ref.train import SAMPLINGS

NUMBERS: dict[str, Any] = {"seeds": [0, 1, 2], "source": "made up"}


def numbers(**changes: Any) -> dict[str, Any]:
    return {**NUMBERS, "protocol": PROTOCOL | {"alpha": 0.05, **changes}}


def test_a_change_is_followed_by_its_interval() -> None:
    change = {"mean": -0.0314, "low": -0.0567, "high": 0.0089}
    assert with_interval(change) == "-3.1% [-5.7%, +0.9%]"
    assert with_interval(change, "+.2f") == "-0.03 [-0.06, +0.01]"


def test_equal_ends_are_printed_once() -> None:
    assert from_to([0.5, -0.25, 0.1], "+.0%") == "-25% to +50%"
    assert from_to([0.501, 0.502], ".0%") == "50%"


def test_an_interval_that_ends_at_0_is_shown() -> None:
    assert with_interval({"mean": 0.0, "low": 0.0, "high": 0.0}) == "+0.0% [+0.0%, +0.0%]"


def test_one_seed_has_no_interval() -> None:
    assert with_interval({"mean": 0.12, "low": None, "high": None}) == "+12.0%"


def test_every_sampling_has_its_words() -> None:
    assert set(SAMPLED) == set(SAMPLINGS)
    assert len({*SAMPLED.values()}) == len(SAMPLED)
    assert all(words.startswith("{} of the ") for words in SAMPLED.values())


@pytest.mark.parametrize(
    ("sampling", "words"),
    [
        ("batches", "for 5% of the batches"),
        ("points", "for 5% of the points, in the batches of the others"),
        ("separate", "for 5% of the points, in one step of their own per epoch"),
    ],
)
def test_a_caption_says_how_samples_are_drawn(sampling: str, words: str) -> None:
    *_, last = settings_caption(numbers(sampling=sampling)).split("\n")
    assert last == f"L2 Lai MSE, batch reduction, {words}"


def test_a_caption_has_the_seeds_the_data_and_the_protocol_of_the_numbers() -> None:
    some: dict[str, Any] = {
        "sizes": [8, 4, 1],
        "activation": "silu",
        "scaling": "robust",
        "dtype": "float64",
    }
    some |= {"lr": 3e-4, "batch_size": 7, "pretrain_epochs": 11, "lai_epochs": 13}
    first, second, _ = settings_caption(numbers(**some)).split("\n")
    assert first == "3 seeds; made up"
    assert second == (
        "network 8-4-1 silu, robust inputs, float64, Adam 0.0003, batch 7, 11 + 13 epochs;"
    )
    assert settings_caption(numbers(rows=40)).startswith("3 seeds; made up, first 40 rows\n")
    assert "for a fraction α of the points" in settings_caption(numbers(), "a fraction α")


def test_losses_lists_and_networks_have_names() -> None:
    assert [loss_name(lam) for lam in (None, 0.1, 1e-3)] == ["MSE", "λ = 1e-1", "λ = 1e-3"]
    assert listed([1.0, 0.25]) == "1, 0.25"
    assert listed([0.5, 1.0], ".0%") == "50%, 100%"
    assert network_name({"sizes": [2, 5, 1], "activation": "relu"}) == "2-5-1 relu"


def test_long_names_lose_their_middle_and_stay_different() -> None:
    long = "the consumption of electrical energy per"
    names = ["short", f"{long} person", f"{long} dwelling", "a name of 19 letters"]
    found = short_names(names)
    assert found[0] == "short" and len(set(found)) == 4
    assert all(len(name) <= 19 for name in found)
    assert found[1] == "the consu…er person"
    alike = short_names(["x" * 20 + "1" + "y" * 20, "x" * 20 + "2" + "y" * 20])
    assert len(set(alike)) == 2 and alike[1] == "xxxxxxxx…2…yyyyyyyy"


def test_lines_are_of_about_equal_length_and_no_more_than_needed() -> None:
    text = " ".join(["word"] * 11)
    assert balanced(text, 49) == "\n".join([" ".join(["word"] * 6), " ".join(["word"] * 5)])
    assert balanced("two words", 20) == "two words"
