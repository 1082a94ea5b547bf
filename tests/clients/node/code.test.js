// The authorization code grant: oauth4webapi as an app in a browser would use it, openid-client as a
// confidential one.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { Person } from './person.js'
import { clients, issuer } from './server.js'

// The server is on the loopback interface, without TLS.
const insecure = { [oauth.allowInsecureRequests]: true }
const page = { client_id: clients.page.client_id }
const back = 'https://page.example/callback'

let as

before(async () => {
  const answer = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...insecure })
  as = await oauth.processDiscoveryResponse(new URL(issuer), answer)
})

// Where the user is sent, and what is kept until they are back.
async function sending(more = {}) {
  const kept = { verifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState() }
  const address = new URL(as.authorization_endpoint)
  const parameters = {
    client_id: page.client_id,
    redirect_uri: back,
    response_type: 'code',
    scope: 'view_schools invoices.read',
    state: kept.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(kept.verifier),
    code_challenge_method: 'S256',
    ...more,
  }
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value)
  return { address, kept }
}

async function exchange(returned, kept, verifier = kept.verifier) {
  const parameters = oauth.validateAuthResponse(as, page, returned, kept.state)
  const auth = oauth.None()
  const request = oauth.authorizationCodeGrantRequest
  const answer = await request(as, page, auth, parameters, back, verifier, insecure)
  return oauth.processAuthorizationCodeResponse(as, page, answer)
}

async function refresh(token) {
  const answer = await oauth.refreshTokenGrantRequest(as, page, oauth.None(), token, insecure)
  return oauth.processRefreshTokenResponse(as, page, answer)
}

const invalidGrant = { error: 'invalid_grant', status: 400 }

test('a public client gets a token for the user, and no more than they may', async () => {
  const { address, kept } = await sending()
  const returned = await new Person().visit(address)
  assert.equal(returned.searchParams.get('iss'), issuer)
  const token = await exchange(returned, kept)
  assert.equal(token.scope, 'view_schools')
  const headers = { authorization: `Bearer ${token.access_token}` }
  const request = new Request(`${issuer}/schools`, { headers })
  const claims = await oauth.validateJwtAccessToken(as, request, issuer, insecure)
  assert.equal(claims.client_id, page.client_id)
  assert.notEqual(claims.sub, claims.client_id)
})

test('a refresh token works once, and used again it ends all', async () => {
  const { address, kept } = await sending()
  const first = await exchange(await new Person().visit(address), kept)
  const second = await refresh(first.refresh_token)
  assert.notEqual(second.refresh_token, first.refresh_token)
  const third = await refresh(second.refresh_token)
  await assert.rejects(refresh(first.refresh_token), invalidGrant)
  await assert.rejects(refresh(third.refresh_token), invalidGrant)
})

test('after a revocation there is no refresh', async () => {
  const { address, kept } = await sending()
  const token = await exchange(await new Person().visit(address), kept)
  const answer = await oauth.revocationRequest(as, page, oauth.None(), token.refresh_token, insecure)
  assert.equal(await oauth.processRevocationResponse(answer), undefined)
  await assert.rejects(refresh(token.refresh_token), invalidGrant)
})

test('a wrong verifier gets nothing and spends the code', async () => {
  const { address, kept } = await sending()
  const returned = await new Person().visit(address)
  const other = oauth.generateRandomCodeVerifier()
  await assert.rejects(exchange(returned, kept, other), invalidGrant)
  await assert.rejects(exchange(returned, kept), invalidGrant)
})

test('a no is access_denied, with the state', async () => {
  const { address, kept } = await sending()
  const returned = await new Person().visit(address, 'deny')
  assert.equal(returned.searchParams.get('state'), kept.state)
  const read = () => oauth.validateAuthResponse(as, page, returned, kept.state)
  assert.throws(read, { error: 'access_denied' })
})

test("another server's answer is not taken for this one's (RFC 9207)", async () => {
  const { address, kept } = await sending()
  const returned = await new Person().visit(address)
  const read = () => oauth.validateAuthResponse(as, page, returned, kept.state)
  returned.searchParams.set('iss', 'https://other.example')
  assert.throws(read, /iss/)
  returned.searchParams.delete('iss')
  assert.throws(read, /iss/, 'the metadata promise it')
})

test('openid-client: a confidential client, to the refresh, and asked once', async () => {
  const { client_id: id, client_secret: secret } = clients.web
  const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }
  const config = await client.discovery(new URL(issuer), id, secret, undefined, options)
  assert.ok(config.serverMetadata().supportsPKCE())
  const person = new Person()
  for (const prompt of ['consent', 'none']) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier()
    const expectedState = client.randomState()
    const address = client.buildAuthorizationUrl(config, {
      redirect_uri: 'https://app.example/callback',
      scope: 'view_schools',
      state: expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      prompt,
    })
    const returned = await person.visit(address)
    const checks = { pkceCodeVerifier, expectedState }
    const token = await client.authorizationCodeGrant(config, returned, checks)
    assert.equal(token.scope, 'view_schools')
    const next = await client.refreshTokenGrant(config, token.refresh_token)
    assert.notEqual(next.refresh_token, token.refresh_token)
  }
})
