package protocol

// Reader is written by the codec's builder.
type Reader struct{}

// Writer is written by the codec's builder.
type Writer struct{}
