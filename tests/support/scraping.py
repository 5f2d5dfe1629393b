"""What a process serves under `/metrics`, found by what it has logged and asked as Prometheus asks."""

from __future__ import annotations

import re

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

SERVED = re.compile(r"metrics are served on (\S+:\d+)")


async def scrape(log: str) -> Samples:
    """All samples by name and labels, from where this log says that they are served."""
    served = SERVED.search(log)
    assert served is not None, log
    async with aiohttp.ClientSession() as http, http.get(f"http://{served[1]}/metrics") as page:
        assert page.status == 200
        text = await page.text()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def sample(samples: Samples, name: str, **labels: str) -> float | None:
    """One of them; `None` where it is not served."""
    return samples.get((name, frozenset(labels.items())))
