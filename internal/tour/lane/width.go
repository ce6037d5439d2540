package lane

import (
	"strings"
	"unicode"
)

// Width is how many columns of a terminal a text takes.
func Width(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is 2 for the characters that East Asian terminals draw wide.
func runeWidth(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0x303e, r >= 0x3041 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6,
		r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// Centre puts a text in the middle of so many columns.
func Centre(text string, columns int) string {
	free := max(columns-Width(text), 0)
	left := (free + 1) / 2
	return strings.Repeat(" ", left) + text + strings.Repeat(" ", free-left)
}

// Wrap breaks a text into lines of at most columns: between words, or beside a wide character. A word that is longer
// than a line is broken. There is always one line.
func Wrap(text string, columns int) []string {
	var lines []string
	line, width := "", 0
	for _, word := range words(text) {
		n := Width(strings.TrimRight(word, " "))
		if width > 0 && width+n > columns {
			lines = append(lines, strings.TrimRight(line, " "))
			line, width = "", 0
		}
		for n > columns {
			head, rest := cut(word, columns)
			lines = append(lines, head)
			word, n = rest, Width(strings.TrimRight(rest, " "))
		}
		line, width = line+word, width+Width(word)
	}
	return append(lines, strings.TrimRight(line, " "))
}

// words cuts a text where a line may end: after a space, and before and after a wide character, but not before one that
// closes what stands before it.
func words(text string) []string {
	var all []string
	begin := 0
	add := func(end int) {
		if end > begin {
			all = append(all, text[begin:end])
			begin = end
		}
	}
	for i, r := range text {
		switch wide := runeWidth(r) == 2; {
		case wide && strings.ContainsRune(closing, r):
			begin -= len(last(all))
			all = all[:max(len(all)-1, 0)]
			add(i + len(string(r)))
		case wide:
			add(i)
			add(i + len(string(r)))
		case r == ' ':
			add(i + 1)
		}
	}
	add(len(text))
	return all
}

// closing are the wide characters that may not begin a line.
const closing = "，。、；：？！）」"

func last(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// cut divides a word after so many columns.
func cut(word string, columns int) (head, rest string) {
	n := 0
	for i, r := range word {
		if n += runeWidth(r); n > columns {
			return word[:i], word[i:]
		}
	}
	return word, ""
}
