"""Where outliers of numbers are held."""

SOFT = 3.0
"""Where outliers are held: no standardised number lies further from 0."""

LIMIT = 1e9
"""Beyond it a number is as good as held: its square still fits into float32."""
