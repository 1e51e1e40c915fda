"""A page about one agent: how it scores, what it looks at, what it learned, where it is from."""
