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
  /* A finding leads to what it is about: folds are opened on the way, and the focus goes along. */
  document.addEventListener("click", (event) => {
    const name = event.target.closest("[data-jump]")?.dataset.jump;
    const to = name && document.getElementById(name);
    if (!to) return;
    event.preventDefault();
    for (let fold = to.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    to.focus({ preventScroll: true });
    to.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    to.classList.add("jumped");
    setTimeout(() => to.classList.remove("jumped"), 2500);
  });
  /* Whoever acts on a story by keys stays at it: on the same button, or the first that is left. */
  let held = null;
  let board = document.getElementById("board");
  document.addEventListener("htmx:before:swap", () => {
    const at = document.activeElement;
    const story = at?.closest("[data-story]")?.dataset.story;
    held = story ? { story, label: at.getAttribute("aria-label") } : null;
  });
  document.addEventListener("htmx:after:swap", () => {
    sort();
    const now = document.getElementById("board");
    if (!now || now === board) return;
    board = now;
    show();
    const checks = document.getElementById("checks");
    if (checks) window.htmx.ajax("GET", `/desk/editions/${document.querySelector("[data-edition]").dataset.edition}/checks`,
      { target: "#checks", swap: "outerHTML" });
    if (held) {
      const buttons = [...document.querySelectorAll(`[data-story="${CSS.escape(held.story)}"] .story-acts button`)];
      (buttons.find((each) => each.getAttribute("aria-label") === held.label) ?? buttons[0])?.focus();
    }
    held = null;
  });
})();
