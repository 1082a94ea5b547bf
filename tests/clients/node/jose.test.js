// jose: a resource server that verifies tokens with keys from the JWKS.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { algs, clients, issuer } from './server.js'

const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))

async function fetchToken(name) {
  const { client_id: id, client_secret: secret } = clients[name]
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: id,
    client_secret: secret,
  })
  const answer = await fetch(`${issuer}/oauth/token`, { method: 'POST', body })
  assert.equal(answer.status, 200)
  return (await answer.json()).access_token
}

for (const alg of algs) {
  test(`a token is verified: ${alg}`, async () => {
    const { payload, protectedHeader } = await jwtVerify(await fetchToken(alg), keys, {
      issuer,
      audience: issuer,
      typ: 'at+jwt',
      algorithms: [alg],
      maxTokenAge: '1 minute',
      requiredClaims: ['iss', 'sub', 'aud', 'client_id', 'iat', 'exp', 'jti', 'scope'],
    })
    assert.equal(protectedHeader.alg, alg)
    assert.equal(payload.sub, clients[alg].client_id)
    assert.equal(payload.scope, 'invoices.read view_schools')
  })
}

test('a token for another audience is refused', async () => {
  const verified = jwtVerify(await fetchToken('RS256'), keys, { audience: 'https://other.example' })
  await assert.rejects(verified, errors.JWTClaimValidationFailed)
})
