"""Published data sets with ties and without, and outcomes made of them."""

from itertools import combinations

from fairprune.judgments.metric_agreement import MetricValues
from fairprune.judgments.votes import Outcome

PUDDING = {
    # Davidson, JASA 65 (1970), table 2: preferences for i, for j, and none, of pairs of six brands of chocolate pudding.
    (1, 2): (19, 22, 16),
    (1, 3): (16, 19, 12),
    (2, 3): (19, 19, 10),
    (1, 4): (18, 23, 13),
    (2, 4): (23, 19, 9),
    (3, 4): (19, 20, 15),
    (1, 5): (13, 19, 18),
    (2, 5): (16, 20, 12),
    (3, 5): (16, 15, 17),
    (4, 5): (17, 14, 16),
    (1, 6): (18, 21, 12),
    (2, 6): (22, 20, 12),
    (3, 6): (13, 18, 10),
    (4, 6): (14, 19, 18),
    (5, 6): (11, 21, 12),
}
PUDDING_WORTH = (0.1388005, 0.1729985, 0.1617420, 0.1653930, 0.1586805, 0.2023855)
"""As published, to the iteration at which Davidson stopped (the fourth decimal of a converged fit may differ)."""
PUDDING_NU = 0.7468147

TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
BASEBALL = {
    # Agresti, Categorical Data Analysis (2nd ed., 2002), table 10.10: 1987 season, (home, away): wins of home, of away.
    ("Milwaukee", "Detroit"): (4, 3),
    ("Milwaukee", "Toronto"): (4, 2),
    ("Milwaukee", "New York"): (4, 3),
    ("Milwaukee", "Boston"): (6, 1),
    ("Milwaukee", "Cleveland"): (4, 2),
    ("Milwaukee", "Baltimore"): (6, 0),
    ("Detroit", "Milwaukee"): (3, 3),
    ("Detroit", "Toronto"): (4, 2),
    ("Detroit", "New York"): (4, 3),
    ("Detroit", "Boston"): (6, 0),
    ("Detroit", "Cleveland"): (6, 1),
    ("Detroit", "Baltimore"): (4, 3),
    ("Toronto", "Milwaukee"): (2, 5),
    ("Toronto", "Detroit"): (4, 3),
    ("Toronto", "New York"): (2, 4),
    ("Toronto", "Boston"): (4, 3),
    ("Toronto", "Cleveland"): (4, 2),
    ("Toronto", "Baltimore"): (6, 0),
    ("New York", "Milwaukee"): (3, 3),
    ("New York", "Detroit"): (5, 1),
    ("New York", "Toronto"): (2, 5),
    ("New York", "Boston"): (4, 3),
    ("New York", "Cleveland"): (4, 2),
    ("New York", "Baltimore"): (6, 1),
    ("Boston", "Milwaukee"): (5, 1),
    ("Boston", "Detroit"): (2, 5),
    ("Boston", "Toronto"): (3, 3),
    ("Boston", "New York"): (4, 2),
    ("Boston", "Cleveland"): (5, 2),
    ("Boston", "Baltimore"): (6, 0),
    ("Cleveland", "Milwaukee"): (2, 5),
    ("Cleveland", "Detroit"): (3, 3),
    ("Cleveland", "Toronto"): (3, 4),
    ("Cleveland", "New York"): (4, 3),
    ("Cleveland", "Boston"): (4, 2),
    ("Cleveland", "Baltimore"): (2, 4),
    ("Baltimore", "Milwaukee"): (2, 5),
    ("Baltimore", "Detroit"): (1, 5),
    ("Baltimore", "Toronto"): (1, 6),
    ("Baltimore", "New York"): (2, 4),
    ("Baltimore", "Boston"): (1, 6),
    ("Baltimore", "Cleveland"): (3, 4),
}
BASEBALL_ESTIMATES = (1.58, 1.44, 1.29, 1.25, 1.11, 0.68, 0.0)
"""Table 10.11, Baltimore 0, in the order of TEAMS; the standard errors are "about 0.3"."""

KENDALL_X = (1.0, 2.5, 2.5, 4.5, 4.5, 6.5, 6.5, 8.0, 9.5, 9.5)
KENDALL_Y = (1.0, 2.0, 4.5, 4.5, 4.5, 4.5, 8.0, 8.0, 8.0, 10.0)
"""Two rankings with ties: Kendall, Rank Correlation Methods (4th ed., 1970), example 3.1, p. 35."""
KENDALL_S, KENDALL_UNTIED, KENDALL_TAU_B = 33, (41, 36), 0.859
"""Concordant minus discordant pairs; pairs not tied in the first ranking, in the second; 33 / √(41 · 36)."""

TIES_MATTER = (
    # (a metric's scores, people's scores, thresholds, accuracy at each, the threshold that is chosen), of one source with four
    # translations: github.com/google-research/mt-metrics-eval, mt_metrics_eval/tau_optimization_test.py (of 0b82d96), by the authors of
    # Deutsch, Foster and Freitag, Ties Matter, EMNLP 2023.
    ((0, 2, 6, 8), (1, 2, 3, 4), (0, 2, 4, 6, 8), (6 / 6, 4 / 6, 3 / 6, 1 / 6, 0 / 6), 0),
    ((0, 2, 6, 8), (1, 1, 1, 4), (0, 2, 4, 6, 8), (3 / 6, 3 / 6, 4 / 6, 4 / 6, 3 / 6), 4),
)


def each_pair(scores, human, sample="s"):
    """(one vote per pair of scored texts, which prefers what people score higher; the metric's scores): pairs as the papers form them."""
    names = [f"system {number:02}" for number in range(len(scores))]
    found = []
    for i, j in combinations(range(len(scores)), 2):
        result = "a" if human[i] > human[j] else "b" if human[i] < human[j] else "tie"
        item = f"{sample} {i}-{j}"
        found.append(Outcome(f"j {item}", item, "fairer", names[i], names[j], result, sample))
    values = {(sample, name): float(score) for name, score in zip(names, scores, strict=True)}
    return found, MetricValues("m", values, True)


def results(counts, question="fairer"):
    """Outcomes with these counts (a, b, tie) per pair; every vote by a judge and on an item of its own."""
    found = []
    for (a, b), (wins, losses, ties) in counts.items():
        for result, n in (("a", wins), ("b", losses), ("tie", ties)):
            for _ in range(n):
                number = len(found)
                found.append(
                    Outcome(f"j{number}", f"i{number}", question, str(a), str(b), result, f"i{number}")
                )
    return found


def baseball():
    """The games as outcomes: the first name by the alphabet is a."""
    counts = {}
    for (home, away), (won, lost) in BASEBALL.items():
        a, b = sorted((home, away))
        wins = (won, lost) if home == a else (lost, won)
        before = counts.get((a, b), (0, 0, 0))
        counts[a, b] = (before[0] + wins[0], before[1] + wins[1], 0)
    return results(counts)
