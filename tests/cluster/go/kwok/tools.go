// Package kwok only pins, by the tool line of its go.mod, the release of kwok
// that plays nodes and pods where a test needs more of them than a machine holds.
package kwok
