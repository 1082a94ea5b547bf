package main

import (
	"context"
	"io"
	"log"
	"os"

	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	config := clientcredentials.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		TokenURL:     "@TOKEN_ENDPOINT@",
		Scopes:       []string{"@SCOPE@"},
	}
	// Fetches a token, keeps it, and fetches the next when it ends.
	client := config.Client(context.Background())
	answer, err := client.Get(os.Getenv("API_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		log.Fatal(err)
	}
}
