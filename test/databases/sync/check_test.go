package sync

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/skein-io/skein/perceptor/pipeline"
)

const checkFile = `name: checked
brokers: {addresses: $BROKER}
topics: {prefix: checked}
source:
  connector: mysql
  address: $SOURCE
  user: checker
  password: {file: password}
  server-id: 4712
  tables: [checked.*]
  keys: {checked.declared: [a]}
sink:
  type: mysql
  address: $TARGET
  user: checker
  password: {file: password}
  database: checked
  generations: owners
  tables: [checked.fine, checked.narrow, checked.none, checked.other]
`

// Each mistake that people make is found, with what to change; when all is put right, nothing is found.
func TestCheck(t *testing.T) {
	source, target := shared.source, shared.target
	source.exec(t, "DROP DATABASE IF EXISTS checked", "CREATE DATABASE checked", "CREATE OR REPLACE USER checker@'%' IDENTIFIED BY 'skein'", "GRANT SELECT ON checked.* TO checker@'%'",
		"CREATE TABLE checked.fine (id INT PRIMARY KEY, v VARCHAR(10))",
		"CREATE TABLE checked.narrow (id BIGINT PRIMARY KEY, v VARCHAR(40), d DECIMAL(12,4), e ENUM('a','b'), n INT, missing INT)",
		"CREATE TABLE checked.none (id INT PRIMARY KEY)", "CREATE TABLE checked.other (id INT PRIMARY KEY, b INT)",
		"CREATE TABLE checked.keyless (a INT)", "CREATE TABLE checked.declared (a INT NOT NULL, b INT)",
		"SET GLOBAL binlog_row_image = 'MINIMAL'")
	defer func() {
		if _, err := source.sql.Exec("SET GLOBAL binlog_row_image = 'FULL'"); err != nil {
			t.Error(err)
		}
	}()
	const version = ", execute_time BIGINT NULL, binlog_position BINARY(16) NULL, source_epoch INT UNSIGNED NULL, row_deleted BOOLEAN NOT NULL DEFAULT FALSE"
	target.exec(t, "DROP DATABASE IF EXISTS checked", "CREATE DATABASE checked", "CREATE OR REPLACE USER checker@'%' IDENTIFIED BY 'skein'", "GRANT SELECT ON checked.* TO checker@'%'",
		"CREATE TABLE checked.fine (id INT PRIMARY KEY, v VARCHAR(10)"+version+")",
		"CREATE TABLE checked.narrow (id BIGINT PRIMARY KEY, v VARCHAR(20), d DECIMAL(12,2), e ENUM('a'), n INT NOT NULL, extra INT NOT NULL"+version+")",
		"CREATE TABLE checked.other (id INT, b INT, PRIMARY KEY (id, b))")
	path := file(t, checkFile)
	found, code := check(t, path)
	if code != 1 {
		t.Errorf("the exit code is %d", code)
	}
	for _, want := range []string{
		"FAIL source: mysql: binlog_row_image is \"MINIMAL\" and has to be FULL",
		"FAIL source: mysql: write source.connector: mariadb",
		"FAIL source: table checked.keyless: it has no primary key", "FAIL source: table checked.declared: no unique index has these columns: ALTER TABLE `checked`.`declared` ADD UNIQUE (a)",
		"ok source: table checked.fine: key id",
		"FAIL sink mysql: table checked.fine: GRANT INSERT", "FAIL sink mysql: table checked.fine: GRANT UPDATE",
		"FAIL sink mysql: table checked.narrow: it has no column missing", "FAIL sink mysql: table checked.narrow: its column extra is NOT NULL without a default",
		"warn sink mysql: table checked.narrow: column v: it may have 40, and the target has room for 20", "FAIL sink mysql: table checked.narrow: column d: a decimal(12,4) does not fit a decimal(12,2)",
		"warn sink mysql: table checked.narrow: column e: the target does not have its member \"b\"", "warn sink mysql: table checked.narrow: column n: it may be NULL, and the target's may not",
		"FAIL sink mysql: table checked.none: it is not there", "FAIL sink mysql: table checked.other: its primary key is (id, b), and that of the source's table checked.other is (id)",
		"ok sink mysql: table checked.owners: it is not there; the sink makes it",
		"FAIL sink mysql: table checked.other: ADD COLUMN `execute_time` BIGINT",
	} {
		if !has(found, want) {
			t.Errorf("it is not found: %s", want)
		}
	}
	if t.Failed() {
		t.Logf("found: %+v", found)
	}

	source.exec(t, "SET GLOBAL binlog_row_image = 'FULL'")
	if found, _ = check(t, path); !has(found, "FAIL source: mysql: REPLICATION SLAVE") {
		t.Errorf("the missing right is not found: %+v", found)
	}
	source.exec(t, "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO checker@'%'", "DROP TABLE checked.keyless", "ALTER TABLE checked.declared ADD UNIQUE (a)")
	target.exec(t, "GRANT ALL ON checked.* TO checker@'%'",
		"CREATE OR REPLACE TABLE checked.narrow (id BIGINT PRIMARY KEY, v VARCHAR(40), d DECIMAL(12,4), e ENUM('a','b'), n INT, missing INT, extra INT NOT NULL DEFAULT 5"+version+")",
		"CREATE TABLE checked.none (id INT PRIMARY KEY"+version+")", "CREATE OR REPLACE TABLE checked.other (id INT PRIMARY KEY, b INT"+version+")")
	path = file(t, strings.Replace(checkFile, "connector: mysql", "connector: mariadb", 1))
	if found, code = check(t, path); code != 0 {
		t.Errorf("when all is put right the exit code is %d: %+v", code, found)
	}
	for _, f := range found {
		if f.Verdict != pipeline.Fine {
			t.Errorf("when all is put right: %+v", f)
		}
	}
	if made := target.rows(t.Context(), "SHOW TABLES FROM checked LIKE 'owners'"); made != "" {
		t.Errorf("check has made %q", made)
	}
	target.exec(t, "CREATE TABLE checked.owners (generation INT)", "REVOKE ALL ON checked.* FROM checker@'%'", "GRANT SELECT ON checked.* TO checker@'%'")
	if found, _ = check(t, path); !has(found, "FAIL sink mysql: table checked.owners: GRANT INSERT") {
		t.Errorf("the missing right to the table of generations is not found: %+v", found)
	}
}

func check(t *testing.T, path string) ([]pipeline.Finding, int) {
	t.Helper()
	out, errs, code := skein(t, "sync", "check", path, "-o", "json")
	var found []pipeline.Finding
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	if strings.Contains(out+errs, "\"skein\"") {
		t.Errorf("the password is told:\n%s%s", out, errs)
	}
	return found, code
}

// has says whether there is a finding VERDICT PART: WHAT: DETAIL, of which WHAT is the beginning and DETAIL a part.
func has(found []pipeline.Finding, want string) bool {
	verdict, rest, _ := strings.Cut(want, " ")
	parts := strings.SplitN(rest, ": ", 3)
	for _, f := range found {
		if string(f.Verdict) == verdict && f.Part == parts[0] && strings.HasPrefix(f.What, parts[1]) && strings.Contains(f.Detail, parts[2]) {
			return true
		}
	}
	return false
}
