package machine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Touch writes a file of n bytes in dir and deletes it. On a virtual machine a
// page of memory that is used for the first time, or that was given back to
// the host, costs many times as much as later; whoever comes first pays. After
// Touch the free pages are paid for. What other programs left to be written is
// on the disk when Touch returns, so the next measurement does not pay that.
func Touch(ctx context.Context, dir string, n int64) error {
	if n > 0 {
		if err := fill(ctx, filepath.Join(dir, "touch"), n); err != nil {
			return fmt.Errorf("touch memory: %w", err)
		}
	}
	syscall.Sync()
	return nil
}

func fill(ctx context.Context, path string, n int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(path) }()
	defer func() { _ = f.Close() }()
	block := make([]byte, 1<<20)
	for ; n > 0 && ctx.Err() == nil; n -= int64(len(block)) {
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
	return ctx.Err()
}
