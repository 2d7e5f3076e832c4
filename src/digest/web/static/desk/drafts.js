/* Nothing typed is lost: each form that is sent keeps its text in this browser until the server has taken it.

   It works by itself. A form with data-drafts="edition-7" keeps its text for two weeks, also when the browser is closed:
   for the newsroom's own words. Any other keeps it as long as its tab is open, as a reader's address may stand in it.
   data-drafts="sent" lets go of it whatever page answers: of forms that only look something up. A field with
   data-drafts="none" is never kept: what somebody types to be sure has to be typed. */
(() => {
  "use strict";
  const page = document.querySelector('meta[name="desk-page"]')?.dataset;
  if (!page?.me) return; // nobody is signed in: what is typed is a name and a password
  const OPEN = "desk draft ", SENT = "desk sent", DAYS = 14;
  const TYPES = ["text", "textarea", "email", "url", "tel", "search"];
  const SECRET = ["one-time-code", "current-password", "new-password"];

  /* A browser may have its stores closed or full: then nothing is kept, and everything else works. */
  const tried = (act) => { try { return act(); } catch { return null; } };
  const read = (store, key) => tried(() => JSON.parse(store.getItem(key)));
  const drop = (store, key) => tried(() => store.removeItem(key));
  const own = (store) => tried(() => Object.keys(store).filter((key) => key.startsWith(OPEN))) ?? [];

  const named = (form) => (form.dataset.drafts === "sent" ? "" : form.dataset.drafts);
  const storeOf = (form) => (named(form) ? localStorage : sessionStorage);
  const target = (form) => new URL(form.getAttribute("action") || location.href, location.href);
  /* Forms that are sent to one place are told apart by what is hidden in them, but for what is of this moment. */
  const keyOf = (form) => {
    const hidden = [...form.elements].filter((each) => each.type === "hidden" && !["form_token", "seen"].includes(each.name));
    const to = target(form);
    const name = named(form) || [to.pathname + to.search, ...hidden.map((each) => `${each.name}=${each.value}`)].join(" ");
    return `${OPEN}${page.me} ${name}\n`;
  };
  const isForm = (form) => form?.getAttribute("method") === "post";
  const isKept = (field) => field.name && TYPES.includes(field.type) && !field.readOnly
    && field.dataset.drafts !== "none" && !SECRET.includes(field.autocomplete)
    && !(field.form.elements[field.name] instanceof RadioNodeList); // of several of one name nobody knows which is which
  const kept = (form) => [...form.elements].filter(isKept);
  const forget = (key) => [sessionStorage, localStorage].forEach((store) =>
    own(store).filter((each) => each.startsWith(key)).forEach((each) => drop(store, each)));

  const sent = read(sessionStorage, SENT);

  document.addEventListener("input", ({ target: field }) => {
    const form = field.form;
    if (!isForm(form) || !isKept(field)) return;
    const store = storeOf(form), key = keyOf(form) + field.name;
    if (field.value === field.defaultValue && !page.answer) drop(store, key);
    else tried(() => store.setItem(key, JSON.stringify({ text: field.value, at: Date.now() })));
  });

  const offer = (form, back) => {
    const note = document.getElementById("draft-note").content.cloneNode(true).firstElementChild;
    note.querySelector("button").addEventListener("click", () => {
      forget(keyOf(form));
      back.forEach((field) => { field.value = field.defaultValue; field.dispatchEvent(new Event("input", { bubbles: true })); });
      note.remove();
      back[0].focus();
    });
    form.prepend(note);
    for (let fold = form.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  };
  /* Compared is what the server has said, not what stands in the field: a browser that goes back fills it by itself. */
  const bring = (form) => {
    form.dataset.kept = "1";
    const store = storeOf(form), key = keyOf(form);
    if (page.answer && key === sent?.key) return; // the answer has what was typed, and nobody has saved it yet
    const back = kept(form).filter((field) => {
      const text = read(store, key + field.name)?.text;
      if (typeof text !== "string") return false;
      if (text === field.defaultValue) drop(store, key + field.name);
      return text !== field.defaultValue;
    });
    back.forEach((field) => {
      field.value = read(store, key + field.name).text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    if (back.length) offer(form, back);
  };
  const bringAll = () => [...document.querySelectorAll("form:not([data-kept])")].filter(isForm).forEach(bring);

  /* Sent is not taken: what was sent goes once the server says so, on the next page or in answer to htmx. */
  addEventListener("submit", ({ target: form, defaultPrevented }) => {
    if (defaultPrevented || !isForm(form)) return;
    tried(() => sessionStorage.setItem(SENT, JSON.stringify({ to: target(form).pathname, key: keyOf(form), any: form.dataset.drafts === "sent" })));
    if (target(form).pathname === "/desk/sign-out") own(sessionStorage).forEach((key) => drop(sessionStorage, key));
  });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const form = ctx.sourceElement;
    if (form instanceof HTMLFormElement && isForm(form) && ctx.response.status < 400) forget(keyOf(form));
  });
  const isTaken = sent && (page.done === sent.to || (sent.any && page.answer && Number(page.answer) < 400));
  if (isTaken) { forget(sent.key); drop(sessionStorage, SENT); }
  own(localStorage).filter((key) => !(read(localStorage, key)?.at > Date.now() - DAYS * 86400000))
    .forEach((key) => drop(localStorage, key));
  bringAll();
  document.addEventListener("htmx:after:swap", bringAll);
})();
