"""Calling a person: what is said of a failover that waits, and to whom."""
