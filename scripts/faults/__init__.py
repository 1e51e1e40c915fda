"""Faults injected into real runs, and a count of what survives; README.md has the results."""
