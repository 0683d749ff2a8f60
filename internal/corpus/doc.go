// Package corpus finds real manifests for tests. They were written by others, so they
// stand beside the checkout and not in it, and tests are skipped where they are absent.
//
// It knows files and nothing of what is in them.
package corpus
