// Package attack does to the binary what hostile or broken clients would: it never reads what it asked for, sends a byte
// a second, opens ten thousand connections, claims memory, sends bombs. What it wants to know is the memory that the
// process had at most, as the kernel counted it, and that others were served meanwhile.
//
// It holds tests only. Start with broker_test.go. ATTACK=n in the environment does everything n times as often.
package attack
