"""What the columns of a table are, found from all their values."""
