package api

// text is what a nullable string of the wire says; null is "".
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// orNull is the wire's nullable string of s; "" is null.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
