"""The expected answers, from the definitions in decimal arithmetic; nothing here is of lai_ref."""
