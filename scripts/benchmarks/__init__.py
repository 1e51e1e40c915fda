"""Benchmarks of learning and speed; README.md has the results and the command beside each."""
