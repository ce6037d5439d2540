package group

// Token names a request that waits for its reply. The driver chooses it; 0 is none.
type Token uint64

// Seq numbers the records that a Shard asks to append, from 1. A record's Seq is the token by which its persistence is
// reported. It is no log offset: the driver knows which Seq went into which batch.
type Seq uint64
