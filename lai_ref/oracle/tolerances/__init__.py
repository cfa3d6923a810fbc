"""How far a correct port may be off: running error analysis of a direct evaluation."""
