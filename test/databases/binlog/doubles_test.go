package binlog

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/change"
)

// A DOUBLE is told as the server shows it, digit for digit.
func TestDoublesAreShownAsTheServerDoes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	all := []float64{0, 1, -1, 0.1, 1e14, 1e15, 1e16, 1e-14, 1e-15, 1e-16, 123456789012345680, 99999999999999.9, 999999999999999.9, math.MaxFloat64, math.SmallestNonzeroFloat64, 1.5e300, 1e22, 1e21}
	for len(all) < 5000 {
		f := math.Float64frombits(r.Uint64())
		if r.IntN(2) == 0 {
			f = (r.Float64() - 0.5) * math.Pow10(r.IntN(44)-22)
		}
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			all = append(all, f)
		}
	}
	shared.exec(t, "CREATE OR REPLACE TABLE doubles (id INT PRIMARY KEY, d DOUBLE)")
	var values []string
	for i, f := range all {
		values = append(values, fmt.Sprintf("(%d,%s)", i, strconv.FormatFloat(f, 'e', -1, 64)))
	}
	shared.exec(t, "INSERT INTO doubles VALUES "+strings.Join(values, ","))
	wrong := 0
	for i, want := range shared.column(t, "SELECT CONCAT(d) FROM doubles ORDER BY id") {
		if got := string(change.AppendDouble(nil, all[i], 64)); got != want {
			if wrong++; wrong < 10 {
				t.Errorf("%v is shown as %s, and by the server as %v", all[i], got, want)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d", wrong, len(all))
	}
}
