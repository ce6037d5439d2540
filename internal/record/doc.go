// Package record reads, validates, builds and compresses record batches of magic 2, the only ones that skein stores.
// It knows bytes; it opens no file. Start with Batch, which is a view on bytes that stay where they are.
package record
