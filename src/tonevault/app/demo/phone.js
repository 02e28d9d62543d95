// The customer's phone: each control is one POST; the page shows the state that the phone answers with.
"use strict";

const POLL_MS = 700;
const at = (id) => document.getElementById(id);

function show(state) {
  at("panel").href = state.panel;
  at("note").textContent = state.note;
  if (at("card").options.length !== state.cards.length) {
    at("card").replaceChildren(...state.cards.map((card, place) => new Option(`${card.title} ··${card.last4}`, place)));
  }
  at("card").value = state.card;
  at("outcome").textContent = state.cards[state.card].outcome;
  at("carrier").value = state.carrier;
  at("by-itself").checked = state.by_itself;
  at("mistype").checked = state.mistypes;
  at("dial").disabled = state.on_call;
  at("hang-up").disabled = !state.on_call;
  for (const button of document.querySelectorAll("[data-key], [data-field]")) button.disabled = !state.on_call;
  at("wav").toggleAttribute("aria-disabled", !state.recorded);
}

async function act(name, value = "") {
  const answer = await fetch(`/do/${name}?value=${encodeURIComponent(value)}`, { method: "POST" });
  if (answer.ok) show(await answer.json());
}

async function look() {
  try {
    const answer = await fetch("/state");
    show(await answer.json());
  } catch {
    at("note").textContent = "the demo has ended";
  }
  setTimeout(look, POLL_MS);
}

at("dial").addEventListener("click", () => act("dial"));
at("hang-up").addEventListener("click", () => act("hang-up"));
at("card").addEventListener("change", (event) => act("card", event.target.value));
at("carrier").addEventListener("change", (event) => act("carrier", event.target.value));
at("by-itself").addEventListener("change", (event) => act("by-itself", event.target.checked));
at("mistype").addEventListener("change", (event) => act("mistype", event.target.checked));
for (const button of document.querySelectorAll("[data-key]")) button.addEventListener("click", () => act("press", button.dataset.key));
for (const button of document.querySelectorAll("[data-field]")) button.addEventListener("click", () => act("key", button.dataset.field));
look();
