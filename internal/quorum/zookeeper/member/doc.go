// Package member decides what a node does with its session on a ZooKeeper ensemble: it registers its broker, stands for
// election, follows the metadata log or writes it, and gives itself up before its session can have expired.
//
// It is pure: Machine.Step takes one event (the session's state, an answer, a watch that fired, something to write, the time)
// and gives what is to be asked next and what has come of it. One request is under way at a time, so what an answer is to is
// never in doubt. A request whose answer was lost may have been carried out or not: the machine looks before it goes on.
//
// What keeps the log whole is not the clock: everything that a controller writes is one multi-operation with a check of
// /controller_epoch's version, which the next controller has raised before it reads the log. The clock only lets a node stop
// earlier than it would find that out.
//
// Paths are those within the cluster's chroot. Start with Machine.Step, then next.
package member
