// Package binjson turns MySQL's binary JSON into text, as MySQL prints it, and applies the differences of partial updates.
// It is pure. MariaDB keeps JSON as text and has no use for it.
//
// A document is a type and a value. An object or an array is large (all numbers of 4 bytes) or small (2 bytes):
//
//	count | bytes | count times: key offset, key length 2 (objects) | count times: type 1, offset or the value itself | keys, values
//
// Offsets count from the object's first byte. Hostile ones may point anywhere, backwards too, so depth and length of what is
// printed have bounds. There is no server to prove it against: the tests hold bytes made by MySQL's rules, see its
// json_binary.h.
package binjson
