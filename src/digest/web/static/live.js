// Turns the times of the web edition into "3 hours ago" as of now; without it they stay as they are.
"use strict";
(() => {
  const steps = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const language = document.documentElement.lang;
  // A browser that does not speak the page's language would speak its own: then the dates stay.
  if (!Intl.RelativeTimeFormat.supportedLocalesOf(language).length) return;
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const show = () => {
    for (const element of document.querySelectorAll("time[data-live]")) {
      const age = (Date.now() - Date.parse(element.dateTime)) / 1000;
      if (!(age >= 0 && age < 7 * 86400)) continue;
      const [unit, length] = steps.find(([, seconds]) => age >= seconds) ?? ["minute", 60];
      element.title ||= element.textContent;
      element.textContent = words.format(-Math.floor(age / length), unit);
    }
  };
  show();
  setInterval(show, 60000);
})();
