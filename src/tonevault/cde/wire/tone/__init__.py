"""The ear and the mask: keypad tones heard, keypad tones removed. Pure numpy; it refuses I/O, clocks and randomness of its own."""
