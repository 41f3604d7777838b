"""An audience judges one pair of summaries on its own phones, over the speaker's own network.

tally: votes → verdict · network: where phones reach this computer · page: what they see · server: the small server that takes
their votes, a process of its own · launch: starts and ends it from a page.
"""
