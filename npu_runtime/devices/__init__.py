"""NPU, GPU and CPU: which one, how it is configured, how many ranks. Nothing outside asks."""
