// The panel's behaviour beyond the server's fragments: it is put together here, and each part is a file of its own.
import { announce } from "./announcer.js";
import { showTimes } from "./clock.js";
import { watchCopyButtons } from "./copy.js";
import { watchFocus } from "./focus.js";
import { watchLink } from "./link.js";
import { watchRefusals } from "./refusals.js";

// A form that somebody is filling in is theirs: fragments may remove it, and never change it under their hands.
window.Idiomorph.defaults.callbacks.beforeNodeMorphed = (old) => !(old instanceof Element && "kept" in old.dataset);

watchCopyButtons();
watchFocus();
watchLink();
watchRefusals();

showTimes();
announce({ silently: true });
document.body.addEventListener("htmx:afterSwap", () => {
  showTimes();
  announce();
});
