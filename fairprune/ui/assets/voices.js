/* Draws summaries and the opinions that their sentences rest on: fairpruneVoices.render(root, data, options).
 *
 * data.kind "drag": a slider over the stored sparsities of one sample; "compare": systems beside one another.
 * It comes from fairprune/voices.py and fairprune/ui/summaries.py, where everything is counted and worded; this file only draws.
 * Every text reaches the page through textContent. Nothing is loaded, and nothing is sent: what a person chose is handed to
 * options.onStep(value) and options.onSentence(id or null).
 */
"use strict";
const fairpruneVoices = (() => {
  const FOLD_AT = 480;
  const FOLDED = 360;
  const TONES = { better: "▲", worse: "▼", same: "=", missing: "–" };

  function make(tag, kind, text) {
    const node = document.createElement(tag);
    if (kind) node.className = kind;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  }

  /* A text of data, in its own direction; a long one is folded behind a button. */
  function prose(text, kind) {
    const node = make("div", kind);
    const words = make("span", "fv-words", text);
    words.dir = "auto";
    node.append(words);
    const signs = Array.from(text);
    if (signs.length <= FOLD_AT) return node;
    const short = signs.slice(0, FOLDED).join("") + "…";
    const button = make("button", "fv-fold");
    button.type = "button";
    const draw = (open) => {
      words.textContent = open ? text : short;
      button.textContent = open ? "Show less" : `Show all ${signs.length.toLocaleString("en")} characters`;
      button.setAttribute("aria-expanded", String(open));
    };
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      draw(button.getAttribute("aria-expanded") !== "true");
    });
    draw(false);
    node.append(" ", button);
    return node;
  }

  function letter(group) {
    const node = make("span", `fv-letter fv-shape${group.shape}`, group.letter);
    node.style.setProperty("--g", group.colour);
    node.setAttribute("aria-hidden", "true");
    return node;
  }

  /* A group's letter and name, with more words after it. */
  function badge(group, more) {
    const node = make("span", "fv-badge");
    node.style.setProperty("--g", group.colour);
    const name = make("bdi", "", group.name);
    node.append(letter(group), name);
    if (more) node.append(` ${more}`);
    return node;
  }

  /* A box that scrolls by itself where a style sheet limits its height: it fades out where more follows, and is then reached by key.
   *
   * Returns the box; `words` name it.
   */
  function scrolls(box, words) {
    if (box.tagName === "DIV") box.setAttribute("role", "group");
    const look = () => {
      const hidden = box.scrollHeight - box.clientHeight;
      box.classList.toggle("fv-more", hidden - box.scrollTop > 4);
      box.classList.toggle("fv-before", hidden > 4 && box.scrollTop > 4);
      if (hidden > 4) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    };
    box.classList.add("fv-scrolls");
    box.setAttribute("aria-label", words);
    box.addEventListener("scroll", look, { passive: true });
    const sizes = new ResizeObserver(look);
    const watch = () => {
      sizes.disconnect();
      for (const node of [box, ...box.children]) sizes.observe(node);
    };
    new MutationObserver(watch).observe(box, { childList: true });
    watch();
    return box;
  }

  function byName(groups) {
    return new Map(groups.map((group) => [group.name, group]));
  }

  /* The cards of a set's opinions, in their order. */
  function cards(data) {
    const groups = byName(data.groups);
    return data.opinions.map((entry, place) => {
      const node = make("li", "fv-opinion");
      const group = groups.get(entry.group);
      node.style.setProperty("--g", group.colour);
      const head = make("div", "fv-head");
      const score = make("span", "fv-score");
      const fate = make("span", "fv-fate");
      head.append(make("span", "fv-number", String(place + 1)), badge(group), fate, score);
      node.append(head, prose(entry.text, "fv-body"));
      return { node, score, fate, group, text: entry.text };
    });
  }

  /* Lights the opinions of the sentence under the pointer or focus, else of the one that was clicked. */
  function lamp(opinions) {
    let over = null;
    let pinned = null;
    const draw = () => {
      const on = over || pinned;
      opinions.forEach((card, place) => {
        const score = on ? on.scores.get(place) : undefined;
        card.node.classList.toggle("fv-lit", score !== undefined);
        card.node.classList.toggle("fv-back", Boolean(on) && score === undefined);
        card.score.textContent = score === undefined ? "" : `similarity ${score.toFixed(2)}`;
      });
    };
    const mark = (sentence, yes) => {
      sentence.node.classList.toggle("fv-pinned", yes);
      sentence.button.setAttribute("aria-pressed", String(yes));
    };
    return {
      over(sentence) {
        over = sentence;
        draw();
      },
      out(sentence) {
        if (over === sentence) over = null;
        draw();
      },
      pin(sentence) {
        const before = pinned;
        if (before) mark(before, false);
        pinned = before === sentence ? null : sentence;
        if (pinned) mark(pinned, true);
        draw();
        return pinned;
      },
      pinned: () => pinned,
      clear() {
        over = pinned = null;
        draw();
      },
    };
  }

  function restsOn(evidence) {
    if (!evidence.length) return "rests on no opinion";
    const named = evidence.map(([place, score]) => `${place + 1} (${score.toFixed(2)})`);
    const last = named.pop();
    return named.length ? `rests on opinions ${named.join(", ")} and ${last}` : `rests on opinion ${last}`;
  }

  function sentenceNode(said, place, groups, light, opinions, onPin) {
    const node = make("div", "fv-sentence");
    const group = said.group === null ? null : groups.get(said.group);
    if (group) node.style.setProperty("--g", group.colour);
    let body;
    if (said.changes) {
      body = make("div", "fv-body");
      const words = make("span", "fv-words");
      words.dir = "auto";
      for (const [kind, text] of said.changes) {
        if (kind === "=") words.append(text);
        else words.append(make(kind === "+" ? "ins" : "del", "", text.trimEnd()), text.slice(text.trimEnd().length));
      }
      body.append(words);
    } else {
      body = prose(said.text, "fv-body");
    }
    body.prepend(make("span", "fv-number", String(place + 1)));
    node.append(body);
    const foot = make("div", "fv-foot");
    if (said.label !== null) {
      const name = said.probability === null ? "" : said.probability;
      if (group) foot.append(badge(group, name));
      else foot.append(make("span", "fv-badge", `${said.label} ${name}`));
    }
    if (said.evidence === null) {
      if (foot.childNodes.length) node.append(foot);
      return node;
    }
    if (!said.evidence.length) {
      foot.append(make("span", "fv-note", restsOn(said.evidence)));
      node.append(foot);
      return node;
    }
    const button = make("button", "fv-rests", restsOn(said.evidence));
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    const sentence = { node, button, scores: new Map(said.evidence), id: said.id };
    const quotes = make("div", "fv-quotes");
    for (const [at] of said.evidence) {
      const line = make("div", "fv-quote");
      line.style.setProperty("--g", opinions[at].group.colour);
      const text = Array.from(opinions[at].text);
      const short = make("span", "", text.length > FOLDED ? text.slice(0, FOLDED).join("") + "…" : text.join(""));
      short.dir = "auto";
      line.append(make("span", "fv-number", String(at + 1)), letter(opinions[at].group), " ", short);
      quotes.append(line);
    }
    node.classList.add("fv-linked");
    node.addEventListener("mouseenter", () => light.over(sentence));
    node.addEventListener("mouseleave", () => light.out(sentence));
    button.addEventListener("focus", () => light.over(sentence));
    button.addEventListener("blur", () => light.out(sentence));
    node.addEventListener("click", () => {
      if (String(window.getSelection())) return; // a person who marks words to copy them chooses nothing
      const pinned = light.pin(sentence);
      if (onPin) onPin(pinned ? pinned.id : null);
    });
    foot.append(button);
    node.append(foot, quotes);
    return Object.assign(node, { fairpruneSentence: sentence });
  }

  function shares(summary, groups) {
    return summary.shares.map((row) => {
      const group = groups.get(row.group);
      const node = make("div", "fv-share");
      node.style.setProperty("--g", group.colour);
      const bar = make("span", "fv-bar");
      const fill = make("i");
      fill.style.width = `${100 * Math.min(1, row.share || 0)}%`;
      const tick = make("u");
      tick.style.left = `${100 * Math.min(1, row.fair)}%`;
      bar.append(fill, tick);
      node.append(badge(group), make("span", "fv-share-words", row.words), bar);
      return node;
    });
  }

  /* All that is known of one summary, as a list of nodes. */
  function summaryNodes(summary, groups, light, opinions, onPin) {
    if (summary.text === null) return [make("p", "fv-none", "There is no summary of this sample.")];
    const nodes = summary.text.trim()
      ? summary.sentences.map((said, place) => sentenceNode(said, place, groups, light, opinions, onPin))
      : [make("p", "fv-none", "The model wrote nothing.")];
    for (const words of summary.warnings) {
      const node = make("p", "fv-warning");
      const sign = make("span", "", "⚠ ");
      sign.setAttribute("aria-hidden", "true");
      node.append(sign, words);
      nodes.push(node);
    }
    nodes.push(...shares(summary, groups), ...summary.facts.map((fact) => make("p", "fv-note", fact)));
    return nodes;
  }

  function drag(root, data, options) {
    const groups = byName(data.groups);
    const opinions = cards(data);
    const light = lamp(opinions);
    const last = data.steps.length - 1;
    let at = -1;

    const dial = make("div", "fv-dial");
    const line = make("div", "fv-line");
    const big = make("strong", "fv-big");
    const title = make("span", "fv-title");
    const total = make("span", "fv-total");
    line.append(big, title, total);
    const label = make("label", "fv-slider");
    label.append(make("span", "fv-label", "Sparsity"));
    const input = make("input");
    input.type = "range";
    input.min = "0";
    input.max = String(last);
    input.step = "1";
    label.append(input);
    const ticks = make("div", "fv-ticks");
    ticks.setAttribute("aria-hidden", "true");
    data.steps.forEach((step, place) => {
      const tick = make("span", "", place === 0 ? "dense" : step.label);
      tick.style.left = `${last ? (100 * place) / last : 0}%`;
      ticks.append(tick);
    });
    const note = make("div", "fv-note");
    dial.append(line, label, ticks, note);

    const said = make("div", "fv-said");
    const saidHead = make("h2", "", "The summary");
    const saidBody = scrolls(make("div", "fv-said-body"), "The summary");
    said.append(saidHead, saidBody);
    const heard = make("div", "fv-heard");
    heard.append(make("h2", "", "Whose opinions it rests on"));
    const columns = make("div", "fv-columns");
    heard.append(columns);
    const counts = new Map();
    for (const group of data.groups) {
      const own = opinions.filter((card) => card.group === group);
      if (!own.length) continue;
      const column = make("section", "fv-group");
      column.style.setProperty("--g", group.colour);
      const head = make("h3");
      const count = make("span", "fv-count");
      const dots = make("span", "fv-dots");
      dots.setAttribute("aria-hidden", "true");
      own.forEach(() => dots.append(make("i")));
      head.append(badge(group), count);
      const list = make("ul", "fv-opinions");
      list.append(...own.map((card) => card.node));
      scrolls(list, `Opinions, ${group.name}`);
      column.style.setProperty("--n", own.length);
      column.append(head, dots, list);
      columns.append(column);
      counts.set(group.name, { count, dots, own });
    }

    const places = new Map(opinions.map((card, place) => [card, place]));

    function show(place) {
      at = Math.max(0, Math.min(last, place));
      const step = data.steps[at];
      input.value = String(at);
      input.setAttribute("aria-valuetext", `${at ? step.label : "dense, 0 %"}: ${step.total}`);
      big.textContent = at ? step.label : "0\u00a0%";
      title.textContent = step.title;
      total.textContent = step.heard === null ? "what it rests on was not computed" : step.total;
      note.textContent = step.note;
      light.clear();
      // The tallest summary so far keeps its place: what stands below it does not jump while one drags.
      saidBody.style.minHeight = `${Math.max(parseFloat(saidBody.style.minHeight) || 0, saidBody.offsetHeight)}px`;
      saidBody.replaceChildren(...summaryNodes(step.summary, groups, light, opinions, null));
      const loud = step.heard === null ? null : new Set(step.heard);
      opinions.forEach((card, i) => {
        card.node.classList.toggle("fv-dark", loud !== null && !loud.has(i));
        card.node.classList.toggle("fv-loud", loud !== null && loud.has(i));
        card.fate.textContent = step.fates[i];
      });
      for (const row of step.counts) {
        const found = counts.get(row.group);
        found.count.textContent = row.words;
        Array.from(found.dots.children).forEach((dot, i) => {
          dot.className = loud === null ? "" : loud.has(places.get(found.own[i])) ? "fv-on" : "fv-off";
        });
      }
      Array.from(ticks.children).forEach((tick, i) => tick.classList.toggle("fv-here", i === at));
    }

    input.addEventListener("input", () => {
      show(Number(input.value));
    });
    input.addEventListener("change", () => {
      if (options.onStep) options.onStep(data.steps[at].value);
    });
    const body = make("div", "fv-stage");
    body.append(said, heard);
    root.append(dial, body);
    const wanted = data.steps.findIndex((step) => step.value === options.step);
    show(wanted < 0 ? 0 : wanted);
    return {
      step: () => data.steps[at].value,
      go(value) {
        const place = data.steps.findIndex((step) => step.value === value);
        if (place >= 0 && place !== at) show(place);
      },
      pin() {},
    };
  }

  function changeRows(changes) {
    const list = make("div", "fv-changes");
    for (const row of changes) {
      const node = make("div", `fv-change fv-${row.tone}`);
      const values = make("span", "fv-values", `${row.before} → ${row.after}`);
      const words = make("span", "fv-change-words");
      const sign = make("span", "fv-sign", TONES[row.tone]);
      sign.setAttribute("aria-hidden", "true");
      words.append(sign, row.change ? `${row.change}: ${row.words}` : row.words);
      const name = make("b", "", row.name);
      name.dir = "auto";
      node.append(name, values, words);
      list.append(node);
    }
    return list;
  }

  function compare(root, data, options) {
    const groups = byName(data.groups);
    const opinions = cards(data);
    const light = lamp(opinions);
    const found = new Map();
    const grid = make("div", "fv-beside");
    const systems = make("div", "fv-grid");
    if (data.systems.length > 3) systems.classList.add("fv-many");
    const source = make("section", "fv-source");
    const sourceHead = make("h2", "", "Opinions on ");
    sourceHead.append(make("bdi", "", data.topic));
    const list = make("ol", "fv-opinions");
    list.append(...opinions.map((card) => card.node));
    scrolls(list, "Opinions");
    source.append(sourceHead, list);
    grid.append(source, systems);
    for (const system of data.systems) {
      const column = scrolls(make("section", "fv-system"), system.title);
      const head = make("h2");
      const mark = make("span", `fv-mark fv-mark-${system.mark}`);
      mark.style.setProperty("--g", system.colour);
      mark.setAttribute("aria-hidden", "true");
      head.append(mark, make("bdi", "", system.title));
      column.append(head);
      for (const words of system.notes) column.append(make("p", "fv-note", words));
      const nodes = summaryNodes(system.summary, groups, light, opinions, options.onSentence);
      for (const node of nodes) {
        if (node.fairpruneSentence) found.set(node.fairpruneSentence.id, node.fairpruneSentence);
      }
      column.append(...nodes);
      if (system.changes) {
        column.append(make("h3", "", "Against the dense model"), changeRows(system.changes));
      }
      systems.append(column);
    }
    root.append(grid);
    const pin = (id) => {
      const wanted = id ? found.get(id) : null;
      const now = light.pinned();
      if (wanted && wanted !== now) light.pin(wanted);
      if (!wanted && now) light.pin(now);
    };
    pin(options.sentence);
    return { step: () => null, go() {}, pin };
  }

  /* Replaces what stands in `root`.
   *
   * options.step, options.sentence: what is chosen at first; options.onStep(value), options.onSentence(id or null): called when
   * a person lets go of the slider, or clicks a sentence. Returns {step(), go(value), pin(id)}.
   */
  function render(root, data, options = {}) {
    root.replaceChildren();
    const frame = make("div", `fv fv-is-${data.kind}`);
    root.append(frame);
    return (data.kind === "drag" ? drag : compare)(frame, data, options);
  }

  return { render, make, letter, scrolls };
})();
