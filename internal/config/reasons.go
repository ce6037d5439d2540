package config

// Reasons that several tables give.
const (
	noRemote = "skein has no remote storage."
	noTLS    = "skein has no TLS yet; a listener that asks for it stops the start."
	noSASL   = "skein has no authentication yet; a listener that asks for it stops the start."
)
