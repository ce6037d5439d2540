package protocol

import "testing"

func TestUUIDText(t *testing.T) {
	u := UUID{0xff, 0xee, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}
	if got, err := ParseUUID(u.String()); err != nil || got != u || len(u.String()) != 22 {
		t.Errorf("%q %v", u, err)
	}
	if got := (UUID{}).String(); got != "AAAAAAAAAAAAAAAAAAAAAA" || !(UUID{}).IsZero() || u.IsZero() {
		t.Errorf("zero is %q", got)
	}
	for _, s := range []string{"", "AAAA", "AAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", "../../../etc/passwd/x"} {
		if got, err := ParseUUID(s); err == nil {
			t.Errorf("%q was read as %s", s, got)
		}
	}
}
