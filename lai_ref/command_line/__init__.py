"""The commands of `python -m lai_ref`, and what they print while they run."""
