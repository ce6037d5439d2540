package mysql

import (
	"context"

	"github.com/skein-io/skein/perceptor/change"
)

// CheckTarget looks whether the target's table for a table of the source has a primary key and a place for versions. An error
// says what to change.
func (s *Sink) CheckTarget(ctx context.Context, database, table string) error {
	_, err := s.target(ctx, &change.Table{Database: database, Name: table})
	return err
}
