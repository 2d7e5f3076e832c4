/* What every page of the desk does in the browser. Without it all pages work. */
(() => {
  "use strict";

  /* Whoever changes something shows the token of this browser (htmx 4 inherits no headers). */
  document.addEventListener("htmx:config:request", (event) => {
    const token = document.querySelector('meta[name="form-token"]');
    if (token) event.detail.ctx.request.headers["X-Form-Token"] = token.content;
  });

  /* htmx throws an answer away if its place was replaced while it was on its way. Of what was asked for one place the
     newest answer is wanted: it goes to where that place is now. Nothing that is asked for while somebody's act is on
     its way is newer than the act; and what comes with a place is newer than what was asked for a part of it. */
  const newest = new Map();
  const isAct = (ctx) => ctx?.target?.id === "board" && ctx.request.method !== "GET";
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const id = ctx.target?.id;
    if (id && (isAct(ctx) || !isAct(newest.get(id)))) newest.set(id, ctx);
  });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const id = ctx.target?.id;
    const place = id && newest.get(id) === ctx && document.getElementById(id);
    if (!place) return;
    ctx.target = place;
    place.querySelectorAll("[id]").forEach((part) => newest.delete(part.id));
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => { // also of one that came to nothing
    if (newest.get(ctx.target?.id) === ctx) newest.delete(ctx.target.id);
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
