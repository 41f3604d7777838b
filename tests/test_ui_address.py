"""What the address holds, what the session remembers, and what the back button takes back."""

from streamlit.testing.v1 import AppTest

from fairprune.ui.address import choices, whole


def page() -> None:
    import streamlit as st

    from fairprune.ui.address import arrive, bind, carried, keep, tell_by

    arrive(st.query_params.get("at", "Summaries"))
    tell_by(st.error)
    st.radio(
        "Order",
        ["drawn", "change"],
        key=bind("order", ["drawn", "change"], "drawn"),
        on_change=keep,
        args=("order",),
    )
    st.text(f"order {carried('order')}, run {carried('run')}")


def opened() -> AppTest:
    app = AppTest.from_function(page, default_timeout=30)
    app.query_params["run"] = "abc"
    return app.run()


def test_back_takes_a_first_choice_back():
    app = opened()
    assert app.text[0].value == "order None, run abc"
    app.radio[0].set_value("change").run()
    assert app.query_params["order"] == "change" and app.radio[0].value == "change"
    del app.query_params["order"]  # the address before the choice
    app.run()
    assert (app.radio[0].value, app.text[0].value) == ("drawn", "order None, run abc")
    app.query_params["order"] = "change"  # and forward again
    app.run()
    assert app.radio[0].value == "change"


def test_another_page_keeps_what_was_chosen():
    app = opened()
    app.radio[0].set_value("change").run()
    del app.query_params["order"]
    app.query_params["at"] = "Layers"  # a link to another page does not hold the order
    app.run()
    assert app.text[0].value == "order change, run abc"
    assert app.query_params["order"] == "change"


def test_an_unusable_value_is_said_once_and_taken_out():
    app = AppTest.from_function(page, default_timeout=30)
    app.query_params["order"] = "dran"
    app.run()
    right = "did you mean 'drawn'? Known: drawn, change"
    assert [error.value for error in app.error] == [f"order=dran in the address cannot be used: {right}"]
    assert "order" not in app.query_params and app.radio[0].value == "drawn"
    app.run()
    assert not app.error
    app.query_params["order"] = (
        "dran"  # the back button, through the old address: nothing moves, and nothing is said again
    )
    app.run()
    assert not app.error and app.query_params["order"] in ("dran", ["dran"])
    app.radio[0].set_value("change").run()
    assert app.query_params["order"] in ("change", ["change"])


def several() -> None:
    import streamlit as st

    from fairprune.ui.address import arrive, bind, carried, carry, keep

    arrive("Summaries")
    for name in ("order", "view", "sample"):
        values = ["1", "2", "3"] if name == "sample" else ["first", "second", "third"]
        st.selectbox(name, values, key=bind(name, values, values[0]), on_change=keep, args=(name,))
    st.button("Next", on_click=carry, args=("sample", str(int(carried("sample") or "1") + 1)))
    st.button("Nothing")


def pressed(app: AppTest, address: dict[str, str]) -> dict[str, str]:
    """Sends what was pressed with this address; what the widgets show then."""
    app.query_params.clear()
    app.query_params.update(address)
    app.run()
    assert not app.exception
    shown = {box.label: str(box.value) for box in app.selectbox}
    written = {
        name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()
    }
    assert {name: shown[name] for name in written} == written
    return shown


def test_a_press_with_the_address_from_before_undoes_nothing():
    app = AppTest.from_function(several, default_timeout=30)
    app.query_params["order"] = "first"
    before = {"order": "first"}
    app.run()
    app.selectbox[0].set_value("second")
    assert pressed(app, before) == {"order": "second", "view": "first", "sample": "1"}
    app.selectbox[1].set_value("third")
    assert pressed(app, before) == {"order": "second", "view": "third", "sample": "1"}
    app.button[1].click()  # one that keeps nothing
    assert pressed(app, before) == {"order": "second", "view": "third", "sample": "1"}
    app.selectbox[0].set_value("first")  # and back to what the late address says
    assert pressed(app, before) == {"order": "first", "view": "third", "sample": "1"}


def test_what_a_browser_has_not_heard_yet_undoes_nothing():
    app = AppTest.from_function(several, default_timeout=30)
    app.query_params["sample"] = "1"
    app.run()
    app.button[0].click()
    assert pressed(app, {"sample": "1"})["sample"] == "2"
    app.selectbox[2].set_value("1")  # what the browser still holds
    app.selectbox[0].set_value("second")
    assert pressed(app, {"sample": "1"}) == {"order": "second", "view": "first", "sample": "2"}
    app.selectbox[2].set_value("1")  # it has heard, and a person goes back
    assert pressed(app, {"sample": "2", "order": "second"})["sample"] == "1"


def test_an_old_address_that_no_press_brings_is_where_a_person_goes():
    app = AppTest.from_function(several, default_timeout=30)
    app.query_params["order"] = "first"
    app.run()
    app.selectbox[0].set_value("second").run()
    assert pressed(app, {"order": "first"})["order"] == "first"
    assert pressed(app, {"order": "third", "view": "second"})["order"] == "third"
    assert pressed(app, {})["order"] == "first"


def cut_off() -> None:
    import streamlit as st

    from fairprune.ui.address import arrive, bind

    arrive("Summaries")
    # No callback: as where the next press ended it before it had done anything.
    st.selectbox("order", ["first", "second"], key=bind("order", ["first", "second"], "first"))


def test_a_choice_whose_callback_was_cut_off_is_kept():
    app = AppTest.from_function(cut_off, default_timeout=30).run()
    app.selectbox[0].set_value("second").run()
    assert app.query_params["order"] in ("second", ["second"]) and app.selectbox[0].value == "second"


def test_an_empty_value_goes_without_a_word():
    app = AppTest.from_function(page, default_timeout=30)
    app.query_params["order"] = ""
    app.run()
    assert not app.error and "order" not in app.query_params


def test_choices_in_words():
    assert choices("x", ["0", "1", "2"]) == "give a whole number from 0 to 2"
    assert choices("x", ["0", "1"]) == "Known: 0, 1"
    assert choices("0", ["2:4", "4:8", "own"]) == "Known: 2:4, 4:8, own"


def test_whole_numbers():
    assert [whole(text, 20) for text in ("1", "20", "007")] == [1, 20, None]
    for text in ("", "0", "21", "-1", "1.5", "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT TWO}", "9" * 5000):
        assert whole(text, 20) is None, text
