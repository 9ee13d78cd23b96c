// Package arn writes and reads the Amazon Resource Names of ECS and validates the names and ids inside them. It turns what a
// client sent ("web", "web:3", a full ARN) into the names the core works with, and refuses what is malformed or belongs to
// another account, region or cluster.
//
// It never looks anything up: whether the thing exists is for the caller to find out. Start reading at Namer.
package arn
