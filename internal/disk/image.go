package disk

// pageBytes is the unit in which an image is stored and space is counted, as on ext4.
const pageBytes = 4096

// image is the content of one simulated file: pages, of which those that were never written are holes of zeros. A
// clone shares its pages until one side writes them, so that an image of a whole disk after each operation is cheap.
type image struct {
	size  int64
	pages []*[pageBytes]byte // nil is a hole; may end before size
	owned []bool             // not shared with a clone
	used  int                // pages that are no holes
}

// readAt fills b from the image and tells how much of b lies before the end.
func (im *image) readAt(b []byte, at int64) int {
	if at >= im.size {
		return 0
	}
	b = b[:min(int64(len(b)), im.size-at)]
	for done := 0; done < len(b); {
		part := b[done:min(len(b), done+pageBytes-int((at+int64(done))%pageBytes))]
		number, offset := int((at+int64(done))/pageBytes), int((at+int64(done))%pageBytes)
		if number < len(im.pages) && im.pages[number] != nil {
			copy(part, im.pages[number][offset:])
		} else {
			clear(part)
		}
		done += len(part)
	}
	return len(b)
}

// writeAt writes b and grows the image if need be.
func (im *image) writeAt(b []byte, at int64) {
	for done := 0; done < len(b); {
		number, offset := int((at+int64(done))/pageBytes), int((at+int64(done))%pageBytes)
		done += copy(im.page(number)[offset:], b[done:])
	}
	if len(b) > 0 {
		im.size = max(im.size, at+int64(len(b)))
	}
}

// newPages tells how many holes a write of n bytes would fill.
func (im *image) newPages(n int, at int64) int {
	if n == 0 {
		return 0
	}
	count := 0
	for number := int(at / pageBytes); number <= int((at+int64(n)-1)/pageBytes); number++ {
		if number >= len(im.pages) || im.pages[number] == nil {
			count++
		}
	}
	return count
}

// page returns a page for writing: made if it is a hole, copied if it is shared.
func (im *image) page(number int) *[pageBytes]byte {
	for len(im.pages) <= number {
		im.pages = append(im.pages, nil)
		im.owned = append(im.owned, false)
	}
	switch {
	case im.pages[number] == nil:
		im.pages[number] = new([pageBytes]byte)
		im.used++
	case !im.owned[number]:
		shared := *im.pages[number]
		im.pages[number] = &shared
	}
	im.owned[number] = true
	return im.pages[number]
}

// truncate sets the size. What is cut is zero if the image grows again.
func (im *image) truncate(size int64) {
	whole := int((size + pageBytes - 1) / pageBytes)
	for number := whole; number < len(im.pages); number++ {
		if im.pages[number] != nil {
			im.used--
		}
	}
	if whole < len(im.pages) {
		clear(im.pages[whole:])
		im.pages, im.owned = im.pages[:whole], im.owned[:whole]
	}
	if rest := int(size % pageBytes); rest > 0 && size < im.size && whole <= len(im.pages) && im.pages[whole-1] != nil {
		clear(im.page(whole - 1)[rest:])
	}
	im.size = size
}

// clone returns a copy that shares every page until one side writes it.
func (im *image) clone() image {
	c := image{size: im.size, used: im.used}
	c.pages = append(c.pages, im.pages...)
	c.owned = make([]bool, len(im.pages))
	clear(im.owned)
	return c
}
