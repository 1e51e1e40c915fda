"""Checks of a machine: each part is used once, and each failure comes with a remedy."""
