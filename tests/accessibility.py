"""What a page does to people who read it by key, by ear or with weak eyes: axe-core's findings, and parts that jump while it loads."""

from __future__ import annotations

from dataclasses import dataclass

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")


@dataclass(frozen=True)
class Known:
    """A finding that Streamlit makes and that cannot be changed from outside."""

    rule: str
    selector: str
    """Of the element itself."""
    reason: str


BY_STREAMLIT: tuple[Known, ...] = ()

_WATCH = """
window.__shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    // The frame itself moves once, when Streamlit's side bar comes: before there is anything to read in it.
    const block = document.querySelector('[data-testid="stMainBlockContainer"]');
    const frame = entry.sources.length && entry.sources.every(({ node }) => node?.contains?.(block));
    if (!entry.hadRecentInput && !frame) {
      const nodes = entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 160) ?? node?.nodeName ?? "");
      window.__shifts.push([entry.startTime, entry.value, nodes]);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""


def watch_shifts(page: Page) -> None:
    """Before the page is opened: notes what moves without anybody having touched it."""
    page.add_init_script(_WATCH)


def layout_shift(page: Page) -> tuple[float, list[str]]:
    """The cumulative layout shift of what stands on the page, as web.dev defines it, and what moved in it.

    Shifts less than 1 s apart make a window of at most 5 s; the largest sum of a window counts. Below 0.1 is good.
    """
    largest, moved = 0.0, []
    window: list[tuple[float, float, list[str]]] = []
    for time, value, nodes in page.evaluate("() => window.__shifts"):
        if window and (time - window[-1][0] > 1000 or time - window[0][0] > 5000):
            window = []
        window.append((time, value, nodes))
        if (total := sum(one[1] for one in window)) > largest:
            largest = total
            moved = [f"{one[1]:.3f} at {one[0]:.0f} ms: {'; '.join(one[2])}" for one in window]
    return largest, moved


def grave(page: Page) -> list[str]:
    """Serious and critical violations on the page as it is, without those that Streamlit itself makes."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{violation['impact']} {violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in found
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
        if not _known(page, violation["id"], node["target"])
    ]


def _known(page: Page, rule: str, target: list[str]) -> bool:
    selectors = [known.selector for known in BY_STREAMLIT if known.rule == rule]
    matches = "([path, known]) => known.some((one) => document.querySelector(path)?.matches(one))"
    return bool(selectors) and bool(page.evaluate(matches, [target[-1], selectors]))
