// What the console does beyond plain pages: copies to the clipboard, keeps a form from going out twice,
// and fills it in again when the session had ended. All of it works without.
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
  // A form that is sent after its session has ended leads to the login page and back: until another
  // page comes, this tab knows what was typed. Never passwords, and nothing that a page fills in itself.
  const open = (form) => [...form.elements].filter((field) => field.name && field.type !== "hidden");
  const said = (field) => (/checkbox|radio/.test(field.type) ? field.checked : field.value);
  const keep = (form) => {
    if (form.querySelector("[type=password]")) return;
    const fields = open(form).map((field) => [field.name, said(field)]);
    const draft = { page: location.pathname, action: form.action, fields };
    sessionStorage.setItem("draft", JSON.stringify(draft));
  };
  const draft = JSON.parse(sessionStorage.getItem("draft"));
  const atLogin = (path) => path.endsWith("/login");
  if (!atLogin(location.pathname)) sessionStorage.removeItem("draft");
  if (draft && draft.page === location.pathname && document.referrer && atLogin(new URL(document.referrer).pathname)) {
    const form = [...document.forms].find((known) => known.action === draft.action);
    (form ? open(form) : []).forEach((field, at) => {
      const [name, value] = draft.fields[at] || [];
      if (name !== field.name || said(field) === value) return;
      field[typeof value === "boolean" ? "checked" : "value"] = value;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent === "yes") {
      event.preventDefault();
    } else if (form.method === "post") {
      form.dataset.sent = "yes";
      keep(form);
      setTimeout(() => { form.dataset.sent = ""; }, 5000);
    }
  });
  // A browser may show a page as it was left: after signing out, too, and whatever has changed since.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
    for (const form of document.forms) form.dataset.sent = "";
  });
})();
