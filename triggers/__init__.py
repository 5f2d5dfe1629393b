"""Why a failover begins: thin clients of Temporal, each idempotent, all through one way to start."""
