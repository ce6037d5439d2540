package commitlog

// searchFile finds the boundary in a file of n ascending entries of one size: it calls holds with entries so that the
// last one for which it returns true is the last for which it would. It reads at most one page at the end of about
// log2(n) single entries.
func searchFile(files *fileCache, f *cachedFile, n, size int, holds func([]byte) bool) error {
	file, err := files.acquire(f)
	if err != nil {
		return err
	}
	defer files.release(f)
	const page = 64 // entries read at once when so few are left
	var buffer [page * timeEntrySize]byte
	low, high := 0, n // holds below low, does not from high on
	for high-low > page {
		middle := low + (high-low)/2
		b := buffer[:size]
		if err := readFull(file, b, int64(middle)*int64(size)); err != nil {
			return err
		}
		if holds(b) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if high == low {
		return nil
	}
	b := buffer[:(high-low)*size]
	if err := readFull(file, b, int64(low)*int64(size)); err != nil {
		return err
	}
	for ; len(b) > 0; b = b[size:] {
		if !holds(b[:size]) {
			break
		}
	}
	return nil
}

// countBelow counts the entries of a file for which below holds; it holds for a prefix.
func countBelow(files *fileCache, f *cachedFile, n, size int, below func([]byte) bool) (int, error) {
	low, high := 0, n
	var b [timeEntrySize]byte
	for low < high {
		middle := low + (high-low)/2
		if err := files.readAt(f, b[:size], int64(middle)*int64(size)); err != nil {
			return 0, err
		}
		if below(b[:size]) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}
