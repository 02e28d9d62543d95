"""One file a step, each written once and never changed after its release."""
