let token, until = 0;

// The token; a new one a minute before it ends.
async function bearer() {
  if (Date.now() > until) {
    const key = `${process.env.CLIENT_ID}:${process.env.CLIENT_SECRET}`;
    const answer = await fetch("@TOKEN_ENDPOINT@", {
      method: "POST",
      headers: { Authorization: "Basic " + Buffer.from(key).toString("base64") },
      body: new URLSearchParams({ grant_type: "client_credentials", scope: "@SCOPE@" }),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(`${said.error}: ${said.error_description}`);
    token = said.access_token;
    until = Date.now() + (said.expires_in - 60) * 1000;
  }
  return token;
}

const answer = await fetch(process.env.API_URL, {
  headers: { Authorization: `Bearer ${await bearer()}` },
});
console.log(await answer.text());
