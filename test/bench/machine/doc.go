// Package machine reads what a process costs and prepares the machine for a
// measurement: processor time, memory, touched pages, and a description for
// the report. It reads /proc, so it works on Linux only.
//
// It refuses to know what a broker is. Start reading at CPU.
package machine
