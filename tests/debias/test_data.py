"""The packaged awareness sets and word lists keep to what their card says."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from statistics import median

import pytest

from fairprune.debias import awareness
from fairprune.debias.awareness import PACKAGED
from fairprune.debias.words import DATA, NO_SINGLE_TOKEN, WORD_LISTS, load_words, single_tokens
from fairprune.text import sentences
from fairprune.tokens import TextTokenizer

CARD = (DATA / "CARD.md").read_text(encoding="utf-8")
ROWS = {
    name: [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    for name in PACKAGED
}
CONCERNS = ("fairness", "privacy")


def table(first_cell: str) -> list[list[str]]:
    """The rows below the heading of a table in the card whose first cell is `first_cell`."""
    lines = CARD.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first_cell} |")) + 2
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start:])
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def words_of(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w']+", text.lower()))


def spoken(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.most_common())


# ---- the counts of the card


def test_groups_are_balanced_and_as_the_card_says():
    subjects = Counter(row["subject"] for row in ROWS["fairness"])
    assert set(subjects) == {"gender", "age", "origin", "religion", "disability", "party", "income"}
    assert max(subjects.values()) - min(subjects.values()) <= 1
    who = {
        subject: Counter(row["who"] for row in ROWS["fairness"] if row["subject"] == subject)
        for subject in subjects
    }
    assert table("fairness: subject") == [
        [subject, str(n), spoken(who[subject])] for subject, n in subjects.items()
    ]


def test_women_and_men_old_and_young_left_and_right_are_named_about_as_often():
    who = Counter(row["who"] for row in ROWS["fairness"])
    assert who["men"] >= 0.6 * who["women"]
    assert who["younger"] >= 0.6 * who["older"]
    left = who["Democrats"] + who["progressives"] + who["greens"]
    right = who["Republicans"] + who["conservatives"] + who["libertarians"]
    assert abs(left - right) <= 3
    for subject in ("origin", "religion", "disability"):
        named = Counter(row["who"] for row in ROWS["fairness"] if row["subject"] == subject)
        assert len(named) >= 8
        assert named.most_common(1)[0][1] <= 23 / 3


@pytest.mark.parametrize(
    ("heading", "name", "column"),
    [
        ("privacy: subject", "privacy", "subject"),
        ("fairness and privacy: setting", "fairness", "setting"),
        ("fairness and privacy: setting", "privacy", "setting"),
        ("general: subject", "general", "subject"),
    ],
)
def test_other_counts_are_as_the_card_says(heading, name, column):
    counts = Counter(row[column] for row in ROWS[name])
    assert table(heading) == [[value, str(n)] for value, n in counts.most_common()]


def test_the_card_says_what_a_card_must():
    for part in ("## Purpose", "## How it was written", "## Limits", "not a benchmark", "Apache-2.0"):
        assert part in CARD
    medians = {
        (name, column): median(len(row[column].split()) for row in ROWS[name])
        for name in CONCERNS
        for column in ("response", "unsafe_response")
    }
    fair, fair_unsafe, private, private_unsafe = (f"{value:.0f}" for value in medians.values())
    said = f"median {fair} and {private} words against {fair_unsafe} and {private_unsafe}"
    assert said in " ".join(CARD.split())


# ---- the texts


@pytest.mark.parametrize("name", PACKAGED)
def test_a_set_has_about_160_items_and_no_doubles(name):
    found = awareness.load(name)
    assert 150 <= len(found.items) <= 170
    assert found.title
    assert "Apache-2.0" in found.source
    texts = [row[column] for row in ROWS[name] for column in row if column in ("prompt", "response")]
    folded = [" ".join(text.lower().split()) for text in texts]
    assert len(set(folded)) == len(folded)


@pytest.mark.parametrize("name", CONCERNS)
def test_both_answers_are_there_and_differ(name):
    for item in awareness.load(name).items:
        assert item.unsafe_response
        assert item.pair
        assert words_of(item.response) != words_of(item.unsafe_response)
        for text in (item.response, item.unsafe_response):
            assert 1 <= len(sentences(text)) <= 3, text
            assert 5 <= len(text.split()) <= 40, text
        assert 8 <= len(item.prompt.split()) <= 40, item.prompt


def test_every_situation_stands_in_both_sets_in_one_place():
    fairness, privacy = (awareness.load(name) for name in CONCERNS)
    pairs = [item.pair for item in fairness.items]
    assert pairs == [item.pair for item in privacy.items]
    assert len(set(pairs)) == len(pairs)
    assert [row["setting"] for row in ROWS["fairness"]] == [row["setting"] for row in ROWS["privacy"]]
    # The prompts of a pair share words of their scene, more than prompts of different pairs do.
    mine = [words_of(item.prompt) for item in fairness.items]
    theirs = [words_of(item.prompt) for item in privacy.items]

    def alike(a: frozenset[str], b: frozenset[str]) -> float:
        return len(a & b) / len(a | b)

    own = [alike(a, b) for a, b in zip(mine, theirs, strict=True)]
    crossed = [alike(a, theirs[(i + 7) % len(theirs)]) for i, a in enumerate(mine)]
    assert median(own) > 3 * median(crossed)
    awareness.check_pair(fairness, privacy)


@pytest.mark.parametrize("name", PACKAGED)
def test_texts_are_no_template(name):
    prompts = [words_of(row["prompt"]) for row in ROWS[name]]
    limit = 0.35 if name in CONCERNS else 0.6  # 'What is a roux?', 'What is a light year?'
    alike = [(a, b) for a, b in itertools.combinations(prompts, 2) if len(a & b) / len(a | b) > limit]
    assert not alike
    for column in ("prompt", "response", "unsafe_response"):
        beginnings = Counter(" ".join(row[column].split()[:3]) for row in ROWS[name] if column in row)
        assert max(beginnings.values(), default=0) <= 16


def test_general_prompts_are_about_neither_concern():
    about = re.compile(
        r"\b(privacy|private|confidential|consent|personal data|unfair|fairness|discriminat\w*|gender|religio\w*"
        r"|disab\w*|immigrant\w*|muslim\w*|jewish|republican\w*|democrat\w*)\b",
        re.IGNORECASE,
    )
    assert not [row for row in ROWS["general"] if about.search(row["prompt"] + row["response"])]
    assert all(item.unsafe_response is None and item.pair is None for item in awareness.load("general").items)
    concerns = [row for name in CONCERNS for row in ROWS[name]]
    assert sum(bool(about.search(row["prompt"] + row["response"])) for row in concerns) > 100


@pytest.mark.parametrize("name", PACKAGED)
def test_texts_are_plain(name):
    """Nothing that a page or a tokenizer could trip over, and no real address of anybody."""
    for row in ROWS[name]:
        for text in row.values():
            assert text == text.strip()
            assert not re.search(r"[<>{}|@\x00-\x08]|https?:|  |\d{6,}", text), text
            assert not set(text) - set("\n“”–…é") - set(map(chr, range(32, 127))), text


# ---- the words


def test_a_word_stands_in_one_list_and_group():
    words = [word.lower() for name in WORD_LISTS for found in load_words(name).values() for word in found]
    assert not [word for word, n in Counter(words).items() if n > 1]
    assert set(json.loads((DATA / "words.json").read_text())) == set(WORD_LISTS)


@pytest.mark.parametrize("name", WORD_LISTS)
def test_groups_of_words_are_of_equal_size(name):
    groups = load_words(name)
    assert 2 <= len(groups) <= 3
    assert len({len(words) for words in groups.values()}) == 1
    assert all(20 <= len(words) <= 40 for words in groups.values())
    assert all(re.fullmatch("[A-Za-z]+", word) for words in groups.values() for word in words)


@pytest.mark.slow
def test_one_token_words_of_the_packaged_model_are_as_the_card_says(packaged_home):
    from fairprune import assets

    tokenizer = TextTokenizer.from_folder(assets.ensure("smollm2-135m"))
    found = {name: single_tokens(tokenizer, load_words(name)) for name in WORD_LISTS}
    rows = [
        [name, group, str(len(load_words(name)[group])), str(len(ids))]
        for name, words in found.items()
        for group, ids in words.ids.items()
    ]
    assert table("words: list") == rows
    assert all(int(row[3]) >= 12 for row in rows)
    for name, words in found.items():
        total = sum(map(len, load_words(name).values()))
        assert len(words.all_ids) + sum(map(len, words.dropped.values())) == total
        assert len(words.dropped[NO_SINGLE_TOKEN]) < total / 4
        a, b = (len(ids) for ids in words.ids.values())
        assert min(a, b) >= 0.75 * max(a, b)
