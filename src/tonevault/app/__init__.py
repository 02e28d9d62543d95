"""The command line and one wiring file a process: the only room that chooses adapters."""
