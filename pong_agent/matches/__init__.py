"""Matches between agents: results, videos, ratings."""
