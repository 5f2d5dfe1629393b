//go:build tools

// Package tools names the command that this module exists to build, so that its whole tree of
// dependencies is pinned in go.sum.
package tools

import _ "github.com/temporalio/cli/cmd/temporal"
