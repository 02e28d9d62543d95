// When a fragment takes away what had the focus, it moves to the next thing to do, or to the payment's heading; never to the top of the page.

const NEXT = ["#stage .field.idle button", "#payment-title", "#payment"];

let hadFocus = false;

function isLost() {
  return document.activeElement === null || document.activeElement === document.body;
}

export function watchFocus() {
  document.body.addEventListener("htmx:sseBeforeMessage", () => {
    hadFocus = !isLost();
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    if (!hadFocus || !isLost()) return;
    const next = NEXT.map((selector) => document.querySelector(selector)).find((element) => element !== null);
    next?.focus({ preventScroll: true });
  });
}
