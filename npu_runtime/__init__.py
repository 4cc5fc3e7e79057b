"""Sessions, precision, distribution and the training loop: the only code that knows devices."""
