"""Tables: what is in their columns, and how that becomes numbers."""
