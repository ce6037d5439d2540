package schema

import (
	"strings"
	"unicode/utf8"
)

// tokenKind is what a piece of a statement is.
type tokenKind uint8

const (
	end tokenKind = iota
	word
	quotedName // in backticks
	text       // in quotes; in double quotes it may be a name
	symbol
)

// token is a piece of a statement. text has no quotes.
type token struct {
	kind   tokenKind
	text   string
	double bool // it was in double quotes
}

// is reports whether it is this word, which is in capitals.
func (t token) is(capitals string) bool {
	return t.kind == word && strings.EqualFold(t.text, capitals)
}

func (t token) symbol(s byte) bool { return t.kind == symbol && t.text[0] == s }

// tokensMax bounds a statement: 4096 columns with what is said of each.
const tokensMax = 200_000

// tokens splits a statement. Comments are left out, except those that the server executes. It is cut off after tokensMax.
func tokens(sql string) (all []token) {
	executed := 0 // comments that are executed, and are open
	for len(sql) > 0 && len(all) < tokensMax {
		switch c := sql[0]; {
		case c <= ' ':
			sql = sql[1:]
		case strings.HasPrefix(sql, "/*!"), strings.HasPrefix(sql, "/*M!"):
			sql = strings.TrimLeft(sql[strings.IndexByte(sql, '!')+1:], "0123456789")
			executed++
		case executed > 0 && strings.HasPrefix(sql, "*/"):
			sql = sql[2:]
			executed--
		case strings.HasPrefix(sql, "/*"):
			_, sql, _ = strings.Cut(sql[2:], "*/")
		case c == '#', strings.HasPrefix(sql, "--") && (len(sql) == 2 || sql[2] <= ' '):
			_, sql, _ = strings.Cut(sql, "\n")
		case c == '`', c == '\'', c == '"':
			t := token{kind: text, double: c == '"'}
			if c == '`' {
				t.kind = quotedName
			}
			t.text, sql = quoted(sql)
			all = append(all, t)
		case wordByte(c):
			n := 1
			for n < len(sql) && wordByte(sql[n]) {
				n++
			}
			all = append(all, token{kind: word, text: sql[:n]})
			sql = sql[n:]
		default:
			all = append(all, token{kind: symbol, text: sql[:1]})
			sql = sql[1:]
		}
	}
	return all
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= utf8.RuneSelf
}

// quoted reads a name or a text in quotes. A quote inside is doubled; in a text a backslash takes the next one as it is.
func quoted(sql string) (inside, rest string) {
	quote := sql[0]
	var b strings.Builder
	for i := 1; i < len(sql); i++ {
		switch c := sql[i]; {
		case c == quote && i+1 < len(sql) && sql[i+1] == quote:
			i++
			b.WriteByte(c)
		case c == quote:
			return b.String(), sql[i+1:]
		case c == '\\' && quote != '`' && i+1 < len(sql):
			i++
			b.WriteByte(sql[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// tape is tokens that are read one after the other.
type tape struct {
	tokens []token
	at     int
}

func (t *tape) peek() token { return t.ahead(0) }

func (t *tape) ahead(n int) token {
	if t.at+n < len(t.tokens) {
		return t.tokens[t.at+n]
	}
	return token{}
}

func (t *tape) next() token {
	one := t.peek()
	if t.at < len(t.tokens) {
		t.at++
	}
	return one
}

// take passes over these words if all of them follow.
func (t *tape) take(words ...string) bool {
	for n, w := range words {
		if !t.ahead(n).is(w) {
			return false
		}
	}
	t.at += len(words)
	return true
}

// takeAny passes over any of these words, as often as they follow.
func (t *tape) takeAny(words ...string) {
	for again := true; again; {
		again = false
		for _, w := range words {
			again = t.take(w) || again
		}
	}
}

func (t *tape) takeSymbol(s byte) bool {
	if t.peek().symbol(s) {
		t.at++
		return true
	}
	return false
}

// name reads one part of a name.
func (t *tape) name() (string, bool) {
	switch one := t.peek(); {
	case one.kind == word, one.kind == quotedName, one.kind == text && one.double:
		t.at++
		return one.text, one.text != ""
	}
	return "", false
}

// table reads database.table or table.
func (t *tape) table(database string) (Name, bool) {
	t.takeSymbol('.') // .table is one, too
	first, ok := t.name()
	if !ok {
		return Name{}, false
	}
	if !t.takeSymbol('.') {
		return Name{Database: database, Table: first}, true
	}
	second, ok := t.name()
	return Name{Database: first, Table: second}, ok
}

// parentheses returns what is in the parentheses that begin here, and passes over them. Without a ')' it is all that is left.
func (t *tape) parentheses() *tape {
	if !t.takeSymbol('(') {
		return &tape{}
	}
	begin, depth := t.at, 1
	for ; t.at < len(t.tokens); t.at++ {
		switch one := t.peek(); {
		case one.symbol('('):
			depth++
		case one.symbol(')'):
			if depth--; depth == 0 {
				t.at++
				return &tape{tokens: t.tokens[begin : t.at-1]}
			}
		}
	}
	return &tape{tokens: t.tokens[begin:]}
}

// items splits what is left at the commas that are in no parentheses.
func (t *tape) items() (all []*tape) {
	begin, depth := t.at, 0
	for ; t.at < len(t.tokens); t.at++ {
		switch one := t.peek(); {
		case one.symbol('('):
			depth++
		case one.symbol(')'):
			depth--
		case one.symbol(',') && depth == 0:
			all = append(all, &tape{tokens: t.tokens[begin:t.at]})
			begin = t.at + 1
		}
	}
	return append(all, &tape{tokens: t.tokens[begin:]})
}
