"""What is right: all that would survive if Temporal were replaced.

`domain` holds pure rules and frozen values; `fleet` is the one port to the clusters; `kube` is
its only implementation; `temporal`, `settings` and `telemetry` wire the outside world.
"""
