package clients

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func codeConfig(s server, name string, style oauth2.AuthStyle, back string) oauth2.Config {
	return oauth2.Config{
		ClientID:     s.clients[name].ID,
		ClientSecret: s.clients[name].Secret,
		Endpoint: oauth2.Endpoint{
			AuthURL:   s.issuer + "/oauth/authorize",
			TokenURL:  s.issuer + "/oauth/token",
			AuthStyle: style,
		},
		RedirectURL: back,
		Scopes:      []string{"view_schools"},
	}
}

// sendAround gets a code for a config, with the verifier that belongs to it.
func sendAround(t *testing.T, s server, p person, config oauth2.Config) (url.Values, oauth2.AuthCodeOption) {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	back := p.visit(config.AuthCodeURL("state 1&", oauth2.S256ChallengeOption(verifier)))
	if back.Get("state") != "state 1&" || back.Get("iss") != s.issuer || back.Get("code") == "" {
		t.Fatalf("came back with %v", back)
	}
	return back, oauth2.VerifierOption(verifier)
}

func TestAUserLetsAnAppAct(t *testing.T) {
	s := underTest(t)
	configs := map[string]oauth2.Config{
		"page": codeConfig(s, "page", oauth2.AuthStyleInParams, "https://page.example/callback"),
	}
	for way, style := range styles {
		configs[way] = codeConfig(s, "web", style, "https://app.example/callback")
	}
	p := newPerson(t, s)
	for way, config := range configs {
		t.Run(way, func(t *testing.T) {
			back, verifier := sendAround(t, s, p, config)
			token, err := config.Exchange(t.Context(), back.Get("code"), verifier)
			if err != nil {
				t.Fatal(err)
			}
			if token.Type() != "Bearer" || token.Extra("scope") != "view_schools" {
				t.Errorf("type %q, scope %q", token.Type(), token.Extra("scope"))
			}
			refreshes(t, config, token)
		})
	}
}

// refreshes lets the library find the token expired, which then brings the next by itself.
func refreshes(t *testing.T, config oauth2.Config, token *oauth2.Token) {
	t.Helper()
	old := *token
	token.Expiry = time.Now().Add(-time.Minute)
	next, err := config.TokenSource(t.Context(), token).Token()
	if err != nil {
		t.Fatal(err)
	}
	if next.AccessToken == old.AccessToken || next.RefreshToken == old.RefreshToken || next.RefreshToken == "" {
		t.Error("not refreshed")
	}
	_, err = config.TokenSource(t.Context(), token).Token()
	refusedAs(t, "used twice", err, http.StatusBadRequest, "invalid_grant")
}

func TestACodeWorksOnceAndWithItsVerifier(t *testing.T) {
	s := underTest(t)
	config := codeConfig(s, "web", oauth2.AuthStyleInHeader, "https://app.example/callback")
	p := newPerson(t, s)
	back, verifier := sendAround(t, s, p, config)
	if _, err := config.Exchange(t.Context(), back.Get("code"), verifier); err != nil {
		t.Fatal(err)
	}
	_, err := config.Exchange(t.Context(), back.Get("code"), verifier)
	refusedAs(t, "again", err, http.StatusBadRequest, "invalid_grant")

	back, _ = sendAround(t, s, p, config)
	other := oauth2.VerifierOption(oauth2.GenerateVerifier())
	_, err = config.Exchange(t.Context(), back.Get("code"), other)
	refusedAs(t, "another verifier", err, http.StatusBadRequest, "invalid_grant")
}
