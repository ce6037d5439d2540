package main

import "time"

// pause is between two looks at something that takes a moment.
func pause() { time.Sleep(20 * time.Millisecond) }
