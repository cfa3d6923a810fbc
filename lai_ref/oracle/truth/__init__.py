"""The expected answers, from the definitions in decimal arithmetic, independent of lai_ref."""
