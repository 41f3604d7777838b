/* Draws the slides of a talk: fairpruneTalk.draw(root, slide, options). In the file and in the app alike; needs voices.js.
 *
 * A slide comes from fairprune/talk/slides.py as {name, title, blocks}; its kinds of blocks are the keys of `kinds` below. Every
 * text reaches the page through textContent. Nothing is loaded, and nothing is sent.
 *
 * options.plot(node, figure): draws a Plotly figure; without it the blocks of the kind "figures" are left out, for a page that
 * draws them itself. options.onReveal(): called when the pair's names are shown.
 */
"use strict";
const fairpruneTalk = (() => {
  const { make, letter, scrolls } = fairpruneVoices;

  function own(text, kind, tag = "span") {
    const node = make(tag, kind, text);
    node.dir = "auto";
    return node;
  }

  function flags(block) {
    const node = make("div", "ft-flags");
    node.setAttribute("role", "note");
    for (const text of block.texts) {
      const line = make("p");
      const sign = make("span", "ft-sign", "⚠ ");
      sign.setAttribute("aria-hidden", "true");
      line.append(sign, text);
      node.append(line);
    }
    return node;
  }

  function facts(block) {
    const node = make("dl", "ft-facts");
    for (const row of block.rows) node.append(make("dt", "", row.name), own(row.value, "", "dd"));
    return node;
  }

  function numbers(block) {
    const table = make("table", "ft-numbers");
    const head = make("tr");
    head.append(make("th", "", ""), ...block.heads.map((text) => Object.assign(make("th", "", text), { scope: "col" })));
    const top = make("thead");
    top.append(head);
    const body = make("tbody");
    for (const row of block.rows) {
      const line = make("tr");
      const name = make("th");
      name.scope = "row";
      name.append(make("b", "", row.name), make("small", "", row.direction), make("small", "", row.what));
      line.append(name);
      row.cells.forEach((cell, place) => {
        const node = make("td");
        node.dataset.head = block.heads[place];
        node.append(make("b", "", cell.value));
        for (const text of [cell.interval, cell.n, cell.verdict]) if (text) node.append(make("small", "", text));
        line.append(node);
      });
      body.append(line);
    }
    table.append(top, body);
    return table;
  }

  function figures(block, options) {
    const row = make("div", "ft-figures");
    for (const entry of block.figures) {
      const node = make("figure", "ft-figure");
      if (entry.title) node.append(make("figcaption", "", entry.title));
      const place = make("div", "ft-plot");
      place.setAttribute("role", "img");
      place.setAttribute("aria-label", entry.alt);
      node.append(place);
      row.append(node);
      options.plot(place, entry.figure);
    }
    return row;
  }

  function voices(block) {
    const node = make("div", "ft-voices");
    fairpruneVoices.render(node, block.view, { step: block.step });
    return node;
  }

  function opinions(block) {
    const groups = new Map(block.groups.map((group) => [group.name, group]));
    const list = make("ol", "ft-opinions");
    for (const entry of block.opinions) {
      const group = groups.get(entry.group);
      const node = make("li", "ft-opinion");
      node.style.setProperty("--g", group.colour);
      const head = make("span", "ft-group");
      head.append(letter(group), make("bdi", "", group.name));
      node.append(head, own(entry.text, "ft-words"));
      list.append(node);
    }
    return scrolls(list, "Opinions");
  }

  function judge(block, options) {
    const node = make("div", "ft-judge");
    node.append(make("p", "ft-question", block.question));
    const stage = make("div", "ft-stage");
    const source = make("section", "ft-source");
    const head = make("h3", "", "Opinions on ");
    head.append(make("bdi", "", block.topic));
    source.append(head, opinions(block));
    const sides = make("div", "ft-sides");
    const names = [];
    for (const side of block.sides) {
      const box = make("section", "ft-side");
      const title = make("h3", "", `Summary ${side.letter}`);
      const name = make("span", "ft-name");
      title.append(name);
      names.push([name, side]);
      const said = own(side.text, "ft-words ft-said", "div");
      box.append(title, scrolls(said, `Summary ${side.letter}`));
      sides.append(box);
    }
    stage.append(source, sides);
    const answers = make("div", "ft-answers");
    const buttons = block.answers.map((answer) => {
      const button = make("button", "", answer.words);
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      });
      return button;
    });
    answers.append(...buttons);
    const results = make("div", "ft-results");
    results.setAttribute("aria-live", "polite");
    const show = make("button", "ft-reveal", "Reveal which is which (R)");
    show.type = "button";
    const reveal = () => {
      if (results.childNodes.length) return;
      for (const [name, side] of names) {
        const mark = make("span", `fv-mark fv-mark-${side.mark}`);
        mark.style.setProperty("--g", side.colour);
        mark.setAttribute("aria-hidden", "true");
        name.append(": ", mark, side.title);
      }
      show.remove();
      if (block.results.flags.length) results.append(flags({ texts: block.results.flags }));
      results.append(numbers(block.results));
      node.classList.add("ft-revealed");
      results.scrollIntoView({ block: "nearest" });
      if (options.onReveal) options.onReveal();
    };
    show.addEventListener("click", reveal);
    answers.append(show);
    node.append(stage, answers, results);
    if (block.note) node.append(make("p", "ft-note", block.note));
    node.fairpruneReveal = reveal;
    return node;
  }

  const kinds = {
    lead: (block) => make("p", "ft-lead", block.text),
    note: (block) => own(block.text, "ft-note", "p"),
    flags,
    facts,
    numbers,
    figures,
    voices,
    judge,
  };

  /* Puts the blocks of a slide into `root`. Returns {reveal()}: shows the pair's names, where there is a pair. */
  function draw(root, blocks, options = {}) {
    let reveal = () => {};
    for (const block of blocks) {
      if (block.kind === "figures" && !options.plot) continue;
      const node = kinds[block.kind](block, options);
      node.classList.add("ft-block");
      root.append(node);
      if (node.fairpruneReveal) reveal = node.fairpruneReveal;
    }
    return { reveal };
  }

  /* What a key means in a talk, or null. A slider that has the focus, a text field and a menu keep their keys. */
  const KEYS = {
    ArrowRight: "next",
    PageDown: "next",
    ArrowLeft: "back",
    PageUp: "back",
    Home: "first",
    End: "last",
    r: "reveal",
    R: "reveal",
  };
  function meaning(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
    const found = KEYS[event.key] || null;
    const at = event.composedPath ? event.composedPath()[0] : event.target;
    if (!found || !(at instanceof Element)) return found;
    if (at.closest("select, textarea, [contenteditable=true], [role=listbox], [role=slider]")) return null;
    const field = at.closest("input");
    if (!field) return found;
    const arrow = event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End";
    return field.type === "range" && !arrow ? found : null;
  }

  /* After a drag the slider gives the arrow keys back; who came to it by key keeps them there. */
  function releaseSliders(root) {
    root.addEventListener("pointerup", (event) => {
      if (event.target instanceof HTMLInputElement && event.target.type === "range") {
        setTimeout(() => event.target.blur(), 0);
      }
    });
  }

  return { draw, meaning, releaseSliders, make };
})();
