/* Between Streamlit and the renderer: appended to voices.js, not part of a talk. */
const fairpruneMounted = new WeakMap();
const FAIRPRUNE_REST = 450; // ms without another step after which the page is told: arrow keys and quick drags tell it once
const FAIRPRUNE_LATE = 1500; // ms after which an answer to an earlier choice counts

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  let mounted = fairpruneMounted.get(parentElement);
  if (!mounted) {
    const root = document.createElement("div");
    parentElement.append(root);
    mounted = { root, text: null, handle: null, timer: null, late: null, told: null };
    fairpruneMounted.set(parentElement, mounted);
  }
  const text = JSON.stringify(data.view);
  const tell = (name, value) => {
    mounted.told = { name, value };
    setStateValue(name, value);
  };
  mounted.onStep = (value) => {
    clearTimeout(mounted.timer);
    mounted.timer = setTimeout(() => {
      mounted.timer = null;
      tell("step", value);
    }, FAIRPRUNE_REST);
  };
  mounted.onSentence = (id) => tell("sentence", id);
  if (text !== mounted.text) {
    mounted.text = text;
    clearTimeout(mounted.timer);
    mounted.timer = mounted.told = null;
    mounted.handle = fairpruneVoices.render(mounted.root, data.view, {
      step: data.step,
      sentence: data.sentence,
      onStep: (value) => mounted.onStep(value),
      onSentence: (id) => mounted.onSentence(id),
    });
  } else {
    // The page says what it was told: only a choice that it was not told of (the back button) moves anything here. An answer to an
    // earlier choice is waited out; where no other one follows, it counts.
    const told = mounted.told;
    const follow = () => {
      if (mounted.timer) return; // a person drags
      mounted.told = null;
      mounted.handle.go(data.step);
      mounted.handle.pin(data.sentence);
    };
    clearTimeout(mounted.late);
    if (told && data[told.name] === told.value) mounted.told = null;
    else if (told) mounted.late = setTimeout(follow, FAIRPRUNE_LATE);
    else follow();
  }
  return () => {
    clearTimeout(mounted.timer);
    clearTimeout(mounted.late);
  };
}
