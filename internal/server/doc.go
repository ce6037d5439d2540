// Package server holds the connections: it accepts them, reads requests within the limits, starts each at its time
// (the ordered stage), and sends the answers in request order, record bytes straight from the file. It knows frames
// and headers; what a request means is its Handler's affair, and it keeps no state of topics or groups.
//
// Start with Server and conn; a request's way is reading.go, stage.go, request.go, flush.go.
package server
