from __future__ import annotations

import json

from lai_ref.california.synthetic import TABLE
from lai_ref.support.rounding import json_text


def test_lists_of_numbers_are_written_on_one_line_and_read_back() -> None:
    numbers = {"a": [1, 2.5, None], "b": [{"c": [[1, 2], []]}], "text": "[\n 1\n]", "d": {}}
    text = json_text(numbers)
    assert json.loads(text) == numbers
    assert "[1, 2.5, null]" in text and "[1, 2]" in text


def test_the_table_of_the_synthetic_data_is_written_so() -> None:
    text = TABLE.read_text(encoding="utf-8")
    assert json_text(json.loads(text)) == text
