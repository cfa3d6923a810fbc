"""Error bounds for correct ports: running error analysis of a direct evaluation."""
