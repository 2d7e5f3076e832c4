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
