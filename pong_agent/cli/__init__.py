"""The commands of `pong-agent`: one frozen dataclass each, whose fields are its options."""
