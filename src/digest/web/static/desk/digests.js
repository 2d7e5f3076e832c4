// Whoever waits for a site is told so; a second click does nothing.
"use strict";
document.addEventListener("submit", (event) => {
  const button = event.target.querySelector("button[data-busy]");
  if (!button) return;
  const place = event.target.querySelector(".busy");
  if (place) place.textContent = button.dataset.busy;
  if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
  button.setAttribute("aria-disabled", "true");
});
// Coming back by the browser's button, the form works again.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[data-busy]")) button.removeAttribute("aria-disabled");
  for (const place of document.querySelectorAll(".busy")) place.textContent = "";
});
// A look is tried on the coming edition while it is chosen.
const look = document.getElementById("look");
const frame = document.getElementById("look-mail");
if (look && frame) {
  let waiting = 0;
  const show = () => {
    const asked = new URLSearchParams();
    for (const [name, value] of new FormData(look)) {
      if (typeof value === "string" && name !== "form_token") asked.append(name, value);
    }
    if (document.querySelector(".look-dark input").checked) asked.set("scheme", "dark");
    frame.src = `${frame.dataset.base}?${asked}`;
  };
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(show, 300); };
  look.addEventListener("input", soon);
  document.querySelector(".look-dark input").addEventListener("change", show);
}
