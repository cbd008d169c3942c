// The field in which one types: it grows with what is in it, and the arrows bring back what was said.

const RECALL_MAX = 100;

/**
 * @param {HTMLFormElement} form
 * @param {HTMLTextAreaElement} input
 * @param {(line: string) => void} say
 */
export function compose(form, input, say) {
  const recall = { lines: [], at: 0, draft: "" };

  /** As high as its text; the style sheet has a bound. */
  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight + input.offsetHeight - input.clientHeight}px`;
  };

  const write = (text) => {
    input.value = text;
    input.setSelectionRange(text.length, text.length);
    grow();
  };

  /** Walks one's own lines; past the newest stands what was being typed. */
  const walk = (step) => {
    const at = recall.at + step;
    if (at < 0 || at > recall.lines.length) return;
    if (recall.at === recall.lines.length) recall.draft = input.value;
    recall.at = at;
    write(at === recall.lines.length ? recall.draft : recall.lines[at]);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const line = input.value;
    input.focus();
    if (line.trim() === "") return;
    if (recall.lines.at(-1) !== line) recall.lines.push(line);
    if (recall.lines.length > RECALL_MAX) recall.lines.shift();
    recall.at = recall.lines.length;
    write("");
    say(line);
  });

  input.addEventListener("input", grow);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return; // such as an arrow among candidates
    const { key, shiftKey } = event;
    const isRecalled = recall.at < recall.lines.length && input.value === recall.lines[recall.at];
    if (key === "Enter" && !shiftKey) form.requestSubmit();
    else if (key === "ArrowUp" && !shiftKey && (input.value === "" || isRecalled)) walk(-1);
    else if (key === "ArrowDown" && !shiftKey && isRecalled) walk(1);
    else return;
    event.preventDefault();
  });

  /** Puts words there, if there are none, for somebody to go on with. */
  return function begin(words) {
    if (input.value === "") write(words);
    input.focus();
  };
}
