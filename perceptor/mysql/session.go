package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// session is a connector whose connections are set up before anybody gets them.
type session struct{ driver.Connector }

// sessionSettings: values that do not fit are errors; what MySQL lets pass as a date in some mode passes; times are UTC;
// a backslash escapes, whatever the server's default; a lock of a row is one of that row, and none of what is around it.
var sessionSettings = []string{
	"SET SESSION sql_mode = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1",
	"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
}

func (s session) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, statement := range sessionSettings {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, statement, nil); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
	}
	return conn, nil
}
