// A screen reader hears once of each change that carries data-announce, and of nothing else: not of every dot.

const heard = new Map();

export function say(text) {
  document.getElementById("announcer").textContent = text;
}

export function announce({ silently = false } = {}) {
  const present = new Set();
  const fresh = [];
  for (const element of document.querySelectorAll("[data-announce]")) {
    const text = element.dataset.announce;
    present.add(element.id);
    if (heard.get(element.id) === text) continue;
    heard.set(element.id, text);
    fresh.push(text);
  }
  for (const id of heard.keys()) if (!present.has(id)) heard.delete(id);
  if (fresh.length > 0 && !silently) say(fresh.join(" "));
}
