"""How the text of a column becomes numbers, moments and words."""
