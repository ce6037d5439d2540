// Package endtoend runs a whole pipeline, MariaDB to topic to HBase and MariaDB, as its users do: the skein binary, a file,
// real servers. While tables of all types are written, each part is killed and started again in turn. In the end both targets
// have what the source has, and the topic has each change of the binlog once.
package endtoend
