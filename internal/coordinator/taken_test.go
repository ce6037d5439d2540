package coordinator

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/skein-io/skein/internal/group"
	"github.com/skein-io/skein/internal/protocol"
)

// TestTakenAndNotStepped loses the log while a loop is half-way through the requests that it took from its inbox: those
// behind are answered as well.
func TestTakenAndNotStepped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, testConfig(), 1)
		n.logs[0].refuse = errors.New("not led here any more")
		const requests = 6
		answers := make([][]error, requests)
		inbox := n.loop(0).inbox
		inbox.mu.Lock() // so that all are taken at once; the second needs the record of the first in the log
		for i := range requests {
			token := n.token()
			inbox.items = append(inbox.items, item{token: token,
				event:  &group.Join{Token: token, FreshID: "id", JoinRequest: joinRequest("g", "")},
				finish: func(_ group.Body, err error) { answers[i] = append(answers[i], err) }})
		}
		inbox.mu.Unlock()
		inbox.signal()
		synctest.Wait()
		for i, got := range answers {
			if len(got) != 1 {
				t.Errorf("request %d of %d has %d answers: %v", i, requests, len(got), got)
			} else if i > 0 && protocol.CodeOf(got[0]) != protocol.NotCoordinator {
				t.Errorf("request %d of %d: %v", i, requests, got[0])
			}
		}
		n.logs[0].mu.Lock()
		n.logs[0].refuse = nil // the loop begins again
		n.logs[0].mu.Unlock()
	})
}
