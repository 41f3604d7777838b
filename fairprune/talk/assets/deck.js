/* The file of a talk: all slides in one page, one of them shown. */
"use strict";
(() => {
  const story = JSON.parse(document.getElementById("story").textContent);
  const { draw, make, meaning, releaseSliders } = fairpruneTalk;
  const deck = document.getElementById("deck");
  const marks = document.getElementById("marks");
  const counter = document.getElementById("counter");
  const back = document.getElementById("back");
  const next = document.getElementById("next");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const plotted = [];
  const drawn = [];
  let at = -1;

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const text = style.getPropertyValue("--text").trim();
    const line = style.getPropertyValue("--line").trim();
    const ground = style.getPropertyValue("--ground").trim();
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      "font.color": text,
      "font.family": "system-ui, sans-serif",
      "xaxis.gridcolor": line,
      "yaxis.gridcolor": line,
      "xaxis.linecolor": line,
      "yaxis.linecolor": line,
      "hoverlabel.bgcolor": ground,
      "hoverlabel.font.color": text,
      "hoverlabel.bordercolor": line,
      "hoverlabel.align": "left",
    };
  }

  function plot(node, figure) {
    plotted.push([node, figure]);
  }

  /* Lettering follows the size of the page's own text. */
  function lettering() {
    const size = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const narrow = window.innerWidth < 700;
    return {
      "font.size": Math.round((narrow ? 0.76 : 0.8) * size),
      "legend.font.size": Math.round(0.76 * size),
      "xaxis.tickfont.size": Math.round((narrow ? 0.62 : 0.74) * size),
      "yaxis.tickfont.size": Math.round(0.74 * size),
      "hoverlabel.font.size": Math.round(0.74 * size),
    };
  }

  function paint() {
    return Promise.all(
      plotted.map(([node, figure]) => {
        const asked = { ...colours(), ...lettering() };
        if (node.data) return Plotly.relayout(node, asked);
        return Plotly.newPlot(node, figure.data, JSON.parse(JSON.stringify(figure.layout)), {
          responsive: true,
          displaylogo: false,
          displayModeBar: false,
          scrollZoom: false,
        }).then(() => Plotly.relayout(node, asked));
      }),
    );
  }

  story.slides.forEach((slide, place) => {
    const node = make("section", "slide");
    node.id = `slide-${place + 1}`;
    node.setAttribute("aria-label", `Slide ${place + 1} of ${story.slides.length}: ${slide.name}`);
    const inner = make("div", "slide-inner");
    const title = make(place ? "h2" : "h1", "slide-title", slide.title);
    title.tabIndex = -1;
    inner.append(title);
    node.append(inner);
    deck.append(node);
    drawn.push({ node, title, ...draw(inner, slide.blocks, { plot }) });
    const mark = make("a", "mark");
    mark.href = `#${place + 1}`;
    mark.title = slide.name;
    const name = make("span", "mark-name", slide.name);
    mark.append(make("i"), name);
    const item = make("li");
    item.append(mark);
    marks.append(item);
  });

  function wanted() {
    const number = Number.parseInt(window.location.hash.slice(1), 10);
    return Number.isInteger(number) ? Math.min(Math.max(number, 1), drawn.length) - 1 : 0;
  }

  function show(place, focus) {
    if (place === at) return;
    at = place;
    drawn.forEach(({ node }, other) => {
      node.classList.toggle("shown", other === at);
      node.inert = other !== at;
    });
    Array.from(marks.querySelectorAll(".mark")).forEach((mark, other) => {
      if (other === at) mark.setAttribute("aria-current", "step");
      else mark.removeAttribute("aria-current");
    });
    counter.textContent = `${at + 1} / ${drawn.length}`;
    back.disabled = at === 0;
    next.disabled = at === drawn.length - 1;
    document.title = `${at + 1}. ${story.slides[at].title} · ${story.title}`;
    drawn[at].node.scrollTop = 0;
    if (focus) drawn[at].title.focus({ preventScroll: true });
  }

  function go(place) {
    const to = Math.min(Math.max(place, 0), drawn.length - 1);
    // A new entry of the history per slide: the browser's back button leafs back.
    if (to === at) return;
    window.location.hash = `#${to + 1}`;
    show(to, true); // the event comes later, and a key that is pressed before it would count from the old slide
  }

  const actions = {
    next: () => go(at + 1),
    back: () => go(at - 1),
    first: () => go(0),
    last: () => go(drawn.length - 1),
    reveal: () => drawn[at].reveal(),
  };
  document.addEventListener("keydown", (event) => {
    const action = meaning(event);
    if (!action) return;
    event.preventDefault();
    actions[action]();
  });
  window.addEventListener("hashchange", () => show(wanted(), true));
  back.addEventListener("click", actions.back);
  next.addEventListener("click", actions.next);
  releaseSliders(deck);

  // A swipe leafs where it is clearly sideways and does not begin on something that is dragged itself.
  let start = null;
  deck.addEventListener(
    "touchstart",
    (event) => {
      const own = event.target.closest("input, .js-plotly-plot, .fv-dial");
      start = own || event.touches.length > 1 ? null : { x: event.touches[0].clientX, y: event.touches[0].clientY };
    },
    { passive: true },
  );
  deck.addEventListener(
    "touchend",
    (event) => {
      if (!start || String(window.getSelection())) return;
      const x = event.changedTouches[0].clientX - start.x;
      const y = event.changedTouches[0].clientY - start.y;
      start = null;
      if (Math.abs(x) > 60 && Math.abs(x) > 2 * Math.abs(y)) (x < 0 ? actions.next : actions.back)();
    },
    { passive: true },
  );

  show(wanted(), false);
  paint().then(() => document.documentElement.classList.add("ready"));
  dark.addEventListener("change", paint);
  // On paper figures have the size of the paper, whatever window they were drawn in.
  window.addEventListener("beforeprint", () => {
    for (const [node] of plotted) {
      const beside = node.closest(".ft-figures").children.length;
      const size = { width: beside > 1 ? 500 : 1030, height: 330, autosize: false };
      const letters = { "font.size": 13, "legend.font.size": 12, "xaxis.tickfont.size": 12, "yaxis.tickfont.size": 12 };
      Plotly.relayout(node, { ...size, ...letters, "font.color": "#18212c" });
    }
  });
  window.addEventListener("afterprint", () => {
    for (const [node] of plotted) Plotly.relayout(node, { width: null, height: null, autosize: true });
    paint();
  });
  let resting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(resting);
    resting = setTimeout(paint, 150);
  });
})();
