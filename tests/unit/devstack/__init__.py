"""Tests of the local world that need no servers."""
