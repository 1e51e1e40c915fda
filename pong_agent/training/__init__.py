"""Collect, learn, log, checkpoint, evaluate."""
