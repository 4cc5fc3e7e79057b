"""NPU, GPU and CPU: choice, configuration and ranks. No other code depends on the device."""
