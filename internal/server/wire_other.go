//go:build !linux

package server

import "net"

func wireOf(conn net.Conn) wire { return plainWire{conn} }
