r"""kubectl's JSONPath templates: text with `{expressions}` in it, as in `{.jobStatus.jobId}`.

    text ──parsing──▶ nodes (`syntax`) ──evaluating, on jsonpath-ng──▶ values ──printing──▶ text

The measure is client-go's `util/jsonpath`, missing keys being errors, on a document decoded as
kubectl decodes it. Its habits are kept, because a template must mean here what it means there:

* `['a.b']` is `.a.b`; a dotted key is written `.a\.b` or `['a\.b']`.
* `$` and `@` are both the current value; `&&` and `||` do not exist.
* A slice that is empty on one of several lists ends the search, and leaves out the lists after it.
* A `range` that finds nothing still evaluates its body, on null; a key in there is missing.
* A filter is an error where an element lacks the compared key; a mere `[?(@.key)]` is not.

Where ours is deliberately different:

* Numbers are never printed with an exponent; `1e21` is a one and twenty-one zeros.
* Integers keep all their digits, also beyond 64 bits.
* An integer and a float compare by value, where client-go refuses the comparison.
* Keys are visited in sorted order by `.*` and `..`; client-go's order is random.
* Null is `null` everywhere, also inside a `range` (client-go: `<no value>`, or a panic).
* What could never work is refused when the template is read, not when it is used: an unknown word
  or operator, `{end}` without `{range}`, a step below one.
* Everything is bounded: the template's length, ranges within ranges, work done, text produced.
"""

from failover.domain.jsonpath.template import Template

__all__ = ["Template"]
