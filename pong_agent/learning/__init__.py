"""Learning as functions over arrays: returns, losses, gradients, and two algorithms of them."""
