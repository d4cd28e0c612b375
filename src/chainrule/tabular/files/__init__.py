"""Tables read from files and data frames, and written to them."""
