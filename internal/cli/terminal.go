package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminalSize is the columns and lines of a terminal.
func terminalSize(w io.Writer) (columns, lines int) {
	f, ok := w.(*os.File)
	if ok {
		if columns, lines, err := term.GetSize(int(f.Fd())); err == nil && columns >= 40 && lines >= 10 {
			return min(columns, 120), lines
		}
	}
	return tourColumns, 24
}

// singleKeys lets a terminal give each key at once, without showing it, until restore is called.
func singleKeys(in io.Reader) (restore func() error, err error) {
	f, ok := in.(*os.File)
	if !ok {
		return func() error { return nil }, nil
	}
	before, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	return func() error { return term.Restore(int(f.Fd()), before) }, nil
}
