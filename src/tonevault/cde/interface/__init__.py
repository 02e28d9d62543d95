"""The narrow interface of the secure process: the boundary's messages over HTTP on a private socket, and nothing else."""
