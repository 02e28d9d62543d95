"""The agent's panel in the browser: pages, fragments and one live stream. It shows masked values and results, and holds no state."""
