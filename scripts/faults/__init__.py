"""Faults that are put on purpose into what the package does, and a count of what came of them."""
