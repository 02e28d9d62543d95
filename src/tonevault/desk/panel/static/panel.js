// What the server's fragments cannot do alone: the timers, the state of the live connection, announcements, and form errors.
"use strict";

const TICK_MS = 1000;

function showTimers() {
  for (const timer of document.querySelectorAll("time.timer")) {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(timer.dateTime)) / 1000));
    timer.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

// A screen reader is told once of each thing that carries data-announce, and of nothing else: not of every dot.
const announced = new Map();

function announce() {
  const present = new Set();
  for (const element of document.querySelectorAll("#stage [data-announce]")) {
    const text = element.dataset.announce;
    present.add(element.id);
    if (announced.get(element.id) === text) continue;
    announced.set(element.id, text);
    document.getElementById("announcer").textContent = text;
  }
  for (const id of announced.keys()) if (!present.has(id)) announced.delete(id);
}

// When the button that had the focus goes away, the focus moves to the next thing to do instead of to the top of the page.
function keepFocus() {
  if (document.activeElement && document.activeElement !== document.body) return;
  const next = document.querySelector("#complete, #start, .field.idle button, .field.failed button, #payment");
  if (next) next.focus({ preventScroll: true });
}

function linkState(live, text) {
  const state = document.getElementById("link-state");
  state.classList.toggle("live", live);
  state.textContent = text;
}

function say(text) {
  const place = document.getElementById("form-error");
  if (place) place.textContent = text;
  document.getElementById("alerts").textContent = text;
}

let hadFocus = false;
document.body.addEventListener("htmx:sseBeforeMessage", () => { hadFocus = document.activeElement !== document.body; });
document.body.addEventListener("htmx:afterSwap", () => { showTimers(); announce(); if (hadFocus) keepFocus(); });
document.body.addEventListener("htmx:sseOpen", () => linkState(true, "Live"));
document.body.addEventListener("htmx:sseError", () => linkState(false, "Connecting…"));
document.body.addEventListener("htmx:beforeRequest", () => say(""));
document.body.addEventListener("htmx:sendError", () => say("The desk does not answer. Try again."));
document.body.addEventListener("htmx:responseError", (event) => {
  const request = event.detail.xhr;
  if (request.status === 401) {
    location.assign("/login");
    return;
  }
  let text = "This did not work. Try again.";
  try {
    text = JSON.parse(request.responseText).detail || text;
  } catch {
    // The answer was no problem document; the general sentence stands.
  }
  say(text);
});

setInterval(showTimers, TICK_MS);
showTimers();
announce();
