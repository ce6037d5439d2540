//go:build linux

package faults

import (
	"context"
	"net"
	"testing"
)

type network struct{ clients string }

func (n *network) dial(ctx context.Context, kind, address string) (net.Conn, error) { return nil, nil }
func (n *network) wrap(ns string) []string                                          { return nil }

var _ testing.TB
