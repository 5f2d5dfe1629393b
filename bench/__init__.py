"""How fast failovers are on this machine: `python -m bench`, or `make bench`."""
