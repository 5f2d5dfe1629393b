"""A whole world on one machine: Temporal and Kubernetes clusters, for demo, tests and benchmark."""
