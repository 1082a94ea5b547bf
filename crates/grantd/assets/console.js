// What the console does beyond plain pages: copies to the clipboard, keeps a form from going out twice,
// and shows the button of a typed confirmation when it is typed. All of it works without.
(() => {
  "use strict";
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      const from = document.getElementById(button.dataset.copy);
      await navigator.clipboard.writeText(from.textContent.trim());
      const label = button.textContent;
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = label; }, 2000);
    });
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent === "yes") {
      event.preventDefault();
    } else if (form.method === "post") {
      form.dataset.sent = "yes";
      setTimeout(() => { form.dataset.sent = ""; }, 5000);
    }
  });
  // Back and forward show a page as it was left: its forms may be sent again.
  addEventListener("pageshow", () => {
    for (const form of document.forms) form.dataset.sent = "";
  });
})();
