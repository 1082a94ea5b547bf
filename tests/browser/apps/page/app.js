// A public client: all of it runs in this page (RFC 9700 section 2.1, draft-ietf-oauth-browser-based-apps).

import * as oauth from '/oauth4webapi.js'

// grantd is on the loopback interface, without TLS.
const insecure = { [oauth.allowInsecureRequests]: true }
const { issuer, client_id, api } = await (await fetch('/config.json')).json()
const client = { client_id }
const back = `${location.origin}/callback`
const found = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...insecure })
const as = await oauth.processDiscoveryResponse(new URL(issuer), found)
// In memory alone: who reloads the page signs in again.
let tokens

async function connect() {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  sessionStorage.setItem('kept', JSON.stringify({ verifier, state }))
  const address = new URL(as.authorization_endpoint)
  address.search = new URLSearchParams({
    client_id,
    redirect_uri: back,
    response_type: 'code',
    scope: 'view_schools pupils.write',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  location.assign(address)
  return 'On the way to grantd'
}

async function comeBack() {
  const { verifier, state } = JSON.parse(sessionStorage.getItem('kept'))
  const returned = new URL(location)
  // Codes do not belong into the history.
  history.replaceState(null, '', '/')
  const parameters = oauth.validateAuthResponse(as, client, returned, state)
  const request = oauth.authorizationCodeGrantRequest
  const answer = await request(as, client, oauth.None(), parameters, back, verifier, insecure)
  tokens = await oauth.processAuthorizationCodeResponse(as, client, answer)
  return `Connected, with: ${tokens.scope}`
}

async function schools() {
  const headers = new Headers()
  const request = oauth.protectedResourceRequest
  const address = new URL('/schools', api)
  const answer = await request(tokens.access_token, 'GET', address, headers, null, insecure)
  const { schools, user } = await answer.json()
  return `Schools of ${user}: ${schools.join(', ')}`
}

async function refresh() {
  const auth = oauth.None()
  const answer = await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, insecure)
  const before = tokens
  tokens = await oauth.processRefreshTokenResponse(as, client, answer)
  const fresh = (name) => (tokens[name] && tokens[name] !== before[name] ? 'new' : 'OLD')
  return `Refreshed: access token ${fresh('access_token')}, refresh token ${fresh('refresh_token')}`
}

async function disconnect() {
  const auth = oauth.None()
  const answer = await oauth.revocationRequest(as, client, auth, tokens.refresh_token, insecure)
  await oauth.processRevocationResponse(answer)
  return 'Disconnected'
}

async function show(what) {
  const said = document.querySelector('#said')
  try {
    said.textContent = await what()
  } catch (error) {
    // By the OAuth error where there is one: in the body, in the address, or in a challenge (RFC 6750).
    const name = error.error ?? error.cause?.[0]?.parameters?.error ?? error.message
    said.textContent = ['Refused:', error.status, name].filter(Boolean).join(' ')
  }
}

for (const what of [connect, schools, refresh, disconnect])
  document.querySelector(`#${what.name}`).addEventListener('click', () => show(what))
if (location.pathname === '/callback') await show(comeBack)
else document.querySelector('#said').textContent = 'Not connected'
