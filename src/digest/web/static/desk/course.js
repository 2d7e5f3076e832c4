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
