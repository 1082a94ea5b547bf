package clients

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func TestATokenIsGot(t *testing.T) {
	s := underTest(t)
	for way, style := range styles {
		for _, name := range names {
			t.Run(way+"/"+name, func(t *testing.T) {
				token, err := s.config(name, style).Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !token.Valid() || token.Type() != "Bearer" {
					t.Errorf("not a valid bearer token: %v", token)
				}
				if left := time.Until(token.Expiry); left < 59*time.Minute || left > time.Hour {
					t.Errorf("it lives %v, not an hour", left)
				}
				if scope := token.Extra("scope"); scope != "invoices.read view_schools" {
					t.Errorf("scope %q", scope)
				}
			})
		}
	}
}

func TestAScopeIsAskedFor(t *testing.T) {
	s := underTest(t)
	for way, style := range styles {
		token, err := s.config("PS256", style, "view_schools").Token(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		if scope := token.Extra("scope"); scope != "view_schools" {
			t.Errorf("%s: scope %q", way, scope)
		}
	}
}

func TestAWrongSecretIsInvalidClient(t *testing.T) {
	s := underTest(t)
	for way, style := range styles {
		config := s.config("RS256", style)
		config.ClientSecret = "wrong"
		_, err := config.Token(t.Context())
		refusedAs(t, way, err, http.StatusUnauthorized, "invalid_client")
	}
}

func TestOneScopeTooManyIsInvalidScope(t *testing.T) {
	s := underTest(t)
	for way, style := range styles {
		_, err := s.config("RS256", style, "view_schools", "nope").Token(t.Context())
		refusedAs(t, way, err, http.StatusBadRequest, "invalid_scope")
	}
}

func refusedAs(t *testing.T, way string, err error, status int, code string) {
	t.Helper()
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		t.Fatalf("%s: not a RetrieveError: %v", way, err)
	}
	if refused.ErrorCode != code || refused.Response.StatusCode != status {
		t.Errorf("%s: %d %s, not %d %s", way, refused.Response.StatusCode, refused.ErrorCode, status, code)
	}
	if refused.ErrorDescription == "" {
		t.Errorf("%s: no description", way)
	}
}
