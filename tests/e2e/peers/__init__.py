"""Real peers for the whole-system tests: launchers, drivers and listeners that share no code with the product."""
