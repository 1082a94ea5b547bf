// The server under test, as `cargo xtask clients` tells it.

export const issuer = process.env.GRANTD_TEST_ISSUER
export const clients = JSON.parse(process.env.GRANTD_TEST_CLIENTS)
export const algs = ['RS256', 'PS256', 'ES256', 'EdDSA']
// "legacy" has an id and a secret brought in from elsewhere, full of characters that need escapes.
export const names = [...algs, 'legacy']
export const user = JSON.parse(process.env.GRANTD_TEST_USER)
