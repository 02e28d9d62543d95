"""Payment sessions: the desk's record of each capture, moved by the agent's commands and the secure zone's reports."""
