/* Between Streamlit and the slides: appended to voices.js and talk.js, not part of the file of a talk. */
const fairprunePress = (name) => {
  const button = document.querySelector(`.st-key-talk-${name} button`);
  if (button && !button.disabled) button.click();
  return Boolean(button);
};

export default function (component) {
  const { data, parentElement } = component;
  const text = JSON.stringify(data.blocks);
  if (parentElement.fairpruneText !== text) {
    parentElement.fairpruneText = text;
    // The style sheet of the component stands beside it.
    let root = parentElement.querySelector(":scope > .ft");
    if (!root) {
      root = document.createElement("div");
      root.className = "ft";
      parentElement.append(root);
    }
    root.replaceChildren();
    parentElement.fairpruneDrawn = fairpruneTalk.draw(root, data.blocks);
    if (!root.fairpruneReleased) fairpruneTalk.releaseSliders(root);
    root.fairpruneReleased = true;
  }
  if (!data.keys) return () => {};
  // Before Streamlit's own keys: there R draws the page anew.
  const onKey = (event) => {
    const action = fairpruneTalk.meaning(event);
    if (!action) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (action === "reveal" && !fairprunePress("reveal")) parentElement.fairpruneDrawn.reveal();
    else if (action !== "reveal") fairprunePress(action);
  };
  document.addEventListener("keydown", onKey, true);
  return () => document.removeEventListener("keydown", onKey, true);
}
