// Package bounds holds what is too much against the function: bombs, giants and
// truncated streams. It stands apart from the other end-to-end tests because it
// measures memory, and imports little for the same reason.
package bounds
