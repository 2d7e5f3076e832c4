/* An edition on its way: its figures come by a stream. Where there is none, the page asks again by itself (htmx). */
(() => {
  "use strict";
  let source = null, live = false, waits = false;
  const way = () => document.getElementById("way");
  const close = () => { source?.close(); source = null; live = false; };

  const open = () => {
    const at = way();
    if (source || document.hidden || !at?.dataset.stream || !window.EventSource) return;
    source = new EventSource(at.dataset.stream);
    source.addEventListener("figures", (event) => {
      live = true;
      const made = document.createElement("template");
      made.innerHTML = event.data;
      way()?.replaceChildren(...made.content.firstElementChild.childNodes);
      look();
    });
    source.addEventListener("state", () => { close(); anew(); });
    source.addEventListener("end", () => { close(); anew(); });
    source.addEventListener("error", () => {
      live = false;
      if (source?.readyState !== EventSource.CLOSED) return; // it comes back by itself
      close();
      setTimeout(open, 30000);
    });
  };

  /* What can be done is another thing now: the board is shown anew, unless somebody is in the middle of something. */
  const busy = () => document.querySelector("#board dialog[open], #board :is(input, textarea):focus");
  const anew = () => {
    waits = !!busy();
    if (waits) return;
    if (document.getElementById("board")) window.htmx.ajax("GET", location.pathname, { target: "#board", swap: "outerHTML" });
    else location.reload();
  };
  const again = () => { if (waits) setTimeout(() => { if (waits) anew(); }, 100); };
  document.addEventListener("close", again, true);
  document.addEventListener("focusout", again);

  /* When the figures are others, so is what is told of them below: it is asked for anew, at most every few seconds,
     and not while somebody is in the middle of it. What was folded open stays open, and the focus stays where it was. */
  const EVERY = 5000;
  const figures = () => document.querySelector("#way .way-figures")?.textContent;
  const detail = () => document.getElementById("detail");
  const asking = () => detail()?.querySelector("dialog[open]");
  let seen = figures(), last = 0, timer = 0, held = null, shown = null;
  const look = () => {
    const now = figures();
    if (now === undefined || now === seen || timer) return;
    timer = setTimeout(ask, Math.max(0, last + EVERY - Date.now()));
  };
  const ask = () => {
    timer = 0;
    const at = detail();
    if (!at) return;
    if (asking()) { timer = setTimeout(ask, EVERY); return; }
    seen = figures();
    last = Date.now();
    window.htmx.ajax("GET", at.dataset.again, { target: "#detail", swap: "outerHTML" });
  };
  const place = (at) => {
    const name = at?.getAttribute("commandfor");
    if (name) return `[commandfor="${CSS.escape(name)}"][command="show-modal"]`;
    return at?.matches("summary") ? `[data-fold="${CSS.escape(at.parentElement.dataset.fold)}"] > summary` : "";
  };
  document.addEventListener("htmx:before:swap", (event) => {
    const at = detail();
    if (!at) return;
    if (asking() && event.detail?.tasks?.some((task) => task.target === at)) { event.preventDefault(); timer ||= setTimeout(ask, EVERY); return; }
    held = { open: [...at.querySelectorAll("details[open]")].map((each) => each.dataset.fold),
      focus: at.contains(document.activeElement) ? place(document.activeElement) : "" };
    shown = at;
  });
  document.addEventListener("htmx:after:swap", () => {
    const now = detail();
    if (now && now !== shown && held) {
      now.querySelectorAll("[data-fold]").forEach((each) => { each.open = held.open.includes(each.dataset.fold); });
      if (held.focus) now.querySelector(held.focus)?.focus({ preventScroll: true });
      held = null;
    }
    look();
  });

  /* While the stream lives nobody asks besides. */
  document.addEventListener("htmx:before:request", (event) => {
    if (live && event.target.id === "way") event.preventDefault();
  });
  document.addEventListener("htmx:after:swap", open);
  /* A browser has few connections to one place: a page that nobody sees leaves them to the others. */
  document.addEventListener("visibilitychange", () => { if (document.hidden) close(); else open(); });
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
})();
