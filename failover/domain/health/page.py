"""The catalogue as Markdown, written from its rows, so that it cannot lag behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from failover.domain.health.catalogue import CATALOGUE, SHARED, is_exclusive
from failover.domain.health.conditions import DECIDING, FINISHED
from failover.domain.health.entries import ANY_KIND, Entry, Support
from failover.domain.identity import GroupKind

_INTRODUCTION = """# Health catalogue

How each kind is judged. Written from the code (`make docs`); what each reason is given for stands in
`tests/support/health`, as objects with their verdicts.

A verdict has a **status** and a **cause**:

| status | cause | a failover |
|---|---|---|
| Healthy | – | ends: nothing is wrong |
| Healthy | Finished, Suspended | ends: there is nothing to move |
| Unhealthy | Fault | counts the time towards the toleration |
| Unhealthy | Progressing | counts it too: it is not up yet, or not up again |
| Unknown | Progressing | stands still: a change is under way, and part of it serves |
| Unknown | UserError | stands still, and never moves: it would be as ill elsewhere |
| Unknown | – | does as the policy's `onUnknown` says |

**Supported** kinds move as the policy says, `Automatic` where it writes no mode. Of **experimental** kinds only the
health is known: where the policy writes no mode, they are only observed (`Observe`).

**Exclusive** kinds bear one writer: they need `purgeMode: Directly` (or `allowTwoCopies: true`). Of **shared** kinds two
copies may run for a while.

*Checked against*: a status is a claim by a controller that may be dead. Where the kind is known to own what does the
work, both are compared. *While ill*: that lies deeper, and is looked at only then, where one may, to tell whose fault
it is: the pods of a Deployment's ReplicaSets, of an operator's StatefulSets, Jobs and the like.

`failover health --object FILE` gives the verdict on an object; of a `List`, on the first with the others beside it
(`kubectl get deploy/web rs pods -n shop -o yaml`, the one that is meant first). A kind of your own, or another verdict on one of these:
[health-rules.md](health-rules.md).
"""


def health_catalogue_markdown() -> str:
    """Every kind with a rule, then what is said of the others, then where Karmada says otherwise."""
    lines = [_INTRODUCTION, "## Kinds", ""]
    lines += ["| kind | support | checked against | copies | reasons |", "|---|---|---|---|---|"]
    lines += _rows()
    lines += ["", f"Any kind may also give {_listed(ANY_KIND)}.", ""]
    lines += _others()
    lines += ["", "## Where Karmada says otherwise", ""]
    lines += ["More, with the tests: [karmada-differences.md](karmada-differences.md).", ""]
    lines += ["| kind | Karmada |", "|---|---|"]
    lines += [f"| `{each.kind}` | {each.karmada} |" for each in _ordered() if each.karmada]
    return "\n".join(lines) + "\n"


def _rows() -> Iterator[str]:
    for entry in _ordered():
        owned = _listed(map(str, entry.owned)) or "its status alone"
        if deeper := dict.fromkeys(str(kind) for way in entry.when_ill for kind in way):
            owned += f"; while ill {_listed(deeper)}"
        cells = (f"`{entry.kind}`", entry.support.value.lower(), owned, _copies(entry.kind))
        yield f"| {' | '.join(cells)} | {_listed(entry.reasons)} |"


def _others() -> Iterator[str]:
    yield "## Any other kind"
    yield ""
    yield (
        "Supported, if its controller writes standard conditions. `Failed` is Unhealthy, "
        f"{_listed(FINISHED)} Finished, `Suspended` Suspended, `Stalled` Unhealthy; then the first of "
        f"{_listed(DECIDING)} that is there decides. Without any: Unknown, `NoConditions`."
    )
    yield ""
    shared = _listed(str(each) for each in sorted(SHARED) if each not in CATALOGUE)
    yield (
        "Taken to be exclusive, since it may be a database; except for Kubernetes' own kinds and those "
        f"of its SIGs, and {shared}."
    )


def _ordered() -> list[Entry]:
    def place(entry: Entry) -> tuple[bool, str, str]:
        return entry.support is not Support.SUPPORTED, entry.kind.group, entry.kind.kind

    return sorted(CATALOGUE.values(), key=place)


def _copies(kind: GroupKind) -> str:
    return "exclusive" if is_exclusive(kind) else "shared"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in words)
