/* The edition page: the mail beside the stories is shown anew after each change; stories are dragged. */
(() => {
  "use strict";
  const looks = document.querySelector(".looks");
  /* The next mail is loaded behind the one that is seen and takes its place when it is there: nothing flickers, and
     the way back leads off the page, not through the mails. With `words`, which nobody has kept, it is asked by POST. */
  let next = null;
  let number = 0;
  let pause = 0;
  const show = (words) => {
    const seen = document.getElementById("mail");
    clearTimeout(pause); // words that have been kept by now need not be tried
    if (!looks || !seen) return;
    next?.remove();
    const fresh = seen.cloneNode(false);
    const asked = new FormData(looks);
    fresh.removeAttribute("id");
    fresh.removeAttribute("src");
    fresh.name = `mail-${++number}`; // a name of its own each time: not every browser lets a frame change it
    fresh.className = "mail-next";
    fresh.setAttribute("aria-hidden", "true");
    next = fresh;
    if (!words) fresh.src = `${looks.getAttribute("action")}?${new URLSearchParams(asked)}`;
    seen.after(fresh);
    fresh.addEventListener("load", () => {
      if (next !== fresh) return;
      next = null;
      seen.remove();
      fresh.id = "mail";
      fresh.className = "";
      fresh.removeAttribute("aria-hidden");
    });
    if (!words) return;
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: looks.getAttribute("action"), target: fresh.name, hidden: true });
    for (const [name, value] of [...asked, ...Object.entries(words)]) {
      const field = document.createElement("textarea");
      field.name = name;
      field.value = value;
      form.append(field);
    }
    document.body.append(form);
    form.submit();
    form.remove();
  };
  if (looks) {
    looks.addEventListener("change", () => show());
    looks.addEventListener("submit", (event) => { event.preventDefault(); show(); });
  }
  /* While somebody writes words around the stories, the mail has them, a moment after the last letter; and those of the
     other field too, if they are not kept yet. */
  document.addEventListener("input", (event) => {
    if (!event.target.dataset.tried) return;
    clearTimeout(pause);
    pause = setTimeout(() => {
      const token = document.querySelector('meta[name="form-token"]');
      const words = { form_token: token ? token.content : "" };
      document.querySelectorAll("[data-tried]").forEach((each) => {
        if (each === event.target || each.value !== each.defaultValue) words[each.dataset.tried] = each.value;
      });
      show(words);
    }, 400);
  });

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
  /* Whoever acts on a story by keys stays at it: on the same button, or the first that is left. What they pressed may be
     gone, and the story with it: then they stay at the stories, and begin not at the top of the page again. */
  let held = null;
  let board = document.getElementById("board");
  document.addEventListener("htmx:before:swap", () => {
    const at = document.activeElement;
    held = null;
    if (board?.contains(at)) {
      const story = at.closest("[data-story]")?.dataset.story ?? at.form?.elements.story?.value ?? "";
      held = { story, label: at.getAttribute("aria-label") };
    }
    // htmx gives what comes the attributes of what had its id: of a story that was dragged, styles, which no page may set.
    board?.querySelectorAll("[style]").forEach((each) => each.removeAttribute("style"));
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
      const next = buttons.find((each) => each.getAttribute("aria-label") === held.label) ?? buttons[0];
      if (next && held.story) next.focus();
      else if (document.activeElement === document.body) document.getElementById("h-stories")?.focus();
    }
    held = null;
  });
})();
