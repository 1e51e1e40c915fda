"""The window in which a person plays against an agent."""
