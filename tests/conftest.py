"""Fixtures that every suite may use; those with servers start them on first use only."""

from __future__ import annotations

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support.world import flink, fresh_world, namespace, world

__all__ = ["flink", "fresh_world", "namespace", "world"]


SERVERS = "servers"
ON_SERVERS = ("tests/e2e/", "tests/integration/")
IN_THEIR_OWN_WORLD = (
    "tests/e2e/test_demo.py",
    "tests/e2e/test_readme.py",
    "tests/e2e/test_up.py",
    "tests/integration/kube/test_starting_servers.py",
)
"""They share nothing, and mostly wait."""

settings.register_profile("failover", deadline=None)  # a busy machine is no finding
settings.load_profile("failover")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of our own."""
    parser.addoption(
        "--record-histories",
        action="store_true",
        help="keep histories for tests/unit/test_histories.py",
    )


class Scheduling(LoadScopeScheduling):
    """With `-n`, one process has all tests that share a world, and the others fill what is left of the machine.

    Two processes with the shared world take as long on two cores, and each test in them twice as long.
    """

    def _split_scope(self, nodeid: str) -> str:
        """What is run in one process: a file, or all tests that share one world."""
        shares = nodeid.startswith(ON_SERVERS) and not nodeid.startswith(IN_THEIR_OWN_WORLD)
        return SERVERS if shares else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Make xdist use it."""
    return Scheduling(config, log)
