"""Training: one loop for every model and device."""
