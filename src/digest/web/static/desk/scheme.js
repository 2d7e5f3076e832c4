/* Before anything is drawn: light or dark, as the person has chosen or as their device is. */
(() => {
  const root = document.documentElement;
  if (root.dataset.scheme !== "auto") return;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const look = () => root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
  dark.addEventListener("change", look);
  look();
})();
