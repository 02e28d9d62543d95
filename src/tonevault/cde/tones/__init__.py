"""Keypad tones in recorded calls: read, heard, and judged for card numbers. It refuses to keep a digit longer than the run it stands in."""
