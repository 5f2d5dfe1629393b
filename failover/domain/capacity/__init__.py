"""Whether a cluster has room for an application: what it asks for, what is free, what is promised.

By requests, as the scheduler counts, and by nothing else: what is used at the moment says little of
what may be used. Amounts are whole thousandths, rounded up, so that sums are exact.

Nothing here keeps a move from happening that has begun: a copy that finds no room after all is
withdrawn when it makes no progress, as ever.
"""
