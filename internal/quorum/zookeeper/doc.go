// Package zookeeper is the metadata quorum on a ZooKeeper ensemble, for those who run one: the same controller and the same
// images as on raft (package quorum), with the records agreed upon by the ensemble. No node votes, and none keeps a log.
//
// What a node decides is in the folder member, which is pure. Here are the session that asks the ensemble (Session, over
// github.com/go-zookeeper/zk), what has to be there before a node can begin (Prepare), and the node, which connects the
// two with the controller.
package zookeeper
