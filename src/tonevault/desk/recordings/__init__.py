"""Recordings that are paused while a card is keyed, and the promise that none stays paused."""
