"""Learning as pure functions over arrays: returns, gradients, optimizers."""
