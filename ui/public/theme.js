// Before the first paint, so that a dark page does not flash white. A file of its own: the policy allows no inline script.
(function () {
  try {
    var theme = localStorage.getItem("plait.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch (_) {
    // No storage: the system's choice stands.
  }
})();
