// oauth4webapi: discovery, both ways to send a secret, and a resource server by RFC 9068.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { algs, clients, issuer, names } from './server.js'

// The server is on the loopback interface, without TLS.
const insecure = { [oauth.allowInsecureRequests]: true }
const methods = {
  client_secret_basic: oauth.ClientSecretBasic,
  client_secret_post: oauth.ClientSecretPost,
}

let as

before(async () => {
  const address = new URL(issuer)
  const answer = await oauth.discoveryRequest(address, { algorithm: 'oauth2', ...insecure })
  as = await oauth.processDiscoveryResponse(address, answer)
})

async function fetchToken(name, method, parameters = {}, secret = clients[name].client_secret) {
  const client = { client_id: clients[name].client_id }
  const auth = methods[method](secret)
  const answer = await oauth.clientCredentialsGrantRequest(as, client, auth, parameters, insecure)
  return oauth.processClientCredentialsResponse(as, client, answer)
}

for (const method of Object.keys(methods)) {
  for (const name of names) {
    test(`a token is got: ${name}, ${method}`, async () => {
      const token = await fetchToken(name, method)
      assert.equal(token.token_type, 'bearer')
      assert.equal(token.expires_in, 3600)
      assert.equal(token.scope, 'invoices.read view_schools')
    })
  }

  test(`a scope is asked for: ${method}`, async () => {
    const token = await fetchToken('RS256', method, { scope: 'view_schools' })
    assert.equal(token.scope, 'view_schools')
  })

  test(`one scope too many is invalid_scope: ${method}`, async () => {
    const refused = (error) =>
      error instanceof oauth.ResponseBodyError && error.error === 'invalid_scope'
    await assert.rejects(fetchToken('RS256', method, { scope: 'view_schools nope' }), refused)
  })
}

test('a wrong secret in the body is invalid_client', async () => {
  await assert.rejects(fetchToken('RS256', 'client_secret_post', {}, 'wrong'), (error) => {
    assert.ok(error instanceof oauth.ResponseBodyError, String(error))
    assert.equal(error.error, 'invalid_client')
    assert.equal(error.status, 401)
    return true
  })
})

// RFC 6749 section 5.2 wants a challenge here, and this library shows the challenge and not the
// error in the body.
test('a wrong secret by Basic is the challenge', async () => {
  await assert.rejects(fetchToken('RS256', 'client_secret_basic', {}, 'wrong'), (error) => {
    assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, String(error))
    assert.equal(error.status, 401)
    assert.equal(error.cause[0].scheme, 'basic')
    return true
  })
})

function request(token) {
  return new Request(`${issuer}/api/v1/schools`, { headers: { authorization: `Bearer ${token}` } })
}

for (const alg of algs) {
  test(`a token is a valid RFC 9068 access token: ${alg}`, async () => {
    const { access_token: token } = await fetchToken(alg, 'client_secret_basic')
    const claims = await oauth.validateJwtAccessToken(as, request(token), issuer, insecure)
    assert.equal(claims.client_id, clients[alg].client_id)
    assert.equal(claims.sub, claims.client_id)
  })
}

test('a token for another audience is refused', async () => {
  const { access_token: token } = await fetchToken('ES256', 'client_secret_basic')
  const wrong = oauth.validateJwtAccessToken(as, request(token), 'https://other.example', insecure)
  await assert.rejects(wrong)
})
