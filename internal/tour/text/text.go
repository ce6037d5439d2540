// Package text holds what the tour says, in each language by the same keys. A word of Kafka's stays Kafka's word.
package text

import (
	"fmt"
	"strings"
)

// Language is one language of the tour.
type Language struct {
	name  string
	words map[string]string
}

// Languages is every language, the first of which is the default.
func Languages() []Language { return []Language{{"en", english}, {"zh", chinese}} }

// Find is the language with a name such as "en".
func Find(name string) (Language, bool) {
	for _, l := range Languages() {
		if l.name == name {
			return l, true
		}
	}
	return Language{}, false
}

// Name is "en".
func (l Language) Name() string { return l.name }

// Say gives the words of a key, with its arguments in their places. A key without words is shown as it is: the tests
// let none be.
func (l Language) Say(key string, args ...any) string {
	words, ok := l.words[key]
	if !ok {
		return "<" + key + ">"
	}
	if !strings.Contains(words, "%") {
		return words
	}
	return fmt.Sprintf(words, args...)
}
