// What the desk refuses is shown where it was asked for: at the input that is wrong, else above the payment. Nothing of the input is repeated.

const CARD_DATA = "card_data_refused";

function show(text) {
  const place = document.getElementById("problem");
  place.textContent = text;
  place.hidden = text === "";
}

function mark(input, text) {
  document.getElementById(`${input.name}-error`).textContent = text;
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function inputsOf(form) {
  return form instanceof HTMLFormElement ? [...form.elements].filter((each) => each.name) : [];
}

function problemOf(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {}; // No problem document: a proxy in between has answered.
  }
}

function refuse(event) {
  const request = event.detail.xhr;
  if (request.status === 401) {
    location.assign("/login");
    return;
  }
  const problem = problemOf(request);
  const inputs = inputsOf(event.detail.elt);
  const wrong = [];
  for (const fault of problem.errors ?? []) {
    const input = inputs.find((each) => each.name === fault.field);
    if (!input) continue;
    // A card number does not stay on the screen either.
    if (fault.rule === CARD_DATA) input.value = "";
    mark(input, fault.detail);
    wrong.push(input);
  }
  if (wrong.length > 0) wrong[0].focus();
  else show(problem.detail || "This did not work. Try again.");
}

export function watchRefusals() {
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    show("");
    for (const input of inputsOf(event.detail.elt)) mark(input, "");
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    // The secure zone came or went: what it had refused before is no news any more.
    if (event.detail.elt.id === "zone") show("");
  });
  document.body.addEventListener("htmx:sendError", () => show("The desk does not answer. Try again."));
  document.body.addEventListener("htmx:responseError", refuse);
  document.body.addEventListener("input", (event) => {
    if (event.target.getAttribute("aria-invalid")) mark(event.target, "");
  });
}
