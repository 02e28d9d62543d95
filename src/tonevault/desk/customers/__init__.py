"""Those who pay: who they are, and which of them is calling."""
