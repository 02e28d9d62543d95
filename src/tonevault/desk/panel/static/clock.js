// How long each call is up, and how long a session still takes input once that is short. Counted by the server's clock.
import { say } from "./announcer.js";

const TICK_MS = 1000;
const SHOWN_BELOW_S = 300;
const SPOKEN_AT_S = [300, 60];
const ahead = Date.parse(document.body.dataset.now) - Date.now();

let spoken = { expires: "", at: Infinity };

function secondsUntil(iso) {
  return Math.ceil((Date.parse(iso) - Date.now() - ahead) / 1000);
}

function minutes(seconds) {
  const whole = Math.max(0, seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function showCountdown(element) {
  const left = secondsUntil(element.dataset.expires);
  element.hidden = left > SHOWN_BELOW_S;
  element.textContent = `The session ends in ${minutes(left)}`;
  if (spoken.expires !== element.dataset.expires) spoken = { expires: element.dataset.expires, at: Infinity };
  const due = SPOKEN_AT_S.filter((mark) => left <= mark && mark < spoken.at).at(-1);
  if (due === undefined) return;
  spoken.at = due;
  say(element.textContent);
}

function show() {
  for (const timer of document.querySelectorAll("time.timer")) timer.textContent = minutes(-secondsUntil(timer.dateTime));
  const countdown = document.getElementById("countdown");
  if (countdown) showCountdown(countdown);
}

export function showTimes() {
  show();
}

setInterval(show, TICK_MS);
