/* The edition page: the mail beside the stories is shown anew after each change; stories are dragged. */
(() => {
  "use strict";
  const frame = document.getElementById("mail");
  const looks = document.querySelector(".looks");
  const show = () => looks && looks.requestSubmit();
  if (looks) looks.addEventListener("change", show);

  /* While somebody types a subject, the inbox shows it, and how much of it will be seen. */
  document.addEventListener("input", (event) => {
    const field = event.target;
    document.querySelectorAll(`[data-shows="${field.id}"]`).forEach((each) => { each.textContent = field.value; });
    document.querySelectorAll(`[data-count-of="${field.id}"]`).forEach((each) => {
      const length = [...field.value].length;
      each.textContent = String(length);
      each.classList.toggle("is-long", length > Number(field.dataset.length));
    });
  });

  const sort = () => {
    const list = document.querySelector("[data-sortable]");
    if (!list || list.dataset.ready || !window.Sortable) return;
    list.dataset.ready = "1";
    window.Sortable.create(list, {
      handle: ".story-grip",
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150,
      onEnd: (event) => {
        if (event.oldIndex === event.newIndex) return;
        window.htmx.ajax("POST", list.dataset.sortable, { target: "#board", swap: "outerHTML",
          values: { form_token: list.dataset.token, seen: list.dataset.seen, story: event.item.dataset.story,
            place: String(event.newIndex + 1) } });
      },
    });
  };
  sort();
  let held = null;
  document.addEventListener("htmx:before:swap", () => { held = document.activeElement?.closest("[data-story]")?.dataset.story ?? null; });
  document.addEventListener("htmx:after:swap", () => {
    sort();
    if (!document.getElementById("board")) return;
    if (frame) show();
    if (held) document.querySelector(`[data-story="${CSS.escape(held)}"] button`)?.focus();
    held = null;
  });
})();
