// Package tour shows how the system works, live, to someone who learns it: a real broker, real consumers of a client
// library, and faults. A Scene is a list of Steps; each says what will happen and why, does it, and shows the evidence.
//
// The evidence is never written down beforehand. What the coordinator did comes from its flight recorder, decided again
// by package group (recording.go); what a client was told comes from its own connection, which is listened to (package wiretap); the
// rest are answers that the broker gives to anybody. Facts compare two such sources, so that a fault of the broker shows.
//
// It does not know how a person sees it: a Viewer does that (text, a terminal, a page of HTML), with the lanes of package
// lane and the words of package text.
//
// To add a scene: a file scene_NAME.go with a Scene, a line in Scenes, its words in text/en.go and text/zh.go, and a
// planted bug in planted_test.go that makes it fail.
package tour
