"""All that a saga case needs, under one name.

Each case has an application of its own, so that many run side by side in the one world. Everything
is waited for by looking, with a deadline; the phase of a failover is read from its search
attributes, which need no worker.
"""

from __future__ import annotations

from tests.support.application import Application
from tests.support.crew import Crew, send
from tests.support.ending import Ending
from tests.support.playing import Case, play, report
from tests.support.policies import (
    CLUSTERS,
    GROUP,
    KIND,
    NAMESPACE,
    never_healthy_on,
    override_of,
    policy_of,
)
from tests.support.stage import Saga, saga, staged
from tests.support.workload import FLINK, RECORDS

__all__ = [
    "CLUSTERS",
    "FLINK",
    "GROUP",
    "KIND",
    "NAMESPACE",
    "RECORDS",
    "Application",
    "Case",
    "Crew",
    "Ending",
    "Saga",
    "never_healthy_on",
    "override_of",
    "play",
    "policy_of",
    "report",
    "saga",
    "send",
    "staged",
]
