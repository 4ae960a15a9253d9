"""What is measured: the trainer, its data, and the trainer beside others."""
