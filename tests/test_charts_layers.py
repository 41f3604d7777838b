"""The heatmap of the layers, of hand-made values: cells, scales, clicks, names."""

from __future__ import annotations

import time
from typing import Any

import pytest
from plotly.colors import sample_colorscale

from fairprune.charts import luminance
from fairprune.charts_layers import layer_heatmap, row_height, short_names
from fairprune.layer_cells import MEASURES, OVERLAP, measure_cells, overlap_cells
from fairprune.mask_overlap import Overlap
from tests.architectures import ARCHITECTURES

SPACE = "\N{NO-BREAK SPACE}"


def matrix(block: int, kind: str, **more: Any) -> dict[str, Any]:
    values = {
        "name": f"layers.{block}.{kind}",
        "block": block,
        "kind": kind,
        "rows": 4,
        "columns": 8,
        "asked": 0.5,
        "achieved": 0.5,
        "row_min": 0.25,
        "row_max": 0.75,
        "column_spread": 0.1,
        "dead_columns": 2,
        "score_removed": 0.25,
    }
    return {**values, **more}


def drawn(matrices: list[dict[str, Any]], measure: str, **more: Any) -> Any:
    return layer_heatmap(measure_cells(matrices, measure), MEASURES[measure], **more)


def test_cells_have_their_place_colour_and_number() -> None:
    figure = drawn(
        [
            matrix(1, "self_attn.q_proj", achieved=0.4),
            matrix(0, "self_attn.q_proj"),
            matrix(0, "mlp.up_proj", achieved=0.6),
        ],
        "achieved",
    )
    heat, markers, light = figure.data
    assert list(heat.x) == ["q", "up"] and list(heat.y) == ["0", "1"]
    assert [list(row) for row in heat.z] == [[0.5, 0.6], [0.4, None]]  # block 1 has no up_proj: empty
    # Cividis at 0.5 and 0.6 is light enough for black numbers; at 0.4 white has more contrast.
    assert [list(row) for row in heat.text] == [["50.0", "60.0"], ["", ""]]
    assert [list(row) for row in light.text] == [["", ""], ["40.0", ""]]
    assert [list(row) for row in light.z] == [[None, None], [0.4, None]]  # it covers no black number
    assert (light.zmin, light.zmax) == (0.0, 1.0) and light.showscale is False
    assert (heat.zmin, heat.zmax) == (0.0, 1.0)
    assert list(figure.layout.yaxis.range) == [1.5, -0.5]  # block 0 on top
    # What a click reports: where the cell is. An empty cell has no marker.
    assert [tuple(values[1:]) for values in markers.customdata] == [
        (1, "self_attn.q_proj"),
        (0, "self_attn.q_proj"),
        (0, "mlp.up_proj"),
    ]
    assert list(markers.x) == ["q", "q", "up"] and list(markers.y) == ["1", "0", "0"]
    assert markers.marker.opacity == 0 and figure.layout.hoverdistance == -1


def test_every_number_has_the_ink_of_the_higher_contrast() -> None:
    # WCAG: (lighter + 0.05) / (darker + 0.05). Mid grey #808080 is 128/255 = 0.502: ((0.502 + 0.055) / 1.055)^2.4 = 0.216.
    assert luminance((128 / 255,) * 3) == pytest.approx(0.2159, abs=1e-4)
    assert luminance((1, 0, 0)) == pytest.approx(0.2126) and luminance((0, 0, 0)) == 0
    for measure in ("achieved", "dead_columns", "score_removed"):
        matrices = [matrix(block, "q_proj", **_level(measure, block / 40)) for block in range(41)]
        figure = drawn(matrices, measure)
        dark, _, light = figure.data
        span = [(row[0] - dark.zmin) / (dark.zmax - dark.zmin) for row in dark.z]
        places = [min(1.0, max(0.0, place)) for place in span]
        colours = sample_colorscale([list(stop) for stop in dark.colorscale], places, colortype="tuple")
        seen = set()
        for colour, black, white in zip(colours, dark.text, light.text, strict=True):
            assert bool(black[0]) != bool(white[0])  # one ink each, no number twice or lost
            contrasts = {
                "black": (luminance(colour) + 0.05) / 0.05,
                "white": 1.05 / (luminance(colour) + 0.05),
            }
            used = "black" if black[0] else "white"
            assert contrasts[used] == max(contrasts.values()) >= 4.5
            seen.add(used)
        assert seen == {"black", "white"}
        assert (dark.textfont.color, light.textfont.color) == ("#000000", "#ffffff")


def _level(measure: str, value: float) -> dict[str, float]:
    return {"dead_columns": round(8 * value)} if measure == "dead_columns" else {measure: value}


def test_both_inks_are_fitted_to_the_longest_number() -> None:
    dark, _, light = drawn(
        [matrix(0, "q_proj", achieved=0.05), matrix(1, "q_proj", achieved=1.0)], "achieved"
    ).data
    assert ([list(row) for row in dark.text], [list(row) for row in light.text]) == (
        [[""], ["100.0"]],
        [["5.0"], [""]],
    )
    assert dark.texttemplate == "%{text}" and light.texttemplate == "%{text}" + 2 * "\u200b"


def test_the_chosen_cell_is_framed() -> None:
    matrices = [matrix(block, kind) for block in (3, 4) for kind in ("q_proj", "up_proj")]
    (frame,) = drawn(matrices, "achieved", chosen=(4, "up_proj")).layout.shapes
    assert frame.x0 < 1 < frame.x1 and frame.y0 < 1 < frame.y1  # second column, second row
    assert not drawn(matrices, "achieved", chosen=(9, "up_proj")).layout.shapes


def test_scale_is_fixed_whatever_the_values() -> None:
    for name, measure in MEASURES.items():
        small = drawn([matrix(0, "q_proj", score_removed=0.001, column_spread=0.001)], name).data[0]
        large = drawn([matrix(0, "q_proj", score_removed=0.9, column_spread=0.5)], name).data[0]
        assert small.zmax == large.zmax == measure.position(measure.top)
        assert small.zmin == large.zmin == measure.position(measure.bottom)
        assert measure.ticks[-1] == measure.top
        assert measure.bottom == (0.0001 if measure.scale == "log" else 0.0)


def test_square_root_scale() -> None:
    heat = drawn([matrix(0, "q_proj")], "dead_columns").data[0]
    assert heat.z[0][0] == 0.5  # √(2 of 8)
    assert list(heat.colorbar.tickvals)[3] == pytest.approx(0.1**0.5)
    assert list(heat.colorbar.ticktext)[3] == f"10{SPACE}%"


def test_logarithmic_scale_of_the_score() -> None:
    found = {"q_proj": 0.001, "k_proj": 0.01, "v_proj": 0.0, "o_proj": 0.00005, "up_proj": 1.0}
    heat, _, light = drawn(
        [matrix(0, kind, score_removed=value) for kind, value in found.items()], "score_removed"
    ).data
    # log10: 0.1 % is −3, 1 % is −2, nothing and less than 0.01 % stand at the lowest, −4; all of it is 0
    assert list(heat.z[0]) == pytest.approx([-3.0, -2.0, -4.0, -4.0, 0.0])
    assert (heat.zmin, heat.zmax) == (-4.0, 0.0)
    assert list(heat.colorbar.ticktext) == [f"{tick}{SPACE}%" for tick in ("≤ 0.01", "0.1", "1", "10", "100")]
    numbers = [dark or white for dark, white in zip(heat.text[0], light.text[0], strict=True)]
    assert numbers == ["0.10", "1.00", "0.00", "0.01", "100.00"]


def test_overlap_cells_say_what_chance_gives() -> None:
    # 8 weights, 4 and 4 kept, 3 by both: 3 of 5; by chance 2 of 6
    found = {"layers.0.q_proj": Overlap(8, 4, 4, 3, 2.0)}
    q, k = overlap_cells([matrix(0, "q_proj"), matrix(0, "k_proj")], found)
    assert (q.value, q.text) == (0.6, "60.0")
    assert f"kept: overlap 60.00{SPACE}%, by chance 33.33{SPACE}%" in q.hover
    assert k.value is None and "no mask in the other run" in k.hover
    assert layer_heatmap([q, k], OVERLAP).data[0].zmax == 1.0


def test_missing_score_leaves_the_cell_empty() -> None:
    heat, markers, _ = drawn([matrix(0, "q_proj", score_removed=None)], "score_removed").data
    assert heat.z[0][0] is None and heat.text[0][0] == ""
    assert "score removed –" in markers.customdata[0][0]


def test_hover_shows_names_as_text() -> None:
    markers = drawn([matrix(0, "q_proj", name="<b>x</b>")], "achieved").data[1]
    assert "&lt;b&gt;x&lt;/b&gt;" in markers.customdata[0][0]
    assert f"sparsity 50.000{SPACE}%" in markers.customdata[0][0]


def test_names_are_short_and_differ() -> None:
    assert short_names(["self_attn.q_proj", "mlp.down_proj"]) == ["q", "down"]
    assert short_names(["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]) == [
        "c_attn",
        "attn.c_proj",
        "c_fc",
        "mlp.c_proj",
    ]
    for name, architecture in ARCHITECTURES.items():
        short = short_names(list(architecture.matrices))
        assert len(set(short)) == len(short) and max(map(len, short)) <= 11, name


def test_eighty_blocks_get_room() -> None:
    figure = drawn([matrix(block, "q_proj") for block in range(80)], "achieved")
    assert figure.layout.height >= 80 * row_height(80) >= 80 * 14  # a number of 10 pixels fits
    assert figure.layout.yaxis.nticks == 80


def test_a_full_heatmap_is_made_in_under_a_second() -> None:
    kinds = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    matrices = [matrix(block, kind) for block in range(32) for kind in kinds]
    drawn(matrices[:1], "achieved").to_json()  # imports plotly
    start = time.perf_counter()
    text = drawn(matrices, "score_removed").to_json()
    seconds = time.perf_counter() - start
    print(f"drawn in {1000 * seconds:.0f} ms")
    assert seconds < 1.0
    assert text.count("layers.31.") == 7
