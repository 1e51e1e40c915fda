"""Both paddles played: a person against an agent, agents against each other."""
