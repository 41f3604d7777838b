"""Files that are no bundles, or that somebody has tampered with: one sentence, and a store that is as it was."""

from __future__ import annotations

import io
import json
import pickle
import stat
import zipfile
from dataclasses import asdict

import pytest
from pydantic import ValidationError

from fairprune.bundle import archive, read_bundle, write_bundle
from fairprune.bundle.archive import MANIFEST, Archive, write_archive
from fairprune.bundle.documents import Calibration, Evaluation, Scores
from fairprune.bundle.matrices import Distribution, Picture
from fairprune.bundle.parsing import load_json
from fairprune.bundle.write import generation_content
from fairprune.errors import BadInput, StoreError
from fairprune.exploration import grounds
from fairprune.identity import Place
from fairprune.opinions import Opinion, opinion_set_id
from fairprune.store import SummaryRow, open_store
from tests.bundles import edited, members_of, one_named, resealed, zipped
from tests.pages.filled import HOSTILE, SETS, fill, spec


@pytest.fixture(scope="module")
def members():
    with open_store("sqlite://") as store:
        file = io.BytesIO()
        runs = [fill(store, spec(sparsity)) for sparsity in (0.5, 0.25)]
        store.put_sweep("both", {"sparsity": [0.5, 0.25]}, [run.id for run in runs])
        write_bundle(store, [run.id for run in runs], file)
    return members_of(file.getvalue())


@pytest.fixture
def store():
    with open_store("sqlite://") as opened:
        yield opened


def refused(store, file, *words):
    """One sentence that holds these words; nothing of the file is stored."""
    with pytest.raises(BadInput) as raised:
        read_bundle(store, file)
    sentence = str(raised.value)
    for word in words:
        assert word in sentence, sentence
    assert len(sentence) < 600 and "\n" not in sentence
    assert store.runs() == [] and store.sweeps() == []
    assert store._read(lambda c: c.exec_driver_sql("SELECT count(*) FROM opinion_sets").scalar()) == 0
    assert store._read(lambda c: c.exec_driver_sql("SELECT count(*) FROM generations").scalar()) == 0


def test_the_untouched_bundle_is_read(store, members):
    assert len(read_bundle(store, zipped(members)).new) == 2
    assert len(store.runs()) == 2


def test_what_is_no_zip_file(store, tmp_path):
    for data in (b"", b"no zip at all", b"PK\x03\x04 broken", pickle.dumps({"a": 1})):
        refused(store, io.BytesIO(data), "no bundle of fairprune")
    refused(store, tmp_path / "none.zip", "cannot be read", "No such file")
    refused(store, tmp_path, "cannot be read")


def test_zips_of_other_programs(store):
    refused(store, zipped({"readme.md": b"hello"}), "'readme.md', which no bundle has")
    refused(store, zipped({}), "no manifest.json")
    refused(store, zipped({MANIFEST: b'{"format": "other"}'}), "manifest is that of something else")
    refused(store, zipped({MANIFEST: b"[]"}), "manifest is that of something else")
    refused(store, zipped({MANIFEST: b"{"}), "manifest.json cannot be read")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.json",
        "runs/../../evil.json",
        "/etc/passwd",
        "C:\\evil.json",
        "runs\\0123456789abcdef.json",
        "runs/0123456789abcdef.json/",
        "results/0123456789abcdef/data.pkl",
        "model.pt",
        "runs/0123456789ABCDEF.json",
        "a" * 5000,
        "manifest.json\n",
    ],
)
def test_names_that_no_bundle_has(store, members, name):
    refused(store, zipped({**members, name: b"{}"}), "which no bundle has")


def test_a_name_with_a_nul_is_not_cut_short(store, members):
    data = zipped({**members, "README.txtX": b"hi"}).getvalue().replace(b"README.txtX", b"README.txt\x00")
    refused(store, io.BytesIO(data), "which no bundle has")


def test_pickles_are_refused_whatever_they_are_called(store, members):
    for name in (one_named(members, "runs/"), one_named(members, "results/"), "sweeps.json", MANIFEST):
        bad = {**members, name: pickle.dumps({"spec": 1})}
        refused(store, zipped(bad) if name == MANIFEST else resealed(bad), "cannot be read")


def test_a_member_twice(store, members):
    file = io.BytesIO()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(file, "w") as box:
        for name, data in members.items():
            box.writestr(name, data)
        box.writestr("sweeps.json", b"[]")
    refused(store, file, "sweeps.json twice")


def test_links_and_folders(store, members):
    for kind in (stat.S_IFLNK, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFIFO):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as box:
            for name, data in members.items():
                entry = zipfile.ZipInfo(name)
                if name == "README.txt":
                    entry.external_attr = (kind | 0o777) << 16
                box.writestr(entry, b"/etc/passwd" if name == "README.txt" else data)
        refused(store, file, "README.txt as a link or folder")


def test_rare_compression_and_encryption(store, members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as box:
        for name, data in members.items():
            box.writestr(name, data)
    refused(store, file, "packed in a way that is not read here")
    data = bytearray(zipped({"manifest.json": b"{}"}).getvalue())
    for start in (data.find(b"PK\x03\x04") + 6, data.find(b"PK\x01\x02") + 8):
        data[start] |= 0x1
    refused(store, io.BytesIO(bytes(data)), "encrypted")


def test_bombs_are_seen_in_the_list_of_members(store, members, monkeypatch):
    # 33 MiB of zeros pack to 33 kB.
    refused(store, zipped({**members, "README.txt": bytes(33 * 2**20)}), "README.txt of 34,603,008 bytes")
    monkeypatch.setattr(archive, "MAX_BYTES", 10_000)
    refused(store, zipped(members), "bytes unpacked: at most 10,000")
    monkeypatch.setattr(archive, "MAX_BYTES", 256 * 2**20)
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    refused(store, zipped(members), "files: at most 3")
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 100)
    refused(store, zipped(members), "a bundle has at most 100")


def test_a_member_that_is_larger_than_its_list_says(store, members):
    data = zipped(members).getvalue()
    with zipfile.ZipFile(io.BytesIO(data)) as box:
        entry = box.getinfo("README.txt")
    size = entry.file_size.to_bytes(4, "little")
    # In the central list alone: the packed data still unpack to more.
    at = data.rfind(b"README.txt") - 46 + 24
    assert data[at : at + 4] == size
    lying = data[:at] + (entry.file_size - 1).to_bytes(4, "little") + data[at + 4 :]
    refused(store, io.BytesIO(lying), "damaged", "README.txt")


def test_a_writer_keeps_to_the_same_limits(monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 10)
    with pytest.raises(BadInput, match=r"the bundle would hold README\.txt of 11 bytes"):
        write_archive(io.BytesIO(), {"README.txt": b"12345678901"})


def test_a_cut_file_and_a_turned_bit(store, members):
    data = zipped(members).getvalue()
    refused(store, io.BytesIO(data[: len(data) // 2]), "no bundle of fairprune")
    with zipfile.ZipFile(io.BytesIO(data)) as box:
        entry = box.getinfo(one_named(members, "results/", "evaluation.json"))
    spot = entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2
    turned = data[:spot] + bytes([data[spot] ^ 0xFF]) + data[spot + 1 :]
    refused(store, io.BytesIO(turned), "damaged")


def test_hashes_are_those_of_the_manifest(store, members):
    name = one_named(members, "results/", "sparsity.json")
    refused(store, zipped({**members, name: members[name] + b" "}), name, "another SHA-256")
    refused(store, zipped({**members, "README.txt": b"other"}), "README.txt", "another SHA-256")
    refused(
        store, zipped({**members, "tables/more.parquet": b""}), "tables/more.parquet is not in its manifest"
    )
    stray = {**members, f"pictures/{'0' * 16}-layers.png": b"\x89PNG"}
    refused(store, resealed(stray), "belongs to no run of its manifest")
    less = {key: value for key, value in members.items() if key != name}
    refused(store, zipped(less), f"{name} is missing")


def test_a_newer_bundle_and_a_manifest_with_a_wrong_field(store, members):
    newer = edited(members, MANIFEST, lambda m: m.update(version=2, fairprune="9.0"))
    refused(store, zipped(newer), "format version 2, written by fairprune 9.0", "Install a newer one")
    for change in (
        lambda m: m.update(extra=1),
        lambda m: m.update(version="1"),
        lambda m: m.update(runs=[]),
        lambda m: m.pop("corpora"),
        lambda m: m["members"].update({"../x": {"sha256": "0", "bytes": 1}}),
        lambda m: m["runs"].append(m["runs"][0]),
    ):
        refused(store, zipped(edited(members, MANIFEST, change)), "manifest")


def test_an_id_that_is_not_what_it_names(store, members):
    def other_sparsity(manifest):
        manifest["runs"][0]["spec"]["pruning"]["sparsity"] = 0.75

    refused(store, resealed(edited(members, MANIFEST, other_sparsity)), "is not what its id says")
    sets = one_named(members, "opinion_sets/")
    text = edited(members, sets, lambda rows: rows[0]["opinions"][0].update(text="Put into their mouth."))
    refused(store, resealed(text), "opinion set", "is not what its id says")
    half = edited(members, sets, lambda rows: rows[0]["opinions"][0].update(text="\ud800"))
    refused(store, resealed(half), "opinions.0.text")
    half = edited(members, MANIFEST, lambda m: m["runs"][0]["spec"]["model"].update(name="\ud800"))
    refused(store, resealed(half), "half of a character")
    summaries = one_named(members, "summaries/")
    text = edited(members, summaries, lambda value: value["rows"][0].update(text="never written"))
    refused(store, resealed(text), summaries, "is not what its id says")


def test_a_spec_that_this_version_cannot_read(store, members):
    from fairprune.bundle.read import canonical
    from fairprune.spec import content_hash

    manifest = json.loads(members[MANIFEST])
    entry = manifest["runs"][0]
    old = entry["id"]
    entry["spec"]["pruning"]["method"] = "from the future"
    new = entry["id"] = content_hash(canonical(entry["spec"]))
    moved = {
        name.replace(old, new): data.replace(old.encode(), new.encode()) for name, data in members.items()
    }
    moved[MANIFEST] = json.dumps(manifest).encode()
    refused(store, resealed(moved), "cannot be read by this version of fairprune", "from the future")


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("evaluation", lambda e: e["metrics"]["bur"]["dense"].update(n="<img src=x onerror=alert(1)>")),
        ("evaluation", lambda e: e["quality"]["words"]["dense"].update(value="7")),
        ("evaluation", lambda e: e.pop("samples")),
        ("evaluation", lambda e: e["samples"].pop()),
        ("evaluation", lambda e: e["samples"][0]["dense"].update(labels=[["a", "b"]])),
        ("evaluation", lambda e: e["groups"][0].pop("group")),
        ("evaluation", lambda _: []),
        ("sparsity", lambda s: s.update(achieved=2.0)),
        ("sparsity", lambda s: s["matrices"][0].update(rows="4")),
        ("generation", lambda g: g["systems"]["dense"].update(id="0" * 16)),
        ("generation", lambda g: g["systems"]["dense"].update(id="../../x")),
        ("generation", lambda g: g["systems"].update(pruned=g["systems"]["dense"], dense=g["systems"]["pruned"]) or g["sets"].reverse()),
        ("perplexity", lambda p: p["opinions"].update(ratio="2.5")),
        ("perplexity", lambda p: p.update({"<b>": p["general"]})),
        ("perplexity", lambda p: p.pop("general")),
        # What a page looks up by name or by place, and would not find.
        ("evaluation", lambda e: e["metrics"]["bur"].pop("pruned")),
        ("evaluation", lambda e: e["quality"]["words"].pop("difference")),
        ("evaluation", lambda e: e["metrics"]["bur"]["difference"].pop("margin")),
        ("evaluation", lambda e: e["metrics"]["bur"]["difference"].update(verdict="<b>proven</b>")),
        ("evaluation", lambda e: e["degenerate"].pop("dense")),
        ("evaluation", lambda e: e["samples"][0].pop("pruned")),
        ("evaluation", lambda e: e["samples"][0].update(pruned=None)),
        ("evaluation", lambda e: e["samples"][0]["dense"].pop("bur")),
        ("evaluation", lambda e: e["samples"][0]["dense"]["p_x"].update(fresh=None)),
        ("evaluation", lambda e: e["samples"][0]["dense"]["p_x"].update(fresh=7.0)),
        ("evaluation", lambda e: e["samples"][0]["dense"]["evidence"].pop()),
        ("evaluation", lambda e: e["samples"][0]["dense"].update(evidence=[[[99, 0.5]] for _ in e["samples"][0]["dense"]["labels"]])),
        ("evaluation", lambda e: e["classifier"]["confusion"].pop()),
        ("evaluation", lambda e: e["classifier"]["confusion"][0].pop()),
        ("evaluation", lambda e: e["classifier"].pop("held_out_by")),
        ("evaluation", lambda e: e["classifier"].update(reliability=None)),
        ("evaluation", lambda e: e["metrics"]["bur"]["dense"].update(bounds={"low_fair": "<b>"})),
        ("generation", lambda g: g["systems"].pop("pruned")),
        ("sparsity", lambda s: s.update(matrices=[])),
    ],
)  # fmt: skip
def test_documents_of_another_shape(store, members, member, change):
    refused(
        store, resealed(edited(members, one_named(members, "results/", f"{member}.json"), change)), "damaged"
    )


@pytest.mark.parametrize(
    ("start", "change"),
    [
        ("runs/", lambda r: r.update(name="n" * 121)),
        ("runs/", lambda r: r.update(origin="here")),
        ("runs/", lambda r: r.update(created="yesterday")),
        ("runs/", lambda r: r["log"].append(r["log"][0])),
        ("opinion_sets/", lambda rows: rows[0].update(composition="<b>")),
        ("opinion_sets/", lambda rows: rows[0].update(first_group="rotten")),
        ("opinion_sets/", lambda rows: rows[0].update(corpus="elsewhere")),
        ("opinion_sets/", lambda rows: rows.pop()),
        ("opinion_sets/", lambda _: {}),
        ("sweeps", lambda s: s[0].update(run_ids=["0" * 16])),
        ("sweeps", lambda s: s[0].update(title=7)),
    ],
)
def test_other_members_of_another_shape(store, members, start, change):
    refused(store, resealed(edited(members, one_named(members, start), change)), "damaged")


def test_json_that_is_not_json():
    assert load_json(b'[1.5, "1e999", -1e-400, 1e308]', "x") == [1.5, "1e999", -0.0, 1e308]
    deep = b"[" * 200_000
    for data in (b"[NaN]", b"[Infinity]", b"[1e999]", b"[" + b"9" * 400 + b".0]", b"\xff", deep, b"9" * 5000):
        with pytest.raises(BadInput, match="x cannot be read"):
            load_json(data, "x")


def test_json_that_python_reads_and_nothing_after_it():
    """What would fail in a database, a data frame, a chart or a copy, each at another place."""
    assert load_json(b"[9223372036854775807, 0.1234567890123456789, -5]", "x") == [
        2**63 - 1,
        0.1234567890123456789,
        -5,
    ]
    assert load_json(b"[" * 32 + b"]" * 32, "x") and load_json(b'{"a":' * 31 + b"[]" + b"}" * 31, "x")
    for data, why in (
        (b"[9223372036854775808]", "beyond 64 bits"),
        (b'{"n": -' + b"9" * 30 + b"}", "beyond 64 bits"),
        (b"[" * 33 + b"]" * 33, "more than 32 levels"),
        (b"[[]," * 33 + b"[]" + b"]" * 33, "more than 32 levels"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "more than 32 levels"),
        (json.dumps(dict.fromkeys(map(str, range(4097)))).encode(), "an object of 4,097 keys"),
    ):
        with pytest.raises(BadInput, match=f"x cannot be read .*{why}"):
            load_json(data, "x")


def test_a_million_wrong_items_are_one_error():
    """Each error holds a kilobyte: as many as fit into a member would take all memory before the first is told."""
    for model, value in (
        (Evaluation, {"samples": [0] * 1000}),
        (Scores, {"evidence": [[[0, "x"]] * 1000] * 1000}),
        (Calibration, {"windows": [[0] * 1000] * 1000}),
        (Evaluation, {"metrics": {"bur": dict.fromkeys(map(str, range(1000)))}}),
        (Picture, {"shares": 0}),
        (Distribution, {"counts": ["x"] * 1000, "most": [0] * 1000}),
    ):
        with pytest.raises(ValidationError) as raised:
            model.model_validate(value)
        assert raised.value.error_count() < 20, model


def test_a_zip_whose_bytes_are_changed_anywhere_is_refused_in_words():
    """Every byte of headers and lists, in turn: what is raised is a sentence, or nothing changed that is read."""
    small = {MANIFEST: b"{}", "README.txt": b"x" * 20, "sweeps.json": b"[]"}
    data = zipped(small).getvalue()
    refusals = 0
    for place in range(len(data)):
        for flip in (0x01, 0x80, 0xFF):
            changed = data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :]
            try:
                with Archive(io.BytesIO(changed)) as box:
                    for name in box:
                        box.read(name)
            except BadInput:
                refusals += 1
    assert refusals > len(data)


def test_numbers_that_no_column_holds_and_times_that_no_calendar_has(store, members):
    log, summaries = one_named(members, "runs/"), one_named(members, "summaries/")
    for name, change in (
        (log, lambda r: r.update(attempt=2**31)),
        (log, lambda r: r["log"][0].update(number=2**62)),
        (log, lambda r: r["log"][0].update(time="0001-01-01T00:00:00+14:00")),
        (log, lambda r: r.update(finished="9999-12-31T23:59:59-14:00")),
        (summaries, lambda g: g["rows"][0].update(tokens=2**40)),
        (summaries, lambda g: g["rows"][0].update(position=2**40)),
        (one_named(members, "results/", "sparsity.json"), lambda s: s.update(weights=2**60)),
        (one_named(members, "results/", "evaluation.json"), lambda e: e.update(n_samples=2**60)),
    ):
        refused(store, resealed(edited(members, name, change)), "damaged")
    late = edited(members, MANIFEST, lambda m: m.update(created="9999-12-31T23:59:59-14:00"))
    refused(store, resealed(late), "manifest")


def test_a_manifest_that_tells_another_story_than_its_specs(store, members):
    for field, value in (("model", "other/model"), ("method", "wanda"), ("sparsity", 0.1), ("identity", "x")):
        told = edited(members, MANIFEST, lambda m, f=field, v=value: m["runs"][0].update({f: v}))
        refused(store, resealed(told), "something else than its spec does")
    long = edited(members, MANIFEST, lambda m: m["runs"][0]["spec"]["model"].update(name="n" * 30_000))
    refused(store, resealed(long), "characters: at most 20,000")
    for name in ("../movies", "movies\n", "user:", "Movies", ""):
        named = edited(members, MANIFEST, lambda m, n=name: m["corpora"].update({n: m["corpora"]["movies"]}))
        refused(store, resealed(named), "manifest is damaged")


def test_what_belongs_to_no_run_is_not_stored(store, members):
    """Nobody would see it, and nobody could delete it."""
    name = one_named(members, "summaries/")
    value = json.loads(members[name])
    rows = [SummaryRow(**{**row, "text": "never shown"}) for row in value["rows"]]
    key, content = generation_content(value["info"], rows)
    more = {**members, f"summaries/{key}.json": json.dumps(content).encode()}
    refused(store, resealed(more), f"generation {key} is of no run of it")
    sets = one_named(members, "opinion_sets/")
    row = json.loads(members[sets])[0]
    row["topic"] = "hidden"
    opinions = tuple(Opinion(topic="hidden", **one) for one in row["opinions"])
    row["id"] = opinion_set_id("movies", "hidden", opinions)
    refused(
        store,
        resealed(edited(members, sets, lambda rows: rows.append(row))),
        f"opinion set {row['id']} is of no run",
    )


def test_names_of_runs_are_one_line(store, members):
    name = one_named(members, "runs/")
    run_id = name.removeprefix("runs/").removesuffix(".json")
    read_bundle(store, resealed(edited(members, name, lambda r: r.update(name=" a\n\x00b\t"))))
    assert store.run(run_id).name == "a \ufffdb"
    with open_store("sqlite://") as other:
        read_bundle(other, resealed(edited(members, name, lambda r: r.update(name=" \n "))))
        assert other.run(run_id).name is None and other.run(run_id).label == other.run(run_id).title


def test_what_a_bundle_says_of_an_opinion_set_gives_way_to_the_corpus(store, members):
    """Composition and speaker are no part of a set's id: a bundle that was there first must not decide them for runs of here."""
    name = one_named(members, "opinion_sets/")

    def lie(rows):
        rows[0]["composition"] = "skewed:rotten"
        rows[0]["opinions"][0].update(speaker="nobody", source="elsewhere")

    read_bundle(store, resealed(edited(members, name, lie)))
    own = {one.id: one for one in SETS}
    changed = [key for key, one in store.sets(own).items() if one != own[key]]
    assert len(changed) == 1
    store.put_sets(SETS, "movies")
    assert store.sets(own) == own
    read_bundle(store, zipped(members))  # and the other way round it stays
    assert store.sets(own) == own


def test_statistics_that_a_bundle_names_are_no_ground_for_questions(store, members):
    """Whoever explores live loads the model of a run: never one that a bundle names."""
    run_id = one_named(members, "runs/").removeprefix("runs/").removesuffix(".json")
    place = Place("0" * 64, "float32", "cpu", "windows")
    place.path("inputs").write_bytes(b"as if they were here")
    named = {"reused": True, "place": asdict(place)}
    file = {**members, f"results/{run_id}/statistics.json": json.dumps(named).encode()}
    read_bundle(store, resealed(file))
    assert store.result(run_id, "statistics") == named and grounds(store) == []
    with open_store("sqlite://") as other:
        bad = {**members, f"results/{run_id}/statistics.json": b'{"reused": true, "place": {"weights": []}}'}
        refused(other, resealed(bad), "statistics.json has place.weights")


def test_results_of_a_kind_that_is_not_known_are_left_out(store, members):
    run_id = one_named(members, "runs/").removeprefix("runs/").removesuffix(".json")
    found = read_bundle(store, resealed({**members, f"results/{run_id}/voices.json": b'{"a": "b"}'}))
    assert (
        found.left_out == ("voices",) and "not known to this version and left out: voices" in found.sentence()
    )
    assert store.result(run_id, "voices") is None and store.result(run_id, "sparsity") is not None


def test_a_database_that_fails_in_the_middle_keeps_nothing(store, members):
    with store._writer.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER stop BEFORE INSERT ON logs BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    with pytest.raises(StoreError):
        read_bundle(store, zipped(members))
    assert store.runs() == []
    assert store._read(lambda c: c.exec_driver_sql("SELECT count(*) FROM opinion_sets").scalar()) == 0


def test_hostile_texts_come_through_as_texts(store, members):
    read_bundle(store, zipped(members))
    run = store.runs()[0]
    sets = store.sets(store.result(run.id, "generation")["sets"])
    assert HOSTILE in [opinion.text for one in sets.values() for opinion in one.opinions]


def test_equal_members_give_equal_files(members):
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        write_archive(file, members)
    assert files[0].getvalue() == files[1].getvalue()
    with Archive(files[0]) as box:
        assert set(box) == set(members)
