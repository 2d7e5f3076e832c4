/* What every page of the desk does in the browser. Without it all pages work. */
(() => {
  "use strict";

  /* Whoever changes something shows the token of this browser (htmx 4 inherits no headers). */
  document.addEventListener("htmx:config:request", (event) => {
    const token = document.querySelector('meta[name="form-token"]');
    if (token) event.detail.ctx.request.headers["X-Form-Token"] = token.content;
  });

  /* An answer goes to where its place is now: what stood there when it was asked for may have been replaced meanwhile,
     and htmx would throw the answer away. What was asked for before something that is seen by now is old: it goes nowhere. */
  const asked = new WeakMap(), shown = new Map();
  let asks = 0;
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => asked.set(ctx, ++asks));
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const place = ctx.target?.id && document.getElementById(ctx.target.id);
    if (!place) return;
    ctx.target = place;
    const seen = shown.get(place.id) ?? 0;
    if (ctx.request.method === "GET" && asked.get(ctx) < seen) ctx.swap = "none";
    shown.set(place.id, Math.max(seen, asked.get(ctx)));
  });

  /* One press is one act: a form is sent once, until the page is seen again. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.hasAttribute("hx-post")) return;
    form.dataset.sent = "1";
    setTimeout(() => form.querySelectorAll("button").forEach((each) => each.setAttribute("aria-disabled", "true")));
  });
  addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("button[aria-disabled]").forEach((each) => each.removeAttribute("aria-disabled"));
    });
  });

  /* Buttons that open and close dialogs, where the browser does not know `command` by itself. */
  if (!("commandForElement" in HTMLButtonElement.prototype)) {
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button[commandfor]");
      const dialog = button && document.getElementById(button.getAttribute("commandfor"));
      if (!dialog) return;
      if (button.getAttribute("command") === "show-modal") dialog.showModal(); else dialog.close();
    });
  }
  /* A press beside a dialog leaves everything as it is. */
  document.addEventListener("click", (event) => {
    if (event.target instanceof HTMLDialogElement && event.target.open) event.target.close();
  });

  /* data-copy="#id": what stands there goes into the clipboard. */
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    const from = button && document.querySelector(button.dataset.copy);
    if (!from) return;
    await navigator.clipboard.writeText(from.value ?? from.innerText);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 2000);
  });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) print(); });
})();
