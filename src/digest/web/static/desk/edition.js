/* The edition page: the mail beside the stories is shown anew after each change; stories are dragged. */
(() => {
  "use strict";
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
  /* Whoever acts on a story by keys stays at it: on the same button, or the first that is left. */
  let held = null;
  document.addEventListener("htmx:before:swap", () => {
    const at = document.activeElement;
    const story = at?.closest("[data-story]")?.dataset.story;
    held = story ? { story, label: at.getAttribute("aria-label") } : null;
  });
  document.addEventListener("htmx:after:swap", () => {
    sort();
    if (!document.getElementById("board")) return;
    show();
    if (held) {
      const buttons = [...document.querySelectorAll(`[data-story="${CSS.escape(held.story)}"] .story-acts button`)];
      (buttons.find((each) => each.getAttribute("aria-label") === held.label) ?? buttons[0])?.focus();
    }
    held = null;
  });
})();
