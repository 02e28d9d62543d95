"""What happened at the desk: durable events in their order, and the live hub that hands them to streams."""
