package clients

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	theForm = regexp.MustCompile(`(?s)<form class="stack" method="post" action="([^"]*)">(.*?)</form>`)
	hidden  = regexp.MustCompile(`type="hidden" name="(\w+)" value="([^"]*)"`)
)

// person sits in front of a browser, as far as grantd's pages need one.
type person struct {
	t       *testing.T
	server  server
	browser *http.Client
}

func newPerson(t *testing.T, s server) person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	// Redirects are followed as long as they stay at grantd.
	stay := func(next *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(next.URL.String(), s.issuer+"/") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return person{t, s, &http.Client{Jar: jar, CheckRedirect: stay}}
}

// visit goes where an app sends them, signs in, says yes, and tells what came back to the app.
func (p person) visit(address string) url.Values {
	p.t.Helper()
	answer, err := p.browser.Get(address)
	for range 9 {
		if err != nil {
			p.t.Fatal(err)
		}
		page, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if location, err := answer.Location(); err == nil {
			return location.Query()
		}
		answer, err = p.fillIn(string(page))
	}
	p.t.Fatal("it leads in a circle")
	return nil
}

func (p person) fillIn(page string) (*http.Response, error) {
	p.t.Helper()
	form := theForm.FindStringSubmatch(page)
	if form == nil {
		p.t.Fatalf("no form: %s", page)
	}
	fields := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(form[2], -1) {
		fields.Set(field[1], html.UnescapeString(field[2]))
	}
	if strings.HasSuffix(form[1], "/login") {
		var user struct{ Name, Password string }
		if err := json.Unmarshal([]byte(os.Getenv("GRANTD_TEST_USER")), &user); err != nil {
			p.t.Fatal(err)
		}
		fields.Set("name", user.Name)
		fields.Set("password", user.Password)
	} else {
		fields.Set("decision", "allow")
	}
	return p.browser.PostForm(p.server.issuer+form[1], fields)
}
