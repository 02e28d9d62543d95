"""What is left in the secure process's memory of cards and codes whose charges are over."""
