// Package hbase tests perceptor/hbase and its client on a real Apache HBase, which a JDK and Maven bring.
package hbase
