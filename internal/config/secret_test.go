package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestASecretShowsNowhere(t *testing.T) {
	const canary = "canary-password"
	s := NewSecret(canary)
	holder := struct {
		Open   Secret
		hidden Secret
	}{s, s}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "holder", holder)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "holder", holder)
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	b := mustResolve(t, "ssl.key.password="+canary, nil)
	described, err := json.Marshal(b.Describe())
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(asJSON) + string(described)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, holder) + fmt.Sprintf(verb, b)
	}
	shown += fmt.Sprint(b.static["ssl.key.password"], b.Warnings())
	if strings.Contains(shown, canary) || strings.Contains(shown, fmt.Sprintf("%x", canary)) {
		t.Errorf("the secret shows in %s", shown)
	}
	if s.Reveal() != canary || s.IsZero() || !(Secret{}).IsZero() {
		t.Error("the secret is lost")
	}
}
