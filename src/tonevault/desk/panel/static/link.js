// The live connection: says when it is gone, notices when it died without a word, and leaves for the log-in page when the log-in has ended.

const GRACE_MS = 2000; // A stream that is renewed is back sooner; nobody needs to hear of it.
const SILENCE_MS = 16_000; // The server speaks every 5 seconds: three times nothing is a dead line.
const LOOK_MS = 1000;
const LOST = "The desk does not answer. What you see may be out of date; it connects again by itself.";

let source = null;
let heardAt = Date.now();
let grace = null;

function show(isUp) {
  const state = document.getElementById("link-state");
  state.classList.toggle("up", isUp);
  state.textContent = isUp ? "Connected" : "Connecting…";
  const alert = document.getElementById("link-alert");
  alert.hidden = isUp;
  alert.textContent = isUp ? "" : LOST;
}

function heard() {
  heardAt = Date.now();
}

function opened(event) {
  clearTimeout(grace);
  grace = null;
  source = event.detail.source;
  source.addEventListener("pulse", heard);
  heard();
  show(true);
}

async function lost(event) {
  grace ??= setTimeout(() => show(false), GRACE_MS);
  if (event.detail.source.readyState !== EventSource.CLOSED) return;
  const answer = await fetch("/v1/me").catch(() => null);
  if (answer?.status === 401) location.assign("/login");
}

function look() {
  if (source?.readyState !== EventSource.OPEN || Date.now() - heardAt < SILENCE_MS) return;
  source.close();
  source.dispatchEvent(new Event("error"));
}

export function watchLink() {
  document.body.addEventListener("htmx:sseOpen", opened);
  document.body.addEventListener("htmx:sseMessage", heard);
  document.body.addEventListener("htmx:sseError", lost);
  setInterval(look, LOOK_MS);
}
