package config

import (
	"fmt"
	"log/slog"
)

// Secret is a value that no log line, error, listing or dump may show. Every way of printing it gives "***"; Reveal
// gives the value. The value stands behind a pointer, so that printing a struct that holds a Secret in an unexported
// field, where fmt asks no methods, gives no more than an address.
type Secret struct{ value *string }

const redacted = "***"

// NewSecret hides value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal is the value itself: for the one place that must present it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero says whether no secret was given.
func (s Secret) IsZero() bool { return s.value == nil }

// String gives ***.
func (Secret) String() string { return redacted }

// GoString gives ***.
func (Secret) GoString() string { return redacted }

// Format gives *** for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives ***, in JSON and YAML too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON gives "***".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue gives ***.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
