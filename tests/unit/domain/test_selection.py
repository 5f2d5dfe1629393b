"""The target is never the source, never one already tried, and every cluster has its reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.domain.policy import Placement, Policy, PolicySpec
from failover.domain.selection import Choice, ClusterVerdict, NoCandidate, candidates, choose
from failover.domain.topology import ClusterFacts, Taint

EAST = ClusterFacts(name="east", labels={"tier": "gold"}, region="eu", zone="eu-1", provider="acme")
WEST = ClusterFacts(name="west", labels={"tier": "silver"}, region="us", zone="us-1")
NORTH = ClusterFacts(name="north", labels={"gpu": ""}, region="eu", zone="eu-2", provider="acme")
TAINTED = ClusterFacts(
    name="tainted", taints=(Taint(key="down", value="yes", effect="NoSchedule"),)
)
FLEET = (EAST, WEST, NORTH, TAINTED)


def placed(placement: object) -> Policy:
    """A policy with this placement, as it is written."""
    return Policy(name="p", spec=PolicySpec(placement=Placement.model_validate(placement)))


def standing(found: Choice | NoCandidate) -> dict[str, str]:
    """Each cluster's reason."""
    return {each.cluster: each.reason for each in found.considered}


def chosen(policy: Policy, *, tried: frozenset[str] = frozenset(), source: str = "east") -> str:
    """The target, or why there is none."""
    found = choose(policy, FLEET, source=source, tried=tried, verdicts={})
    return found.target if isinstance(found, Choice) else found.reason


def expression(key: str, operator: str, *values: str) -> dict[str, object]:
    """One requirement, as it is written."""
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("affinity", "eligible"),
    [
        pytest.param({}, {"west", "north"}, id="everything"),
        pytest.param({"clusterNames": ["north", "east"]}, {"north"}, id="names"),
        pytest.param({"exclude": ["north"]}, {"west"}, id="exclude"),
        pytest.param(
            {"clusterNames": ["north"], "exclude": ["north"]}, set[str](), id="exclude-wins"
        ),
        pytest.param({"labelSelector": {"matchLabels": {"tier": "silver"}}}, {"west"}, id="labels"),
        pytest.param({"labelSelector": expression("tier", "In", "silver", "x")}, {"west"}, id="in"),
        pytest.param(
            {"labelSelector": expression("tier", "NotIn", "silver")}, {"north"}, id="not-in"
        ),
        pytest.param({"labelSelector": expression("gpu", "Exists")}, {"north"}, id="exists"),
        pytest.param(
            {"labelSelector": expression("gpu", "DoesNotExist")}, {"west"}, id="not-exists"
        ),
        pytest.param({"fieldSelector": expression("region", "In", "eu")}, {"north"}, id="region"),
        pytest.param({"fieldSelector": expression("zone", "NotIn", "eu-2")}, {"west"}, id="zone"),
        pytest.param(
            {"fieldSelector": expression("provider", "In", "")}, set[str](), id="no-provider"
        ),
    ],
)
def test_an_affinity_selects_clusters(affinity: object, eligible: set[str]) -> None:
    """Names, exclusion, labels and fields mean what they mean to Karmada."""
    policy = placed({"clusterAffinity": affinity})
    assert set(candidates(policy, FLEET, source="east", tried=frozenset())) == eligible


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        pytest.param({"key": "down", "operator": "Equal", "value": "yes"}, True, id="equal"),
        pytest.param(
            {"key": "down", "value": "yes", "effect": "NoSchedule"}, True, id="same-effect"
        ),
        pytest.param({"key": "down", "value": "no"}, False, id="other-value"),
        pytest.param({"key": "down", "operator": "Exists"}, True, id="exists"),
        pytest.param({"key": "up", "operator": "Exists"}, False, id="other-key"),
        pytest.param({"operator": "Exists"}, True, id="every-taint"),
        pytest.param({"operator": "Exists", "effect": "NoExecute"}, False, id="other-effect"),
    ],
)
def test_a_taint_keeps_away_unless_tolerated(toleration: object, *, tolerated: bool) -> None:
    """Tolerations mean what they mean to Kubernetes."""
    policy = placed({"clusterTolerations": [toleration]})
    found = choose(policy, FLEET, source="east", tried=frozenset(), verdicts={})
    assert standing(found)["tainted"] == ("Eligible" if tolerated else "UntoleratedTaint")


def test_a_preference_against_a_cluster_does_not_forbid_it() -> None:
    """`PreferNoSchedule` is no refusal."""
    soft = ClusterFacts(name="soft", taints=(Taint(key="a", effect="PreferNoSchedule"),))
    found = choose(placed({}), (soft,), source="east", tried=frozenset(), verdicts={})
    assert isinstance(found, Choice)


def test_the_order_of_names_decides_then_that_of_the_fleet() -> None:
    """The first name as written is taken; without names the fleet file's first."""
    assert chosen(placed({"clusterAffinity": {"clusterNames": ["north", "west"]}})) == "north"
    assert chosen(placed({})) == "west"
    assert chosen(placed({}), tried=frozenset({"west"})) == "north"


def test_the_first_group_with_an_eligible_cluster_gives_the_target() -> None:
    """A later group is used only when no earlier one has a cluster left."""
    policy = placed(
        {"clusterAffinities": [
            {"affinityName": "near", "clusterNames": ["east", "north"]},
            {"affinityName": "far", "clusterNames": ["west"]},
        ]}
    )  # fmt: skip
    near = choose(policy, FLEET, source="east", tried=frozenset(), verdicts={})
    assert isinstance(near, Choice)
    assert (near.target, near.group) == ("north", "near")
    assert standing(near)["west"] == "Eligible"
    far = choose(policy, FLEET, source="east", tried=frozenset({"north"}), verdicts={})
    assert isinstance(far, Choice)
    assert (far.target, far.group) == ("west", "far")


def test_every_cluster_says_why() -> None:
    """The messages are sentences with the cluster's name; what was found there is passed on."""
    verdicts = {
        "west": ClusterVerdict(
            usable=False, reason="MissingCRD", message="west serves no FlinkDeployment."
        )
    }
    policy = placed({"clusterAffinity": {"clusterNames": ["east", "west", "tainted"]}})
    found = choose(policy, FLEET, source="east", tried=frozenset(), verdicts=verdicts)
    assert isinstance(found, NoCandidate)
    assert [(each.reason, each.message) for each in found.considered] == [
        ("SourceCluster", "east is where the application fell ill."),
        ("MissingCRD", "west serves no FlinkDeployment."),
        (
            "NotInAffinity",
            "north is not meant by the policy's placement: clusterNames does not name it.",
        ),
        (
            "UntoleratedTaint",
            "tainted has the taint down=yes:NoSchedule, which the policy's clusterTolerations do not cover.",
        ),
    ]
    assert found.message == (
        "no cluster can take the application (east: SourceCluster; west: MissingCRD; "
        "north: NotInAffinity; tainted: UntoleratedTaint)."
    )


def test_a_requested_cluster_passes_the_same_checks() -> None:
    """A person's choice is taken if it is eligible, and otherwise refused with its own reason."""
    policy = placed({"clusterAffinity": {"clusterNames": ["west", "north"]}})
    found = choose(policy, FLEET, source="east", tried=frozenset(), verdicts={}, requested="north")
    assert isinstance(found, Choice)
    assert (found.target, standing(found)) == (
        "north",
        {
            "east": "SourceCluster",
            "west": "Eligible",
            "north": "Requested",
            "tainted": "NotInAffinity",
        },
    )
    refused = choose(policy, FLEET, source="east", tried=frozenset(), verdicts={}, requested="east")
    assert isinstance(refused, NoCandidate)
    assert refused.reason == "SourceCluster"
    unknown = choose(policy, FLEET, source="east", tried=frozenset(), verdicts={}, requested="moon")
    assert isinstance(unknown, NoCandidate)
    assert unknown.message == "the fleet has no cluster 'moon'; it has: east, west, north, tainted."


NAMES = ["a", "b", "c", "d", "e"]
some_names = st.lists(st.sampled_from(NAMES), unique=True)
affinities = st.fixed_dictionaries({"clusterNames": some_names, "exclude": some_names})
fleets = st.lists(
    st.builds(
        ClusterFacts,
        name=st.sampled_from(NAMES),
        taints=st.sampled_from([(), (Taint(key="t", effect="NoExecute"),)]),
    ),
    unique_by=lambda each: each.name,
).map(tuple)
all_verdicts = st.dictionaries(
    st.sampled_from(NAMES),
    st.booleans().map(
        lambda usable: ClusterVerdict(usable, "Usable" if usable else "Forbidden", "so.")
    ),
)


@given(
    groups=st.lists(affinities, max_size=3),
    fleet=fleets,
    source=st.sampled_from(NAMES),
    tried=st.frozensets(st.sampled_from(NAMES)),
    verdicts=all_verdicts,
    requested=st.none() | st.sampled_from(NAMES),
    data=st.data(),
)
def test_whatever_the_fleet_the_choice_is_sound(
    groups: list[dict[str, object]],
    fleet: tuple[ClusterFacts, ...],
    source: str,
    tried: frozenset[str],
    verdicts: dict[str, ClusterVerdict],
    requested: str | None,
    data: st.DataObject,
) -> None:
    """Never the source, the tried, the unusable, the unasked; all considered, in any order."""
    policy = placed({"clusterAffinities": groups})

    def ask(facts: tuple[ClusterFacts, ...]) -> Choice | NoCandidate:
        return choose(
            policy, facts, source=source, tried=tried, verdicts=verdicts, requested=requested
        )

    found = ask(fleet)
    asked = {requested} - {None} - {each.name for each in fleet}
    assert {each.cluster for each in found.considered} == {each.name for each in fleet} | asked
    assert all(each.reason and each.message for each in found.considered)
    if isinstance(found, Choice):
        assert found.target != source
        assert found.target not in tried
        assert found.target not in verdicts or verdicts[found.target].usable
        assert requested in {None, found.target}
        assert [each.cluster for each in found.considered if each.standing == "Chosen"] == [
            found.target
        ]
    else:
        assert requested is not None or all(each.standing == "Refused" for each in found.considered)
    shuffled = tuple(data.draw(st.permutations(fleet)))
    eligible = {each.cluster for each in found.considered if each.standing != "Refused"}
    again = ask(shuffled)
    assert {each.cluster for each in again.considered if each.standing != "Refused"} == eligible
    assert type(again) is type(found)


def test_the_emptiest_of_equally_good_ones_is_chosen() -> None:
    """Where the policy names no order; a written order and the order of groups come first."""
    free = {"west": 10, "north": 60}

    def target(placement: object) -> tuple[str, str]:
        found = choose(
            placed(placement),
            FLEET,
            source="east",
            tried=frozenset(),
            verdicts={},
            free_percent=free,
        )
        assert isinstance(found, Choice)
        return found.target, standing(found)[found.target]

    assert target({}) == ("north", "Emptiest")
    ordered = {"clusterNames": ["west", "north"]}
    assert target({"clusterAffinity": ordered}) == ("west", "FirstEligible")
    groups = [
        {"affinityName": "a", "clusterNames": ["west"]},
        {"affinityName": "b", "clusterNames": ["north"]},
    ]
    assert target({"clusterAffinities": groups}) == ("west", "FirstEligible")
