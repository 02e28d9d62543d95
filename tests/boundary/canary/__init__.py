"""The canary search: known cards go in, and everything that left the secure zone is searched for them in every encoding."""
