"""From key presses to checked fields to a token: one capture session at a time a call. Digits end here; the desk gets dots and masks."""
