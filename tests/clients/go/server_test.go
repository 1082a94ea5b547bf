// Package clients gets tokens with golang.org/x/oauth2 and verifies them with jwx.
package clients

import (
	"encoding/json"
	"os"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

var (
	algs = []string{"RS256", "PS256", "ES256", "EdDSA"}
	// "legacy" has an id and a secret brought in from elsewhere, full of characters that need escapes.
	names  = append([]string{"legacy"}, algs...)
	styles = map[string]oauth2.AuthStyle{
		"header": oauth2.AuthStyleInHeader,
		"params": oauth2.AuthStyleInParams,
		"auto":   oauth2.AuthStyleAutoDetect,
	}
)

type client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// server is what `cargo xtask clients` tells of the server under test.
type server struct {
	issuer  string
	clients map[string]client
}

func underTest(t *testing.T) server {
	t.Helper()
	s := server{issuer: os.Getenv("GRANTD_TEST_ISSUER")}
	if err := json.Unmarshal([]byte(os.Getenv("GRANTD_TEST_CLIENTS")), &s.clients); err != nil {
		t.Fatalf("GRANTD_TEST_CLIENTS: %v; run `cargo xtask clients go`", err)
	}
	return s
}

func (s server) config(name string, style oauth2.AuthStyle, scopes ...string) *clientcredentials.Config {
	return &clientcredentials.Config{
		ClientID:     s.clients[name].ID,
		ClientSecret: s.clients[name].Secret,
		TokenURL:     s.issuer + "/oauth/token",
		Scopes:       scopes,
		AuthStyle:    style,
	}
}
