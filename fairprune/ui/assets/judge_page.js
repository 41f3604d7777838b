/* A judge's page begins at its top when something new is shown, and a key that is held down counts once. */
const fairpruneTyping = (target) => target instanceof Element && Boolean(target.closest("input, textarea, select, [contenteditable]"));

export default function (component) {
  const { view } = component.data;
  if (window.fairpruneView !== undefined && window.fairpruneView !== view) {
    document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
    document.querySelector('[data-testid="stColumn"]:has(.st-key-judge-desk)')?.scrollTo(0, 0);
  }
  window.fairpruneView = view;
  // Before Streamlit's own keys, which listen at the document.
  const onKey = (event) => {
    if (event.repeat && /^([0-9a-z]|Enter)$/i.test(event.key) && !fairpruneTyping(event.target)) event.stopImmediatePropagation();
  };
  window.addEventListener("keydown", onKey, true);
  return () => window.removeEventListener("keydown", onKey, true);
}
