//go:build !linux

package services

import "syscall"

// dieWithParent has no counterpart outside Linux.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
