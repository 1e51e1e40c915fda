"""Agents that play each other: matches, videos of them, ratings."""
