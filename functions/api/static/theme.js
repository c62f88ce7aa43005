// Light or dark: as the system has it, until somebody says otherwise. Runs before anything is drawn, so that nothing flashes.
(() => {
  const KEY = "aia.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const ofSystem = () => (system.matches ? "dark" : "light");
  const kept = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off: it is as the system has it
    }
  };
  let chosen = ["light", "dark"].includes(kept()) ? kept() : null;

  function draw() {
    const theme = chosen ?? ofSystem();
    const { dataset } = document.documentElement;
    const other = dataset.theme && dataset.theme !== theme;
    dataset.theme = theme;
    document.getElementById("theme")?.setAttribute("aria-checked", String(theme === "dark"));
    if (other) document.dispatchEvent(new Event("themechange"));
  }

  // What the system has anyway is not kept: then it goes on following the system.
  function turn() {
    const theme = (chosen ?? ofSystem()) === "dark" ? "light" : "dark";
    chosen = theme === ofSystem() ? null : theme;
    try {
      if (chosen) localStorage.setItem(KEY, chosen);
      else localStorage.removeItem(KEY);
    } catch {
      // it holds until the page is closed
    }
    draw();
  }

  system.addEventListener("change", draw);
  // Whoever is quick presses it before the page is whole.
  document.addEventListener("click", (event) => { if (event.target.closest("#theme")) turn(); });
  document.addEventListener("DOMContentLoaded", draw);
  draw();
})();
