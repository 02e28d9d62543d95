// Copies the text that a button names in data-copy. Without a clipboard (a page over plain HTTP) it selects the text instead.
import { say } from "./announcer.js";

const SHOWN_MS = 2000;

function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // No clipboard, or not allowed: a selection can still be copied, by the browser's old command or by hand.
    select(element);
    return document.execCommand("copy");
  }
}

export function watchCopyButtons() {
  document.body.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const done = await copy(document.getElementById(button.dataset.copy));
    button.textContent = done ? "Copied" : "Selected";
    say(done ? "Copied." : "Selected. Copy it with Control and C.");
    setTimeout(() => (button.textContent = "Copy"), SHOWN_MS);
  });
}
