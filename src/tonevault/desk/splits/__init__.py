"""One amount over several cards: all of it, or none, and a report of whatever could not be undone."""
