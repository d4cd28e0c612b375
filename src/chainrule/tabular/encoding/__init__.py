"""How columns and targets become the numbers that a network takes, and back."""
