"""The fleet on real API servers."""
