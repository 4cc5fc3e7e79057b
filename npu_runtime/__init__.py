"""Sessions, precision, distribution and the training loop; all device-specific code is here."""
