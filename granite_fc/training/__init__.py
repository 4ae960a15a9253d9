"""State, optimizers, loss, the training step and the loop around it."""
