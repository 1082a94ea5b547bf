// Passkeys: what needs one is shown where the browser knows them. Signing in, from a button or from the
// list that a browser offers in the field of the name; and adding one. The page works without.
(() => {
  "use strict";
  const kind = window.PublicKeyCredential;
  if (!kind?.parseRequestOptionsFromJSON || !kind.parseCreationOptionsFromJSON) return;

  const send = async (address, words) => {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(words) });
    // The session has ended: the login page, which leads back here.
    if (answer.redirected) {
      location.assign(answer.url);
      return new Promise(() => {});
    }
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.detail || "The server could not do that. Load the page again.");
    return said;
  };
  const told = (error) => {
    if (error.name === "NotAllowedError") return "Nothing was signed: it was cancelled, or took too long.";
    if (error.name === "InvalidStateError") return "You have a passkey on this device already.";
    if (error instanceof TypeError) return "The server did not answer. Try again.";
    return error.message;
  };
  const say = (note, text) => {
    note.hidden = !text;
    note.firstElementChild.textContent = text;
  };

  const login = document.getElementById("by-passkey");
  if (login) {
    const [note, button] = [login.querySelector(".note"), login.querySelector("button")];
    let [waiting, asked] = [new AbortController(), false];
    const enter = async (mediation) => {
      waiting.abort();
      const mine = waiting = new AbortController();
      asked = mediation !== "conditional";
      let credential;
      try {
        const { options, question } = await send(login.dataset.question, {});
        if (mine.signal.aborted) return;
        const publicKey = kind.parseRequestOptionsFromJSON(options);
        credential = await navigator.credentials.get({ publicKey, mediation, signal: mine.signal });
        say(note, "");
        const return_to = login.dataset.return;
        const { location: next } = await send(login.dataset.answer, { question, credential, return_to });
        location.assign(next);
      } catch (error) {
        if (mine.signal.aborted || error.name === "AbortError") return;
        // Nobody asked for the browser's own list: that it is not there is no news.
        if (credential || asked) say(note, told(error));
        if (asked) offer();
      }
    };
    const offer = async () => {
      if (await kind.isConditionalMediationAvailable?.()) enter("conditional");
    };
    login.hidden = false;
    button.addEventListener("click", () => {
      say(note, "");
      enter("optional");
    });
    offer();
    // A question is good for five minutes; one that somebody is just answering is left alone.
    setInterval(() => { if (!document.hidden && !asked) offer(); }, 240000);
  }

  const form = document.getElementById("add-passkey");
  if (form) {
    const [note, button] = [form.querySelector(".note"), form.querySelector("button")];
    form.hidden = false;
    document.getElementById("no-passkeys").hidden = true;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      say(note, "");
      button.disabled = true;
      const [name, password] = [form.elements.name.value, form.elements.password.value];
      try {
        const { options, question } = await send(form.dataset.question, { name, password });
        const publicKey = kind.parseCreationOptionsFromJSON(options);
        const credential = await navigator.credentials.create({ publicKey });
        const { location: next } = await send(form.action, { name, question, credential });
        location.assign(next);
      } catch (error) {
        say(note, told(error));
        button.disabled = false;
      }
    });
  }
})();
