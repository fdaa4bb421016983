// Follows the theme that a user selects in Airflow: its UI keeps it in the local storage of this origin, and shows the
// pages in frames. The media queries of the page and of the report in its frame are set to the theme.
(() => {
  const originals = new WeakMap();
  const apply = (shown) => {
    const theme = localStorage.getItem("theme");
    shown.documentElement.style.colorScheme = theme === "dark" || theme === "light" ? theme : "";
    for (const rule of [...shown.styleSheets].flatMap((sheet) => [...sheet.cssRules])) {
      if (!originals.has(rule) && !rule.media?.mediaText.includes("prefers-color-scheme: dark")) continue;
      if (!originals.has(rule)) originals.set(rule, rule.media.mediaText);
      const original = originals.get(rule);
      const dark = original.replace("(prefers-color-scheme: dark)", "(min-width: 0px)");
      rule.media.mediaText = theme === "dark" ? dark : theme === "light" ? "not all" : original;
    }
  };
  const frames = () => document.querySelectorAll("iframe");
  const applyToAll = () => [document, ...[...frames()].map((frame) => frame.contentDocument)].forEach(apply);
  apply(document);
  addEventListener("storage", (event) => event.key === "theme" && applyToAll());
  addEventListener("DOMContentLoaded", () => {
    for (const frame of frames()) frame.addEventListener("load", () => apply(frame.contentDocument));
    applyToAll();
  });
})();
