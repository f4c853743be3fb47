// Package kind only pins, by the tool line of its go.mod, the release of kind
// that tests use where Docker works and no kind is installed.
package kind
