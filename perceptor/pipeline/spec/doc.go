// Package spec is the file of a pipeline: a source, sinks, or both, in YAML. It makes a Config of its bytes, or says what is
// wrong: everything at once, each with its line and column, what stands there and what is allowed.
//
// It is pure: it opens no file, connects to nothing and never sees a secret. A password is not in the file, only where it is.
//
// The keys are in tables (keys_*.go), from which Reference writes the list in docs/sync.md. Start at Parse.
package spec
