// openid-client: discovery and the client credentials grant.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as client from 'openid-client'
import { clients, issuer, names } from './server.js'

const methods = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
}

function discover(name, auth) {
  // The server is on the loopback interface, without TLS.
  const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }
  return client.discovery(new URL(issuer), clients[name].client_id, undefined, auth, options)
}

for (const [method, auth] of Object.entries(methods)) {
  for (const name of names) {
    test(`a token is got: ${name}, ${method}`, async () => {
      const config = await discover(name, auth(clients[name].client_secret))
      const token = await client.clientCredentialsGrant(config, { scope: 'view_schools' })
      assert.equal(token.token_type, 'bearer')
      assert.equal(token.scope, 'view_schools')
      assert.ok(token.expiresIn() > 3590 && token.expiresIn() <= 3600)
    })
  }
}

test('the usual way to send a secret works', async () => {
  const { client_secret: secret } = clients.RS256
  const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }
  const address = new URL(issuer)
  const config = await client.discovery(address, clients.RS256.client_id, secret, undefined, options)
  const token = await client.clientCredentialsGrant(config)
  assert.equal(token.scope, 'invoices.read view_schools')
})

test('a wrong secret in the body is invalid_client', async () => {
  const config = await discover('RS256', client.ClientSecretPost('wrong'))
  await assert.rejects(client.clientCredentialsGrant(config), (error) => {
    assert.ok(error instanceof client.ResponseBodyError, String(error))
    assert.equal(error.error, 'invalid_client')
    return true
  })
})

test('a wrong secret by Basic is the challenge', async () => {
  const config = await discover('RS256', client.ClientSecretBasic('wrong'))
  await assert.rejects(client.clientCredentialsGrant(config), (error) => {
    assert.ok(error instanceof client.WWWAuthenticateChallengeError, String(error))
    assert.equal(error.cause[0].scheme, 'basic')
    return true
  })
})
