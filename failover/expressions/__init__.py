"""Expressions of health rules, evaluated in a process apart, so that none can hold up another."""
