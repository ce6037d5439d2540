package disk

import (
	"bytes"
	"testing"

	"github.com/skein-io/skein/internal/sim"
)

// An image and its clones are compared with plain byte slices through random writes and truncations.
func TestImageAgainstBytes(t *testing.T) {
	type pair struct {
		image image
		plain []byte
	}
	r := sim.NewRand(11)
	for range 100 {
		all := []*pair{{}}
		for range 60 {
			p := all[r.IntN(len(all))]
			switch r.IntN(6) {
			case 0:
				size := r.IntN(5 * pageBytes)
				p.image.truncate(int64(size))
				p.plain = append(p.plain[:min(size, len(p.plain))], make([]byte, max(0, size-len(p.plain)))...)
			case 1:
				all = append(all, &pair{p.image.clone(), bytes.Clone(p.plain)})
			default:
				at, b := r.IntN(4*pageBytes), bytes.Repeat([]byte{byte(1 + r.IntN(255))}, r.IntN(2*pageBytes))
				want := p.image.used + p.image.newPages(len(b), int64(at))
				p.image.writeAt(b, int64(at))
				if p.image.used != want {
					t.Fatalf("%d pages used, newPages foretold %d", p.image.used, want)
				}
				if grow := at + len(b) - len(p.plain); grow > 0 && len(b) > 0 {
					p.plain = append(p.plain, make([]byte, grow)...)
				}
				copy(p.plain[min(at, len(p.plain)):], b)
			}
			for _, p := range all {
				checkImage(t, &p.image, p.plain)
			}
		}
	}
}

func checkImage(t *testing.T, im *image, want []byte) {
	t.Helper()
	got := make([]byte, len(want)+10)
	if n := im.readAt(got, 0); n != len(want) || !bytes.Equal(got[:n], want) {
		t.Fatalf("the image holds %d bytes, want %d, or others", n, len(want))
	}
	used := 0
	for _, p := range im.pages {
		if p != nil {
			used++
		}
	}
	if used != im.used {
		t.Fatalf("%d pages counted, %d are there", im.used, used)
	}
}

func TestImageHoleIsFree(t *testing.T) {
	var im image
	im.truncate(1 << 30)
	im.writeAt([]byte("x"), 1<<20)
	if im.used != 1 || im.size != 1<<30 {
		t.Errorf("used %d pages, size %d", im.used, im.size)
	}
}
