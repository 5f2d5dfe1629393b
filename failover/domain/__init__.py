"""Pure rules: frozen values and total functions. No clock, no randomness, no input or output."""
