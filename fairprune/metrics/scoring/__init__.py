"""From texts to the table of a result: one system at a time, then all of them in cells."""
