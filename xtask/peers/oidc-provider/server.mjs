// node server.mjs PORT ALG: tokens of the client `bench` for one resource, JWTs by ALG or opaque.
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const [port, alg] = process.argv.slice(2);
const resource = 'https://api.example';
const key = (name, type, options) => {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), alg: name, use: 'sig', kid: name };
};
const jwt = alg === 'opaque' ? {} : { accessTokenFormat: 'jwt', jwt: { sign: { alg } } };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'bench',
    client_secret: process.env.BENCH_SECRET,
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  }],
  jwks: { keys: [
    key('RS256', 'rsa', { modulusLength: 2048 }),
    key('ES256', 'ec', { namedCurve: 'P-256' }),
    key('EdDSA', 'ed25519', {}),
  ] },
  enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      getResourceServerInfo: () => ({
        audience: resource, scope: 'invoices.read view_schools', accessTokenTTL: 3600, ...jwt,
      }),
    },
  },
});
provider.listen(Number(port), '127.0.0.1');
