"""How figures look, and what they call things."""
