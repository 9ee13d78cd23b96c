//go:build !linux

package bolt

import "errors"

func meetFullDisk(string) error { return errors.New("only Linux has mount namespaces") }
