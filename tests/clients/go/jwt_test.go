package clients

import (
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"golang.org/x/oauth2"
)

func TestATokenIsVerified(t *testing.T) {
	s := underTest(t)
	keys := fetchKeys(t, s)
	for _, alg := range algs {
		t.Run(alg, func(t *testing.T) {
			signed := fetchToken(t, s, alg)
			verified, err := jwt.Parse(
				signed,
				jwt.WithKeySet(keys),
				jwt.WithIssuer(s.issuer),
				jwt.WithAudience(s.issuer),
				jwt.WithClaimValue("client_id", s.clients[alg].ID),
				jwt.WithClaimValue("scope", "invoices.read view_schools"),
				jwt.WithRequiredClaim("exp"),
				jwt.WithRequiredClaim("jti"),
			)
			if err != nil {
				t.Fatal(err)
			}
			if subject, _ := verified.Subject(); subject != s.clients[alg].ID {
				t.Errorf("subject %q", subject)
			}
			headersAre(t, signed, alg)
		})
	}
}

func TestATokenForAnotherAudienceIsRefused(t *testing.T) {
	s := underTest(t)
	signed := fetchToken(t, s, "ES256")
	other := jwt.WithAudience("https://other.example")
	if _, err := jwt.Parse(signed, jwt.WithKeySet(fetchKeys(t, s)), other); err == nil {
		t.Error("accepted")
	}
}

func fetchKeys(t *testing.T, s server) jwk.Set {
	t.Helper()
	keys, err := jwk.Fetch(t.Context(), s.issuer+"/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func fetchToken(t *testing.T, s server, name string) []byte {
	t.Helper()
	token, err := s.config(name, oauth2.AuthStyleInHeader).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return []byte(token.AccessToken)
}

func headersAre(t *testing.T, signed []byte, alg string) {
	t.Helper()
	message, err := jws.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	headers := message.Signatures()[0].ProtectedHeaders()
	if typ, _ := headers.Type(); typ != "at+jwt" {
		t.Errorf("typ %q", typ)
	}
	if used, _ := headers.Algorithm(); used.String() != alg {
		t.Errorf("alg %q", used)
	}
}
