"""Objects of the catalogue's kinds as their controllers write them, and the verdict on each."""

from __future__ import annotations

from tests.support.health import batch, data, kubernetes, streaming
from tests.support.health.cases import Case

CASES: dict[str, tuple[Case, ...]] = {
    **kubernetes.CASES,
    **streaming.CASES,
    **batch.CASES,
    **data.CASES,
}
"""By kind, as `Kind.group`."""
