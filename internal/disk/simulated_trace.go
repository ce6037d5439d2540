package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// line is the operation in a trace. The error is without the names, which stand before it.
func (c Call) line(err error) string {
	line := c.Op.String()
	if c.Name != "" {
		line += " " + c.Name
	}
	switch c.Op {
	case OpRead, OpWrite:
		line += fmt.Sprintf(" @%d +%d", c.At, c.Bytes)
	case OpTruncate:
		line += fmt.Sprintf(" @%d", c.At)
	case OpRename:
		line += " " + c.To
	}
	if err != nil {
		line += " = " + bare(err).Error()
	}
	return line
}

// bare takes the names off an error.
func bare(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// pathError gives an error the form that package os gives it.
func pathError(c Call, err error) error {
	switch {
	case err == nil, err == io.EOF:
		return err
	case c.Op == OpRename:
		return &os.LinkError{Op: "rename", Old: c.Name, New: c.To, Err: err}
	}
	return &fs.PathError{Op: c.Op.String(), Path: c.Name, Err: err}
}

func failed(fail *failure) error {
	if fail == nil {
		return nil
	}
	return fail.err
}
