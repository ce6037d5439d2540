package cli

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func TestStillComing(t *testing.T) {
	shards := func(err error) error {
		return &kadm.ShardErrors{Name: "DescribeGroups", Errs: []kadm.ShardError{{Err: err}}}
	}
	for _, err := range []error{shards(kerr.CoordinatorNotAvailable), shards(kerr.CoordinatorLoadInProgress), shards(kerr.NotCoordinator)} {
		if !stillComing(err) {
			t.Errorf("%v is taken as final", err)
		}
	}
	for _, err := range []error{errors.New("broken"), &kadm.ShardErrors{}, shards(errors.New("broken")), shards(kerr.GroupAuthorizationFailed)} {
		if stillComing(err) {
			t.Errorf("%v is taken as passing", err)
		}
	}
}
